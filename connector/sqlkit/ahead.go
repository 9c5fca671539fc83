package sqlkit

import (
	"context"
	"errors"
	"iter"
	"sync"
)

// errStopped tells a producer that nobody wants more. It never leaves Ahead.
var errStopped = errors.New("the consumer stopped")

// Ahead runs produce in a goroutine of its own, so that the next piece is read
// and decoded while the consumer still works on the previous one. It keeps at
// most one finished piece waiting: memory stays bounded by three pieces.
//
// When outer ends, no further piece is handed out, even one that is ready: the
// sequence ends with an error. When the consumer stops early, emit fails, produce is expected to return, and
// drop gets the pieces that nobody took. The goroutine has ended when the
// sequence has ended, however it ended.
func Ahead[T any](outer context.Context, produce func(ctx context.Context, emit func(T) error) error, drop func(T)) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		ctx, cancel := context.WithCancel(outer)
		a := ahead[T]{pieces: make(chan T, 1), stop: make(chan struct{}), drop: drop}
		var group sync.WaitGroup
		var failed error
		group.Go(func() {
			defer close(a.pieces)
			failed = produce(ctx, a.emit)
		})
		finish := sync.OnceFunc(func() {
			close(a.stop)
			cancel()
			for piece := range a.pieces {
				drop(piece)
			}
			group.Wait()
		})
		defer finish()
		cut := false
		for piece := range a.pieces {
			if cut = outer.Err() != nil; cut {
				drop(piece)
				break
			}
			if !yield(piece, nil) {
				return
			}
		}
		finish()
		if failed == nil || errors.Is(failed, errStopped) {
			if failed = nil; cut {
				failed = context.Cause(outer)
			}
		}
		if failed != nil {
			var none T
			yield(none, failed)
		}
	}
}

type ahead[T any] struct {
	pieces chan T
	stop   chan struct{}
	drop   func(T)
}

// emit hands over a piece, or drops it when nobody will take it.
func (a *ahead[T]) emit(piece T) error {
	select {
	case <-a.stop:
		a.drop(piece)
		return errStopped
	default:
	}
	select {
	case a.pieces <- piece:
		return nil
	case <-a.stop:
		a.drop(piece)
		return errStopped
	}
}
