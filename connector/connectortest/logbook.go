package connectortest

import (
	"bytes"
	"log/slog"
	"sync"
)

// maxLog bounds what a logbook keeps; a connector that logs more is cut short.
const maxLog = 8 << 20

// logbook keeps what a connector logs, at every level, as text and as JSON:
// the two encoders print values in different ways.
type logbook struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func newLogbook() *logbook { return &logbook{} }

func (l *logbook) logger() *slog.Logger {
	all := &slog.HandlerOptions{Level: slog.Level(-100), AddSource: true}
	return slog.New(slog.NewMultiHandler(slog.NewTextHandler(l, all), slog.NewJSONHandler(l, all)))
}

// Write implements io.Writer for the handlers.
func (l *logbook) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.buf.Len() < maxLog {
		l.buf.Write(b)
	}
	return len(b), nil
}

func (l *logbook) text() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.String()
}
