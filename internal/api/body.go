package api

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"
)

const (
	maxBody  = 1 << 20
	bodyTime = 20 * time.Second
)

// bounded reads the body of a write before anything else, at most maxBody of
// it and for at most bodyTime. The deadline is lifted afterwards: net/http
// watches the connection while a handler works, and a deadline left behind
// would end a long verification as if the person had gone away.
func (s *server) bounded(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Body == nil || r.Body == http.NoBody || r.Method == http.MethodGet {
			next.ServeHTTP(w, r)
			return
		}
		if personOf(r.Context()).Role == "" { // strangers' bodies are not read
			r.Body = http.NoBody
			next.ServeHTTP(w, r)
			return
		}
		control := http.NewResponseController(w)
		_ = control.SetReadDeadline(time.Now().Add(bodyTime)) // not every writer can
		body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
		_ = control.SetReadDeadline(time.Time{})
		if err != nil {
			writeProblem(w, bodyProblem(err))
			return
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
		r.ContentLength = int64(len(body))
		next.ServeHTTP(w, r)
	})
}

func bodyProblem(err error) *problem {
	var large *http.MaxBytesError
	if errors.As(err, &large) {
		return problemOf(http.StatusRequestEntityTooLarge, "body_too_large",
			fmt.Sprintf("The request is larger than %d bytes; nothing was changed.", large.Limit))
	}
	return problemOf(http.StatusBadRequest, "body_incomplete", "The request did not arrive whole; send it again.")
}
