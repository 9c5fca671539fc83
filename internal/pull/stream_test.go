package pull

import (
	"context"
	"errors"
	"iter"
	"sync/atomic"
	"testing"
	"testing/synctest"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/regrant/regrant/connector"
)

// faucet yields batches of 100 rows until it is told otherwise.
type faucet struct {
	connector.Source // nothing else is asked
	mem              memory.Allocator
	batches          int // 0: without end
	err              error
	panics           bool
	reading          *atomic.Bool
}

func (f *faucet) Read(ctx context.Context, _ connector.Request) iter.Seq2[connector.Batch, error] {
	return func(yield func(connector.Batch, error) bool) {
		f.reading.Store(true)
		defer f.reading.Store(false)
		for n := 0; f.batches == 0 || n < f.batches; n++ {
			if ctx.Err() != nil {
				yield(connector.Batch{}, ctx.Err())
				return
			}
			if !yield(f.batch(), nil) {
				return
			}
		}
		if f.panics {
			panic("a bug")
		}
		if f.err != nil {
			yield(connector.Batch{}, f.err)
		}
	}
}

func (f *faucet) batch() connector.Batch {
	b := array.NewRecordBuilder(f.mem, arrow.NewSchema([]arrow.Field{{Name: "id", Type: arrow.PrimitiveTypes.Int64}}, nil))
	defer b.Release()
	for n := range 100 {
		b.Field(0).(*array.Int64Builder).Append(int64(n))
	}
	return connector.Batch{Record: b.NewRecordBatch()}
}

// TestStreamEnds: however a stream ends, the source is left alone before
// stream returns, no goroutine stays, and every record is released.
func TestStreamEnds(t *testing.T) {
	t.Parallel()
	broken := errors.New("broken")
	tests := map[string]struct {
		faucet faucet
		take   func(n int, cancel func()) (bool, error)
		want   error
		code   string
		taken  int
	}{
		"source has no more":   {faucet: faucet{batches: 5}, taken: 5},
		"source has nothing":   {faucet: faucet{batches: -1}},
		"source fails":         {faucet: faucet{batches: 3, err: broken}, want: broken, taken: 3},
		"source panics":        {faucet: faucet{batches: 3, panics: true}, code: "internal.panic", taken: 3},
		"warehouse fails":      {take: func(n int, _ func()) (bool, error) { return true, failAtBatch(n, 4, broken) }, want: broken, taken: 4},
		"warehouse had enough": {take: func(n int, _ func()) (bool, error) { return n < 4, nil }, taken: 4},
		"pull is cancelled": {take: func(n int, cancel func()) (bool, error) {
			if n == 4 {
				cancel()
			}
			return true, nil
		}, want: context.Canceled},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				mem := memory.NewCheckedAllocator(memory.DefaultAllocator)
				defer mem.AssertSize(t, 0)
				source := &faucet{mem: mem, reading: new(atomic.Bool), batches: test.faucet.batches, err: test.faucet.err, panics: test.faucet.panics}
				r := &run{Puller: New(Config{Limits: Limits{QueueBytes: 3000}}), source: source}
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				taken := 0
				err := r.stream(ctx, connector.Request{}, func(b connector.Batch) (bool, error) {
					defer b.Release()
					taken++
					if test.take == nil {
						return true, nil
					}
					return test.take(taken, cancel)
				})
				if source.reading.Load() {
					t.Error("the source is still read")
				}
				if test.code == "" && !errors.Is(err, test.want) || test.code != "" && connector.FaultOf(err).Code != test.code {
					t.Errorf("ended with %v, want %v %s", err, test.want, test.code)
				}
				if test.taken > 0 && taken != test.taken {
					t.Errorf("%d batches were taken, want %d", taken, test.taken)
				}
			})
		})
	}
}

func failAtBatch(n, at int, err error) error {
	if n == at {
		return err
	}
	return nil
}

// TestQueueIsBoundedByBytes: a source that is faster than the warehouse waits.
func TestQueueIsBoundedByBytes(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := &faucet{mem: memory.DefaultAllocator}
		q := newQueue(3 * sizeOf(f.batch()))
		ctx, cancel := context.WithCancel(t.Context())
		var put atomic.Int64
		done := make(chan error)
		go func() {
			for {
				if err := q.put(ctx, f.batch()); err != nil {
					done <- err
					return
				}
				put.Add(1)
			}
		}()
		synctest.Wait()
		if n := put.Load(); n != 3 {
			t.Errorf("%d batches are held, want 3", n)
		}
		if _, ok, err := q.next(ctx); !ok || err != nil {
			t.Fatal(ok, err)
		}
		synctest.Wait()
		if n := put.Load(); n != 4 {
			t.Errorf("%d batches were put after one was taken, want 4", n)
		}
		cancel()
		if err := <-done; !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
	})
}
