package connectortest

import (
	"net/http"
	"testing"
)

// FuzzRecording reads recordings as people might leave them.
func FuzzRecording(f *testing.F) {
	f.Add("GET /v1/customers?page=2\nHTTP/1.1 200 OK\nContent-Type: application/json\n\n{}\n")
	f.Add("HTTP/1.1 401 Unauthorized\r\nScript-Delay: 2s\r\nScript-Cut: true\r\n\r\n")
	f.Add("GET /\nHTTP/1.1 200 OK\nContent-Encoding: gzip\n\n")
	f.Add("")
	f.Fuzz(func(t *testing.T, text string) {
		like, reply, err := parseRecording(text)
		if err != nil {
			return
		}
		if reply.Status < 100 {
			t.Errorf("a reply with status %d", reply.Status)
		}
		if p := parsePattern(like); p.text == "" && !p.matches(http.MethodGet, "/", nil) {
			t.Error("the empty pattern is every request")
		}
	})
}
