package cli

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
)

func ask(t *testing.T, ctx context.Context, h http.HandlerFunc) (*http.Response, *handlerTransport, error) {
	t.Helper()
	transport := &handlerTransport{handler: h}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://regrant.local/x?y=z", strings.NewReader("in"))
	if err != nil {
		t.Fatal(err)
	}
	resp, err := transport.RoundTrip(req) //nolint:bodyclose // closed by the callers that get one
	return resp, transport, err
}

func TestTransportStreams(t *testing.T) {
	t.Parallel()
	goOn := make(chan struct{})
	resp, transport, err := ask(t, t.Context(), func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		w.Header().Set("X-Seen", string(body)+r.RequestURI)
		w.WriteHeader(http.StatusAccepted)
		w.Header().Set("X-Late", "not sent")
		_, _ = io.WriteString(w, "one\n")
		if err := http.NewResponseController(w).Flush(); err != nil {
			t.Error(err)
		}
		<-goOn
		_, _ = io.WriteString(w, "two\n")
	})
	if err != nil || resp.StatusCode != http.StatusAccepted || resp.Header.Get("X-Seen") != "in/x?y=z" || resp.Header.Get("X-Late") != "" {
		t.Fatal(err, resp)
	}
	defer func() { _ = resp.Body.Close() }()
	lines := bufio.NewScanner(resp.Body)
	if !lines.Scan() || lines.Text() != "one" {
		t.Fatal("the first line did not come before the handler ended")
	}
	close(goOn)
	if !lines.Scan() || lines.Text() != "two" || lines.Scan() {
		t.Fatal(lines.Text())
	}
	if err := transport.wait(); err != nil {
		t.Fatal(err)
	}
}

func TestTransportSurvivesPanics(t *testing.T) {
	t.Parallel()
	resp, transport, err := ask(t, t.Context(), func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, "half")
		panic(http.ErrAbortHandler)
	})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	if text, err := io.ReadAll(resp.Body); err == nil {
		t.Fatalf("half an answer passed as a whole one: %q", text)
	}
	_ = transport.wait()
}

func TestTransportEndsWithItsContext(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	entered := make(chan struct{})
	go func() { <-entered; cancel() }()
	_, transport, err := ask(t, ctx, func(_ http.ResponseWriter, r *http.Request) { //nolint:bodyclose // there is none
		close(entered)
		<-r.Context().Done()
	})
	if !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	_ = transport.wait() // and the handler has ended
}
