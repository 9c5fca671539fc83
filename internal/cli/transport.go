package cli

import (
	"fmt"
	"io"
	"net/http"
	"sync"
)

// handlerTransport answers requests by calling a handler in this process, so
// that a command without a server goes the same way as one with it.
type handlerTransport struct {
	handler http.Handler
	running sync.WaitGroup
}

// RoundTrip returns as soon as the handler begins its answer; what follows
// streams through the body.
func (t *handlerTransport) RoundTrip(req *http.Request) (*http.Response, error) {
	reader, writer := io.Pipe()
	w := &pipeWriter{header: make(http.Header), body: writer, began: make(chan struct{})}
	in := req.Clone(req.Context())
	in.RequestURI = req.URL.RequestURI()
	in.RemoteAddr = "in-process"
	if in.Body == nil {
		in.Body = http.NoBody
	}
	t.running.Go(func() { w.serve(t.handler, in) })
	select {
	case <-w.began:
	case <-req.Context().Done():
		_ = reader.CloseWithError(req.Context().Err())
		return nil, req.Context().Err()
	}
	return &http.Response{
		Status: fmt.Sprintf("%d %s", w.status, http.StatusText(w.status)), StatusCode: w.status,
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: w.sent, Body: reader, ContentLength: -1, Request: req,
	}, nil
}

// wait ends when no handler runs any more.
func (t *handlerTransport) wait() error {
	t.running.Wait()
	return nil
}

type pipeWriter struct {
	header, sent http.Header
	status       int
	body         *io.PipeWriter
	began        chan struct{}
	once         sync.Once
}

func (w *pipeWriter) serve(h http.Handler, r *http.Request) {
	defer func() {
		var err error
		if v := recover(); v != nil {
			err = fmt.Errorf("the request was ended: %v", v)
		}
		w.WriteHeader(http.StatusOK)
		_ = w.body.CloseWithError(err) // nil is the plain end
	}()
	h.ServeHTTP(w, r)
}

// Header is what will be sent.
func (w *pipeWriter) Header() http.Header { return w.header }

// WriteHeader begins the answer.
func (w *pipeWriter) WriteHeader(status int) {
	w.once.Do(func() {
		w.status, w.sent = status, w.header.Clone()
		close(w.began)
	})
}

// Write sends a piece of the body.
func (w *pipeWriter) Write(b []byte) (int, error) {
	w.WriteHeader(http.StatusOK)
	return w.body.Write(b)
}

// FlushError has nothing to do: nothing is kept back.
func (w *pipeWriter) FlushError() error {
	w.WriteHeader(http.StatusOK)
	return nil
}
