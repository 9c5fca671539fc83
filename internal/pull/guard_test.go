package pull_test

import (
	"errors"
	"maps"
	"slices"
	"testing"

	"github.com/regrant/regrant/connector"
	"github.com/regrant/regrant/internal/integration"
	"github.com/regrant/regrant/internal/pull"
)

// deleting methods and the recheck that deletes: all ways in which rows leave
// the warehouse.
func deleters() map[string]integration.Table {
	return map[string]integration.Table{
		"full table":        enabled("orders", connector.FullTable, ""),
		"primary key batch": enabled("orders", connector.PrimaryKeyBatch, ""),
		"recheck of keys":   rechecking(enabled("orders", connector.ModifiedAt, "modified"), "id", integration.Always),
	}
}

func TestWarehouseIsNeverWiped(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		happen func(*shop)
		code   map[string]string // by deleter; "" or absent means pull.source_empty
	}{
		"policy hides all rows": {happen: func(s *shop) { s.hidden = true }},
		"table was emptied":     {happen: func(s *shop) { s.tables["orders"] = map[int64]row{} }},
		"most rows vanish": {
			happen: func(s *shop) {
				for id := range int64(60) {
					s.delete("orders", id+1)
				}
			},
			code: map[string]string{"full table": "pull.source_shrank", "primary key batch": "pull.too_many_deletions", "recheck of keys": "pull.too_many_deletions"},
		},
		"permission is revoked": {
			happen: func(s *shop) {
				s.failAfter, s.failWith = 1, &connector.Fault{Cause: connector.AccessChanged, Code: "shop.denied", Scope: connector.OneTable, Err: errors.New("denied")}
			},
			code: map[string]string{"full table": "shop.denied", "primary key batch": "shop.denied", "recheck of keys": "shop.denied"},
		},
	}
	for name, test := range tests {
		for deleter, table := range deleters() {
			t.Run(name+", "+deleter, func(t *testing.T) {
				t.Parallel()
				b := setup(newShop("orders").fill("orders", 100), table)
				b.want(t, integration.Succeeded)
				before := b.alive("orders")
				b.shop.insert("orders", 101)
				b.shop.delete("orders", 101) // the clock moves
				test.happen(b.shop)
				b.want(t, integration.Failed)
				want := test.code[deleter]
				if want == "" {
					want = "pull.source_empty"
				}
				if got := b.heart.last(); got.fault.Code != want || got.table != "orders" || got.fault.Cause != connector.AccessChanged {
					t.Errorf("told %q %s %s, want %s", got.table, got.fault.Code, got.fault.Cause, want)
				}
				if !maps.Equal(before, b.alive("orders")) {
					t.Errorf("%d rows are left of %d", len(b.alive("orders")), len(before))
				}
			})
		}
	}
}

func TestConfirmationHoldsForOneUpdate(t *testing.T) {
	t.Parallel()
	for deleter, table := range deleters() {
		for _, left := range []int{0, 30} {
			t.Run(deleter, func(t *testing.T) {
				t.Parallel()
				b := setup(newShop("orders").fill("orders", 100), table)
				b.limit.Doomed = 9 // several rounds
				b.want(t, integration.Succeeded)
				for id := range int64(100 - left) {
					b.shop.delete("orders", id+1)
				}
				b.heart.table("orders").AllowEmpty = true
				b.want(t, integration.Succeeded)
				b.equal(t, "orders")
				if b.heart.table("orders").AllowEmpty {
					t.Error("the confirmation is still in force")
				}
			})
		}
	}
}

func TestFewDeletionsNeedNoConfirmation(t *testing.T) {
	t.Parallel()
	for deleter, table := range deleters() {
		b := setup(newShop("orders").fill("orders", 100), table)
		b.want(t, integration.Succeeded)
		for _, id := range []int64{1, 50, 99, 100} {
			b.shop.delete("orders", id)
		}
		p := b.want(t, integration.Succeeded)
		b.equal(t, "orders")
		if deleter != "full table" && p.Tables[0].Deleted != 4 {
			t.Errorf("%s: %d deletions told, want 4", deleter, p.Tables[0].Deleted)
		}
	}
}

// TestSecondLookSaves: what the source shows when asked again is not deleted.
func TestSecondLookSaves(t *testing.T) {
	t.Parallel()
	for deleter, table := range deleters() {
		if deleter == "full table" {
			continue
		}
		b := setup(newShop("orders").fill("orders", 100), table)
		b.want(t, integration.Succeeded)
		b.shop.delete("orders", 7)
		b.shop.delete("orders", 8)
		b.shop.exists = func(id int64) (bool, bool) { return true, id == 7 }
		b.want(t, integration.Succeeded)
		if got := b.alive("orders"); len(got) != 99 || !slices.Contains(slices.Collect(maps.Keys(got)), 7) {
			t.Errorf("%s: %d rows are left, want 99 with number 7", deleter, len(got))
		}
	}
}

// TestUndecidedDeletionsAreNotForgotten: a pull that dies between finding
// missing rows and deleting them leaves them to the next.
func TestUndecidedDeletionsAreNotForgotten(t *testing.T) {
	t.Parallel()
	b := setup(newShop("orders").fill("orders", 100), enabled("orders", connector.PrimaryKeyBatch, ""))
	b.limit = pull.Limits{CommitRows: 1} // commits between finding and deleting
	b.want(t, integration.Succeeded)
	b.shop.delete("orders", 5)
	for id := int64(20); id < 60; id++ {
		b.shop.update("orders", id)
	}
	b.shop.failAfter, b.shop.failWith = 4, &connector.Fault{Cause: connector.Outage, Code: "shop.down", Err: errors.New("reset")}
	b.want(t, integration.Failed)
	b.shop.failAfter = 0
	b.want(t, integration.Succeeded)
	b.equal(t, "orders")
}

func TestDeniedColumnStopsItsTable(t *testing.T) {
	t.Parallel()
	b := setup(newShop("orders").fill("orders", 10), enabled("orders", connector.ModifiedAt, "modified"))
	b.want(t, integration.Succeeded)
	b.shop.denied = "value"
	b.shop.update("orders", 1)
	b.want(t, integration.Failed)
	if code := b.heart.last().fault.Code; code != "column.denied" {
		t.Errorf("code %s", code)
	}
	b.shop.denied = ""
	b.want(t, integration.Succeeded)
	b.equal(t, "orders")
}

func TestContractBreachDeletesNothing(t *testing.T) {
	t.Parallel()
	s := newShop("orders").fill("orders", 100)
	b := setup(s, rechecking(enabled("orders", connector.ModifiedAt, "modified"), "id", integration.Always))
	b.want(t, integration.Succeeded)
	s.delete("orders", 7)
	s.exists = func(int64) (bool, bool) { panic("a bug") }
	b.want(t, integration.Failed)
	if code := b.heart.last().fault.Code; code != "internal.panic" || len(b.alive("orders")) != 100 {
		t.Errorf("code %s, %d rows are left", code, len(b.alive("orders")))
	}
}
