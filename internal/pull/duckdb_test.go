//go:build duckdb_arrow

package pull_test

import (
	"errors"
	"fmt"
	"maps"
	"path/filepath"
	"sync/atomic"
	"testing"

	"pgregory.net/rapid"

	"github.com/regrant/regrant/connector"
	"github.com/regrant/regrant/internal/integration"
	"github.com/regrant/regrant/internal/warehouse"
	"github.com/regrant/regrant/internal/warehouse/duckdb"
)

// openDuckDB opens a warehouse for one test.
func openDuckDB(t testing.TB) warehouse.Warehouse {
	t.Helper()
	w, err := duckdb.Open(t.Context(), duckdb.Config{Path: filepath.Join(t.TempDir(), "warehouse.duckdb")})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := w.Close(); err != nil {
			t.Error(err)
		}
	})
	return w
}

func TestDuckDBEveryMethod(t *testing.T) {
	t.Parallel()
	w := openDuckDB(t)
	for _, how := range methods {
		b := setupOn(w, newShop("orders").fill("orders", 100), rechecking(enabled("orders", how.Method, how.Column), "id", integration.Always))
		b.heart.record.Integration.Slug = string(how.Method)
		p := b.want(t, integration.Succeeded)
		b.equal(t, "orders")
		if p.Tables[0].Inserted != 100 {
			t.Errorf("%s: %+v", how.Method, p.Tables[0])
		}
		b.shop.insert("orders", 101)
		b.shop.delete("orders", 50)
		p = b.want(t, integration.Succeeded)
		b.equal(t, "orders")
		if how.Method != connector.FullTable && (p.Tables[0].Inserted != 1 || p.Tables[0].Deleted != 1) {
			t.Errorf("%s: %+v", how.Method, p.Tables[0])
		}
	}
}

func TestDuckDBIsNeverWiped(t *testing.T) {
	t.Parallel()
	w := openDuckDB(t)
	for deleter, table := range deleters() {
		for name, happen := range map[string]func(*shop){
			"hidden":  func(s *shop) { s.hidden = true },
			"emptied": func(s *shop) { s.tables["orders"] = map[int64]row{} },
			"denied": func(s *shop) {
				s.failAfter, s.failWith = 2, &connector.Fault{Cause: connector.AccessChanged, Code: "shop.denied", Scope: connector.OneTable, Err: errors.New("denied")}
			},
		} {
			b := setupOn(w, newShop("orders").fill("orders", 100), table)
			b.heart.record.Integration.Slug = deleter + " " + name
			b.want(t, integration.Succeeded)
			before := b.alive("orders")
			for id := range int64(40) {
				b.shop.update("orders", id+1)
			}
			happen(b.shop)
			b.want(t, integration.Failed)
			if after := b.alive("orders"); len(after) != 100 || name != "denied" && !maps.Equal(before, after) {
				t.Errorf("%s, %s: %d rows are left", deleter, name, len(after))
			}
		}
	}
}

// TestDuckDBResumesFromEveryBatch cuts the reading after each batch in turn.
func TestDuckDBResumesFromEveryBatch(t *testing.T) {
	t.Parallel()
	w := openDuckDB(t)
	for _, how := range methods {
		for cut := 1; cut <= 12; cut++ {
			b := setupOn(w, newShop("orders").fill("orders", 70), enabled("orders", how.Method, how.Column))
			b.heart.record.Integration.Slug = fmt.Sprintf("%s_%d", how.Method, cut)
			b.shop.failAfter, b.shop.failWith = cut, &connector.Fault{Cause: connector.Outage, Code: "shop.down", Err: errors.New("reset")}
			b.pull(t)
			b.shop.failAfter = 0
			b.want(t, integration.Succeeded)
			b.equal(t, "orders")
		}
	}
}

func TestDuckDBHistories(t *testing.T) {
	if testing.Short() {
		t.Skip("random histories on a real engine take a while")
	}
	t.Parallel()
	w := openDuckDB(t)
	var n atomic.Int64
	rapid.Check(t, func(t *rapid.T) {
		h := newHistory(t, w, rapid.SampledFrom(methods).Draw(t, "method"))
		h.b.heart.record.Integration.Slug = fmt.Sprintf("h%d", n.Add(1))
		h.steps, h.b.limit.CommitRows = 4, 25 // each commit waits for the disk
		h.run()
		if err := w.DropSchema(t.Context(), h.b.heart.record.Integration.Slug); err != nil {
			t.Fatal(err)
		}
	})
}
