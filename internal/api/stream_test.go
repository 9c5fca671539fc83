package api_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/regrant/regrant/client"
	"github.com/regrant/regrant/connector"
	"github.com/regrant/regrant/internal/api"
	"github.com/regrant/regrant/internal/api/apitest"
	"github.com/regrant/regrant/internal/integration"
)

func TestLiveStream(t *testing.T) {
	t.Parallel()
	changes := make(chan client.StreamEvent, 1)
	b := setup(t, func(c *api.Config) {
		c.Subscribe = func(context.Context) (<-chan client.StreamEvent, error) { return changes, nil }
		c.Progress = func() []client.Progress { return []client.Progress{{Integration: "i", Table: "orders", Rows: 5}} }
	})
	enough := errors.New("enough")
	seen := map[string]bool{}
	err := b.client(t, apitest.ReadOnlyToken).Stream(t.Context(), func(e client.StreamEvent) error {
		seen[e.Kind] = true
		switch e.Kind {
		case "resync":
			changes <- client.StreamEvent{Kind: "changed", Integration: "i"}
		case "progress":
			if e.Progress[0].Rows != 5 {
				t.Error(e)
			}
		}
		if len(seen) == 3 {
			return enough
		}
		return nil
	})
	if !errors.Is(err, enough) {
		t.Fatal(err, seen)
	}
	close(changes)
	if err := b.client(t, apitest.ReadOnlyToken).Stream(t.Context(), func(client.StreamEvent) error { return nil }); err != nil {
		t.Fatal("a stream that the server ends is no error", err)
	}
}

func TestMetricsHoldNoNames(t *testing.T) {
	t.Parallel()
	metrics := api.NewMetrics()
	b := setup(t, func(c *api.Config) { c.Metrics, c.PublicMetrics = metrics, true })
	b.shop(t)
	b.heart.Break("shop", connector.Expired)
	metrics.PullEnded(integration.Pull{Outcome: integration.Succeeded, Rows: 7, Bytes: 70})
	metrics.IncidentOpened(integration.Incident{Cause: connector.Expired})
	got := b.do(t, "", "GET", "/metrics", "").body
	for _, want := range []string{
		`regrant_pulls_total{outcome="succeeded"} 1`, "regrant_rows_total 7", `regrant_incidents_total{cause="expired"} 1`,
		`regrant_integrations{state="needs_reauthorization"} 1`, `regrant_open_incidents{cause="expired"} 1`, "regrant_open_gaps 1",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("no %s", want)
		}
	}
	if strings.Contains(got, "shop") || strings.Contains(got, "public.orders") {
		t.Error("a name is in the metrics")
	}
}
