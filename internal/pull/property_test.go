package pull_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/regrant/regrant/connector"
	"github.com/regrant/regrant/internal/integration"
	"github.com/regrant/regrant/internal/pull"
	"github.com/regrant/regrant/internal/warehouse"
)

// TestHistories drives each method through random histories of inserts,
// updates, deletions and pulls that break at random boundaries, and demands
// after each whole pull what doc.go promises of the method.
func TestHistories(t *testing.T) {
	t.Parallel()
	for _, how := range methods {
		t.Run(string(how.Method), func(t *testing.T) {
			t.Parallel()
			rapid.Check(t, func(t *rapid.T) {
				store := newStore()
				h := newHistory(t, store, how)
				h.b.store = store
				h.run()
			})
		})
	}
}

// history is one random life of a table.
type history struct {
	*rapid.T
	steps int // at most
	b     *bench
	how   connector.Replication
	next  int64 // id
}

func newHistory(t *rapid.T, house warehouse.Warehouse, how connector.Replication) *history {
	s := newShop("orders")
	s.perBatch = rapid.IntRange(1, 9).Draw(t, "rows per batch")
	table := enabled("orders", how.Method, how.Column)
	table.AllowEmpty = true
	b := setupOn(house, s, table)
	b.limit = pull.Limits{CommitRows: int64(rapid.IntRange(1, 30).Draw(t, "rows per commit")), Doomed: int64(rapid.IntRange(1, 30).Draw(t, "doomed")), QueueBytes: 200}
	return &history{T: t, steps: 12, b: b, how: how, next: 1}
}

func (h *history) run() {
	for range rapid.IntRange(1, h.steps).Draw(h.T, "steps") {
		h.change()
		h.recheck()
		if rapid.Bool().Draw(h.T, "breaks") {
			h.broken()
			continue
		}
		h.whole()
	}
	h.change()
	h.whole()
}

// change lets the source live for a while.
func (h *history) change() {
	for range rapid.IntRange(0, 25).Draw(h.T, "changes") {
		switch rapid.IntRange(0, 5).Draw(h.T, "change") {
		case 0, 1, 2:
			h.b.shop.insert("orders", h.next)
			h.next += int64(rapid.IntRange(1, 3).Draw(h.T, "id step"))
		case 3, 4:
			if id, ok := h.someRow(); ok {
				h.b.shop.update("orders", id)
			}
		default:
			if id, ok := h.someRow(); ok {
				h.b.shop.delete("orders", id)
			}
		}
	}
}

func (h *history) someRow() (int64, bool) {
	id := rapid.Int64Range(1, h.next).Draw(h.T, "id")
	_, ok := h.b.shop.tables["orders"][id]
	return id, ok
}

// recheck asks for rechecks with the next update.
func (h *history) recheck() {
	table := h.b.heart.table("orders")
	table.Rechecks = map[string]integration.Recheck{}
	table.AllowEmpty = true
	for _, column := range []string{"id", "value"} {
		if rapid.Bool().Draw(h.T, "recheck "+column) {
			table.Rechecks[column] = integration.Recheck{Every: integration.Once}
		}
	}
}

// broken is a pull that dies at a boundary of the warehouse or of the source.
func (h *history) broken() {
	cut, n := rapid.IntRange(1, 60).Draw(h.T, "cut"), 0
	if h.b.store == nil || rapid.Bool().Draw(h.T, "at the source") {
		h.b.shop.failAfter, h.b.shop.failWith = cut, &connector.Fault{Cause: connector.Outage, Code: "shop.down", Err: errors.New("reset")}
	} else {
		h.b.store.at = func(point string) error {
			if n++; n == cut {
				return fmt.Errorf("cut at %s", point)
			}
			return nil
		}
	}
	h.b.pull(h.T)
	h.b.shop.failAfter = 0
	if h.b.store != nil {
		h.b.store.at = nil
	}
	h.never()
}

// whole is a pull that reaches the end.
func (h *history) whole() {
	before := maps.Clone(h.b.heart.table("orders").Rechecks)
	h.b.heart.table("orders").AllowEmpty = true
	resumed := h.sweeping()
	h.b.now = h.b.now.Add(24 * time.Hour)
	h.b.want(h.T, integration.Succeeded)
	h.never()
	_, values := before["value"]
	values = values && !resumed // what was compared before the interruption is not compared again
	_, keys := before["id"]
	h.promised(values, keys)
}

// never is what holds at any time: no row that the source never had.
func (h *history) never() {
	for id := range h.b.alive("orders") {
		if id >= h.next || id < 1 {
			h.Fatalf("row %d was never at the source", id)
		}
	}
}

// promised is what doc.go says of the method.
func (h *history) promised(valuesCompared, keysCompared bool) {
	source, got := h.b.source("orders"), h.b.alive("orders")
	current := h.how.Method != connector.AutoIncrement && h.how.Method != connector.AddDate || valuesCompared
	exact := h.how.Method == connector.FullTable || h.how.Method == connector.PrimaryKeyBatch || keysCompared
	for id, value := range source {
		v, ok := got[id]
		switch {
		case !ok:
			h.Fatalf("row %d is missing", id)
		case current && v != value:
			h.Fatalf("row %d has the value %d, at the source %d", id, v, value)
		}
	}
	if exact && len(got) != len(source) {
		h.Fatalf("%d rows are here, %d at the source", len(got), len(source))
	}
}

// sweeping says whether a recheck of values was interrupted.
func (h *history) sweeping() bool {
	state, err := h.b.house.Describe(context.Background(), h.b.name("orders"))
	if err != nil {
		h.Fatal(err)
	}
	return strings.Contains(string(state.Position), `"sweep"`)
}
