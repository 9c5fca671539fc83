package pull_test

import (
	"errors"
	"testing"
	"time"

	"github.com/regrant/regrant/connector"
	"github.com/regrant/regrant/internal/integration"
)

func TestRecheckOfValuesFindsChanges(t *testing.T) {
	t.Parallel()
	for _, method := range []connector.Replication{{Method: connector.AutoIncrement, Column: "id"}, {Method: connector.AddDate, Column: "added"}} {
		table := rechecking(enabled("orders", method.Method, method.Column), "value", integration.Always)
		b := setup(newShop("orders").fill("orders", 60), table)
		b.want(t, integration.Succeeded)
		b.shop.update("orders", 17)
		p := b.want(t, integration.Succeeded)
		b.equal(t, "orders")
		if p.Tables[0].Updated != 1 {
			t.Errorf("%d rows changed, want 1", p.Tables[0].Updated)
		}
	}
}

func TestRecheckIsNotMadeBeforeItIsDue(t *testing.T) {
	t.Parallel()
	table := rechecking(enabled("orders", connector.AutoIncrement, "id"), "value", integration.Daily)
	b := setup(newShop("orders").fill("orders", 60), table)
	b.now = time.Date(2026, 11, 24, 10, 0, 0, 0, time.UTC)
	b.want(t, integration.Succeeded)
	b.shop.update("orders", 17)
	b.want(t, integration.Succeeded)
	if b.alive("orders")[17] == b.source("orders")[17] {
		t.Error("it was compared on the same day")
	}
	b.now = time.Date(2026, 11, 25, 0, 0, 0, 0, time.UTC)
	b.want(t, integration.Succeeded)
	b.equal(t, "orders")
	if last := b.heart.table("orders").Rechecks["value"].Last; last.Before(time.Date(2026, 11, 25, 0, 0, 0, 0, time.UTC)) {
		t.Errorf("last made %s", last)
	}
}

// TestInterruptedRecheckGoesOn: what was compared and committed is not
// compared again.
func TestInterruptedRecheckGoesOn(t *testing.T) {
	t.Parallel()
	table := rechecking(enabled("orders", connector.AutoIncrement, "id"), "value", integration.Always)
	b := setup(newShop("orders").fill("orders", 70), table)
	b.want(t, integration.Succeeded)
	b.shop.update("orders", 2)
	b.shop.update("orders", 69)
	b.shop.failAfter, b.shop.failWith = 6, &connector.Fault{Cause: connector.Outage, Code: "shop.down", Err: errors.New("reset")}
	b.want(t, integration.Failed)
	b.shop.failAfter = 0
	batches := 0
	b.shop.onBatch = func(n int) { batches = n }
	b.want(t, integration.Succeeded)
	b.equal(t, "orders")
	if batches != 5 {
		t.Errorf("%d batches were compared after the interruption, want the other 5 of 10", batches)
	}
}
