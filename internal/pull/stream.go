package pull

import (
	"context"

	"github.com/regrant/regrant/connector"
)

// stream reads in one goroutine and takes in this one, so that the source
// sends while the warehouse commits. take owns the batch. When it returns an
// error, reading stops; stream returns only after the reader has ended,
// because a Source is used by one goroutine at a time.
func (r *run) stream(ctx context.Context, request connector.Request, take func(connector.Batch) (more bool, err error)) error {
	reading, stop := context.WithCancel(ctx)
	q := newQueue(r.limits.QueueBytes)
	ended := make(chan error, 1)
	go func() {
		defer q.close()
		ended <- recovered(func() error { return readInto(reading, r.source, request, q) })
	}()
	complete, err := takeAll(ctx, q, take)
	stop()
	q.drain()
	readErr := <-ended
	switch {
	case err != nil:
		return err
	case complete:
		return readErr // nil, or what ended the reading
	default:
		return nil // take had enough
	}
}

// readInto puts what the source yields into the queue.
func readInto(ctx context.Context, source connector.Source, request connector.Request, q *queue) error {
	for batch, err := range source.Read(ctx, request) {
		if err != nil {
			batch.Release()
			return err
		}
		if err := q.put(ctx, batch); err != nil {
			return err
		}
	}
	return ctx.Err()
}

// takeAll hands every batch over; complete says that the reader had no more.
func takeAll(ctx context.Context, q *queue, take func(connector.Batch) (bool, error)) (complete bool, err error) {
	for {
		batch, ok, err := q.next(ctx)
		switch {
		case err != nil:
			return false, err
		case !ok:
			return true, nil
		}
		more, err := take(batch)
		if err != nil || !more {
			return false, err
		}
	}
}
