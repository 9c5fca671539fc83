package connectortest

import (
	"cmp"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"time"
)

// Reply is one answer of a scripted HTTP provider. The zero Reply is an empty
// 200.
type Reply struct {
	Status int               // 0 means 200
	Header map[string]string // Content-Type is JSON unless it is set
	Body   string
	Delay  time.Duration // waits before it answers
	Cut    bool          // ends the connection in the middle of the body
	Drop   bool          // ends the connection without any answer
}

// JSON is a reply with v encoded; v must be encodable.
func JSON(status int, v any) Reply {
	body, err := json.Marshal(v)
	if err != nil {
		return Reply{Status: http.StatusInternalServerError, Body: fmt.Sprintf("the script's reply cannot be encoded: %v", err)}
	}
	return Reply{Status: status, Body: string(body)}
}

// HTML is what a firewall, a proxy or a maintenance page says instead of the
// API.
func HTML(status int) Reply {
	return Reply{
		Status: status,
		Header: map[string]string{"Content-Type": "text/html; charset=utf-8"},
		Body:   "<!doctype html><html><head><title>Sign in to the network</title></head><body>Please wait.</body></html>",
	}
}

// TooMany is a 429; without a wait it names no time to come back.
func TooMany(wait time.Duration) Reply {
	r := Reply{Status: http.StatusTooManyRequests, Body: `{"error":"too many requests"}`}
	if wait > 0 {
		r.Header = map[string]string{"Retry-After": strconv.Itoa(int(wait.Seconds()))}
	}
	return r
}

// send answers a request.
func (r Reply) send(w http.ResponseWriter, req *http.Request) {
	if !waited(req, r.Delay) {
		return
	}
	if r.Drop {
		panic(http.ErrAbortHandler) // the documented way to end a connection
	}
	if w.Header().Get("Content-Type") == "" {
		w.Header().Set("Content-Type", "application/json")
	}
	for name, value := range r.Header {
		w.Header().Set(name, value)
	}
	body := r.Body
	if r.Cut {
		w.Header().Set("Content-Length", strconv.Itoa(len(body)))
		body = body[:len(body)/2]
	}
	w.WriteHeader(cmp.Or(r.Status, http.StatusOK))
	_, _ = w.Write([]byte(body))
	if r.Cut {
		_ = http.NewResponseController(w).Flush()
		panic(http.ErrAbortHandler)
	}
}

// waited is false when the client went away first.
func waited(req *http.Request, delay time.Duration) bool {
	if delay <= 0 {
		return true
	}
	timer := time.NewTimer(delay)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-req.Context().Done():
		return false
	}
}
