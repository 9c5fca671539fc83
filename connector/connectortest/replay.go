package connectortest

import (
	"bufio"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// Replay starts a Script that gives the recorded replies of a folder. Each
// file *.http is an HTTP response as text, without secrets:
//
//	GET /v1/customers?page=2
//	HTTP/1.1 200 OK
//	Content-Type: application/json
//
//	{"data": []}
//
// The first line says which requests get it; files for the same requests are
// given in the order of their names. A file without that line is a reply for
// BreakNamed under the file's name. The headers Script-Delay ("2s"), Script-Cut
// and Script-Drop ("true") set the fields of Reply.
func Replay(t testing.TB, dir string) *Script {
	t.Helper()
	files, _ := filepath.Glob(filepath.Join(dir, "*.http"))
	if len(files) == 0 {
		t.Fatalf("%s holds no recorded replies (*.http)", dir)
	}
	s := NewScript(t)
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatalf("recorded reply: %v", err)
		}
		like, reply, err := parseRecording(string(text))
		if err != nil {
			t.Fatalf("recorded reply %s: %v", file, err)
		}
		if like == "" {
			s.Name(strings.TrimSuffix(filepath.Base(file), ".http"), reply)
			continue
		}
		s.On(like, reply)
	}
	return s
}

// parseRecording splits a file into the request's pattern and the reply.
func parseRecording(text string) (like string, r Reply, err error) {
	text = strings.ReplaceAll(text, "\r\n", "\n")
	if !strings.HasPrefix(text, "HTTP/") {
		like, text, _ = strings.Cut(text, "\n")
	}
	head, body, _ := strings.Cut(text, "\n\n")
	resp, err := http.ReadResponse(bufio.NewReader(strings.NewReader(head+"\n\n")), nil)
	if err != nil {
		return "", Reply{}, fmt.Errorf("parse the response: %w", err)
	}
	defer func() { _ = resp.Body.Close() }()
	_, _ = io.Copy(io.Discard, resp.Body)
	r = Reply{Status: resp.StatusCode, Header: map[string]string{}, Body: strings.TrimSuffix(body, "\n")}
	return strings.TrimSpace(like), r, r.takeHeaders(resp.Header)
}

// takeHeaders keeps the headers of a recording that are still true of the
// replay, and obeys those of the script.
func (r *Reply) takeHeaders(header http.Header) (err error) {
	stale := []string{"Content-Length", "Transfer-Encoding", "Date", "Connection", "Set-Cookie"}
	for name := range header {
		value := header.Get(name)
		switch {
		case name == "Script-Delay":
			if r.Delay, err = time.ParseDuration(value); err != nil {
				return fmt.Errorf("header Script-Delay: %w", err)
			}
		case name == "Script-Cut":
			r.Cut = value == "true"
		case name == "Script-Drop":
			r.Drop = value == "true"
		case name == "Content-Encoding":
			return fmt.Errorf("the recording is encoded as %s; store it plain", value)
		case !slices.Contains(stale, name):
			r.Header[name] = value
		}
	}
	return nil
}
