package api_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/regrant/regrant/client"
	"github.com/regrant/regrant/connector"
	"github.com/regrant/regrant/internal/api/apitest"
)

// TestClientWalksEverything goes through every method of the client.
func TestClientWalksEverything(t *testing.T) {
	t.Parallel()
	b := setup(t, nil)
	c, ctx := b.client(t, apitest.AdminToken), t.Context()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	kinds, err := c.Connectors(ctx)
	must(err)
	kind, err := c.Connector(ctx, kinds[0].ID)
	must(err)
	if len(kind.Forms) != 2 || kind.Forms[0].Fields[3].Name != "password" || !kind.Forms[0].Fields[3].Secret {
		t.Fatalf("%+v", kind)
	}
	begun, err := c.Begin(ctx, client.NewIntegration{Connector: kind.ID, Name: "My Shop"})
	must(err)
	if begun.Slug != "my_shop" || begun.Draft == nil || begun.Draft.Public["ssh_key"] != apitest.PublicKey || len(begun.Draft.Guide) == 0 {
		t.Fatalf("%+v", begun)
	}
	v, err := c.AuthorizeLive(ctx, "my_shop", filled(apitest.Password), nil)
	must(err)
	if !v.Swapped || v.Integration.Authorization.User != "ro" || v.Integration.Draft != nil {
		t.Fatalf("%+v", v)
	}
	name, every := "Shop", int64(600)
	changed, err := c.Change(ctx, "my_shop", client.IntegrationChange{Name: &name, EverySeconds: &every})
	must(err)
	if changed.Name != "Shop" || changed.EverySeconds != 600 {
		t.Fatalf("%+v", changed)
	}
	before, err := c.Update(ctx, "my_shop")
	must(err)
	if before.LastPull != nil {
		t.Fatal("the answer is of before")
	}
	method, on := "full_table", false
	table, err := c.SetTable(ctx, "my_shop", "public.orders", client.TableChange{Method: &method, Enabled: &on, Rechecks: map[string]string{"id": "daily"}})
	must(err)
	if table.Enabled || table.Method != method || table.Rechecks["id"].Every != "daily" {
		t.Fatalf("%+v", table)
	}
	for what, call := range map[string]func(context.Context, string) (client.Integration, error){"probe": c.Probe, "pause": c.Pause, "resume": c.Resume} {
		in, err := call(ctx, "my_shop")
		must(err)
		if in.Paused != (what == "pause") {
			t.Fatal(what, in.Paused)
		}
	}
	b.heart.Break("my_shop", connector.Expired)
	walkHistory(t, c)
	tables, err := c.Discover(ctx, "my_shop")
	must(err)
	if len(tables) != 2 {
		t.Fatal(tables)
	}
	must(c.Remove(ctx, "my_shop"))
	if _, err := c.Integration(ctx, "my_shop"); !client.IsNotFound(err) {
		t.Fatal(err)
	}
}

func walkHistory(t *testing.T, c *client.Client) {
	t.Helper()
	f := client.Filter{Integration: "my_shop", OpenOnly: true, Limit: 10}
	incidents, err1 := c.Incidents(t.Context(), f)
	gaps, err2 := c.Gaps(t.Context(), f)
	events, err3 := c.Events(t.Context(), client.Filter{Audit: true})
	pulls, err4 := c.Pulls(t.Context(), client.Filter{})
	doctor, err5 := c.Doctor(t.Context())
	progress, err6 := c.Progress(t.Context())
	if err := errors.Join(err1, err2, err3, err4, err5, err6); err != nil {
		t.Fatal(err)
	}
	if len(incidents) != 1 || len(gaps) != 1 || len(events) == 0 || len(pulls) != 1 || len(doctor) != 1 || len(progress) != 0 {
		t.Fatal(incidents, gaps, events, pulls, doctor, progress)
	}
	if i := incidents[0]; i.Cause != "expired" || i.Actor != "person" || i.Evidence[0].Points != "supports" {
		t.Fatalf("%+v", i)
	}
}

func TestNumbersOfAQueryStayExact(t *testing.T) {
	t.Parallel()
	b := setup(t, nil)
	r, err := b.client(t, apitest.ReadOnlyToken).Query(t.Context(), client.Query{SQL: "select 1", Limit: 2})
	if err != nil || r.Rows[1][0] != json.Number("9007199254740993") || r.Rows[0][2] != nil || r.Truncated {
		t.Fatal(err, r)
	}
	r, err = b.client(t, apitest.ReadOnlyToken).Query(t.Context(), client.Query{SQL: "select 1", Limit: 1})
	if err != nil || !r.Truncated || len(r.Rows) != 1 {
		t.Fatal(err, r)
	}
}

func TestClientErrors(t *testing.T) {
	t.Parallel()
	gone := setup(t, nil)
	c := gone.client(t, apitest.AdminToken)
	gone.server.Close()
	var unreachable *client.ConnectError
	if _, err := c.Integrations(t.Context()); !errors.As(err, &unreachable) {
		t.Fatal(err)
	}
	for _, bad := range []string{"", "regrant", "ftp://x", "http://user:" + canary + "@x"} {
		if _, err := client.New(client.Config{BaseURL: bad}); err == nil {
			t.Error(bad)
		}
	}
	if got := fmt.Sprintf("%v %+v %#v %s", filled(canary), filled(canary), filled(canary), client.Secret(canary)); contains(got, canary) {
		t.Fatal("a submission prints its secret")
	}
}

func contains(s, part string) bool { return strings.Contains(s, part) }
