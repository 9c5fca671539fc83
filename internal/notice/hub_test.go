package notice

import (
	"fmt"
	"sync"
	"testing"

	"go.uber.org/goleak"

	"github.com/regrant/regrant/internal/integration"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var _ integration.Notices = (*Hub)(nil)

func TestEveryListenerHearsEveryChange(t *testing.T) {
	t.Parallel()
	h := New()
	a, b := h.Listen(), h.Listen()
	defer a.Close()
	defer b.Close()
	h.Changed("i1", []integration.Event{{Text: "connected"}})
	for _, l := range []*Listener{a, b} {
		n := <-l.C()
		if n.Kind != Changed || n.Integration != "i1" || n.Events[0].Text != "connected" {
			t.Errorf("heard %+v", n)
		}
	}
}

func TestSlowListenerIsToldToReadAgain(t *testing.T) {
	t.Parallel()
	h := New()
	slow := h.Listen()
	defer slow.Close()
	for n := range buffer * 3 {
		h.Changed(fmt.Sprint(n), nil)
	}
	heard, resync := 0, false
	for len(slow.C()) > 0 {
		n := <-slow.C()
		heard++
		resync = n.Kind == Resync
	}
	if heard > buffer {
		t.Errorf("%d notices waited; the bound is %d", heard, buffer)
	}
	if !resync {
		t.Error("the last notice of a slow listener does not tell it to read again")
	}
	h.Changed("after", nil)
	if n := <-slow.C(); n.Kind != Changed || n.Integration != "after" {
		t.Errorf("after catching up the listener heard %+v", n)
	}
}

func TestProgressIsKeptUntilThePullEnds(t *testing.T) {
	t.Parallel()
	h := New()
	h.Tick(Tick{Integration: "i1", Table: "orders", Rows: 10})
	h.Tick(Tick{Integration: "i1", Table: "orders", Rows: 20})
	h.Tick(Tick{Integration: "i1", Table: "products", Rows: 1})
	rows := map[string]int64{}
	for _, tick := range h.Ticks("i1") {
		rows[tick.Table] = tick.Rows
	}
	if rows["orders"] != 20 || rows["products"] != 1 || len(rows) != 2 {
		t.Errorf("ticks are %v", rows)
	}
	h.Changed("i1", []integration.Event{{Kind: integration.EventPull}})
	if left := h.Ticks("i1"); len(left) != 0 {
		t.Errorf("ticks after the pull: %v", left)
	}
}

func TestClosingEndsListening(t *testing.T) {
	t.Parallel()
	h := New()
	l := h.Listen()
	l.Close()
	l.Close()
	if _, open := <-l.C(); open {
		t.Error("a closed listener still hears")
	}
	other := h.Listen()
	h.Close()
	if _, open := <-other.C(); open {
		t.Error("a listener outlives the hub")
	}
	h.Changed("i1", nil)
	if _, open := <-h.Listen().C(); open {
		t.Error("a closed hub takes listeners")
	}
}

func TestManyAtOnce(t *testing.T) {
	t.Parallel()
	h := New()
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 200 {
				l := h.Listen()
				h.Changed("i", nil)
				h.Tick(Tick{Integration: "i", Table: "t"})
				<-l.C()
				l.Close()
			}
		})
	}
	wg.Wait()
	h.mu.Lock()
	defer h.mu.Unlock()
	if len(h.listeners) != 0 {
		t.Errorf("%d listeners are left", len(h.listeners))
	}
}
