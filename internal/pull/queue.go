package pull

import (
	"context"

	"github.com/apache/arrow-go/v18/arrow"
	"golang.org/x/sync/semaphore"

	"github.com/regrant/regrant/connector"
)

// queue holds batches between the reader and the warehouse, bounded by bytes:
// rows are wide or narrow, and memory is what runs out.
type queue struct {
	limit   int64
	room    *semaphore.Weighted
	batches chan queued
}

type queued struct {
	batch connector.Batch
	size  int64
}

// slots bounds batches that hold almost nothing.
const slots = 64

func newQueue(limit int64) *queue {
	return &queue{limit: limit, room: semaphore.NewWeighted(limit), batches: make(chan queued, slots)}
}

// put waits for room; it releases the batch when ctx ends first.
func (q *queue) put(ctx context.Context, b connector.Batch) error {
	size := min(max(sizeOf(b), 1), q.limit) // one batch always fits
	if err := q.room.Acquire(ctx, size); err != nil {
		b.Release()
		return err
	}
	select {
	case q.batches <- queued{b, size}:
		return nil
	case <-ctx.Done():
		q.room.Release(size)
		b.Release()
		return ctx.Err()
	}
}

// close says that nothing comes any more.
func (q *queue) close() { close(q.batches) }

// next returns the next batch; false means that there is none left.
func (q *queue) next(ctx context.Context) (connector.Batch, bool, error) {
	select {
	case item, ok := <-q.batches:
		if ok {
			q.room.Release(item.size)
		}
		return item.batch, ok, nil
	case <-ctx.Done():
		return connector.Batch{}, false, ctx.Err()
	}
}

// drain releases what nobody will take, until close.
func (q *queue) drain() {
	for item := range q.batches {
		q.room.Release(item.size)
		item.batch.Release()
	}
}

// sizeOf is the memory that a batch holds.
func sizeOf(b connector.Batch) int64 { return recordSize(b.Record) + recordSize(b.Deletes) }

func recordSize(r arrow.RecordBatch) (n int64) {
	if r == nil {
		return 0
	}
	for _, column := range r.Columns() {
		n += dataSize(column.Data())
	}
	return n
}

func dataSize(d arrow.ArrayData) (n int64) {
	for _, b := range d.Buffers() {
		if b != nil {
			n += int64(b.Len())
		}
	}
	for _, child := range d.Children() {
		n += dataSize(child)
	}
	return n
}
