package sqlkit

import (
	"os"
	"sync"
)

// ringSize is a compromise: the SSH window already holds 2 MiB per direction.
const ringSize = 256 << 10

// ring carries bytes from one producer to one consumer. Both work in place, on
// the part that belongs to them, so that only counters are guarded by the lock.
type ring struct {
	mu       sync.Mutex
	buf      []byte
	from, to int   // bytes consumed and produced so far
	end      error // why nothing more will be produced; nil: not yet
	broken   error // why nobody consumes any more

	filled, drained chan struct{} // "something changed", at most one waiting
}

func newRing() *ring {
	return &ring{buf: make([]byte, ringSize), filled: make(chan struct{}, 1), drained: make(chan struct{}, 1)}
}

func wake(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// space waits for room and gives the free part that begins where the filled
// one ends. It fails when the ring is finished, nobody consumes any more, or expired is closed.
func (r *ring) space(expired <-chan struct{}) ([]byte, error) {
	for {
		r.mu.Lock()
		end, broken, n := r.end, r.broken, len(r.buf)-(r.to-r.from)
		at := r.to % len(r.buf)
		r.mu.Unlock()
		switch {
		case broken != nil:
			return nil, broken
		case end != nil:
			return nil, end
		case isClosed(expired):
			return nil, os.ErrDeadlineExceeded
		case n > 0:
			return r.buf[at:min(len(r.buf), at+n)], nil
		}
		select {
		case <-r.drained:
		case <-expired:
		}
	}
}

// data waits for bytes and gives the first piece of them. It fails with the
// producer's reason when all is consumed, or when expired is closed.
func (r *ring) data(expired <-chan struct{}) ([]byte, error) {
	for {
		r.mu.Lock()
		end, broken, n := r.end, r.broken, r.to-r.from
		at := r.from % len(r.buf)
		r.mu.Unlock()
		switch {
		case broken != nil:
			return nil, broken
		case isClosed(expired):
			return nil, os.ErrDeadlineExceeded
		case n > 0:
			return r.buf[at:min(len(r.buf), at+n)], nil
		case end != nil:
			return nil, end
		}
		select {
		case <-r.filled:
		case <-expired:
		}
	}
}

func (r *ring) produced(n int) {
	r.mu.Lock()
	r.to += n
	r.mu.Unlock()
	wake(r.filled)
}

func (r *ring) consumed(n int) {
	r.mu.Lock()
	r.from += n
	r.mu.Unlock()
	wake(r.drained)
}

// finish says that nothing more comes; what is there can still be consumed.
func (r *ring) finish(reason error) {
	r.mu.Lock()
	if r.end == nil {
		r.end = reason
	}
	r.mu.Unlock()
	wake(r.filled)
	wake(r.drained)
}

// fail ends both sides at once.
func (r *ring) fail(reason error) {
	r.mu.Lock()
	if r.broken == nil {
		r.broken = reason
	}
	r.mu.Unlock()
	wake(r.filled)
	wake(r.drained)
}

func isClosed(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}
