package job

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"time"
)

type tick struct {
	name  string
	every time.Duration
	do    func(context.Context) error
}

// Every runs a function at once after Start and then at the interval, one
// run after the other. It leaves no trace in the database: a function that
// looks what is due and enqueues it needs none. It is called before Start.
func (q *Queue) Every(name string, interval time.Duration, do func(context.Context) error) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.state != idle {
		return fmt.Errorf("repeat %s: the queue was started before", name)
	}
	if interval <= 0 {
		return fmt.Errorf("repeat %s: the interval must be positive", name)
	}
	q.ticks = append(q.ticks, tick{name, interval, do})
	return nil
}

func (q *Queue) repeat(ctx context.Context, t tick) {
	ticker := time.NewTicker(t.every)
	defer ticker.Stop()
	for {
		if err := safely(ctx, t.do); err != nil && ctx.Err() == nil {
			q.log.ErrorContext(ctx, "periodic work failed", "work", t.name, "error", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
	}
}

func safely(ctx context.Context, do func(context.Context) error) (err error) {
	defer func() {
		if value := recover(); value != nil {
			err = errors.Join(fmt.Errorf("panic: %v", value), errors.New(string(debug.Stack())))
		}
	}()
	return do(ctx)
}
