package sample

import (
	"errors"
	"time"

	"github.com/regrant/regrant/connector"
	"github.com/regrant/regrant/internal/integration"
)

// Views is one integration of each state, at the moment now.
func Views(now time.Time) []integration.View {
	records := []integration.Record{
		healthy(now), passwordChanged(now), hostKeyChanged(now), expired(now), degraded(now), outage(now),
		throttled(now), ours(now, "warehouse_copy", "Warehouse copy"), ours(now, "loyalty", "Loyalty"), unknown(now), actionDue(now),
		catchingUp(now), paused(now), notFinished(now),
	}
	views := make([]integration.View, 0, len(records)+1)
	for _, r := range records {
		views = append(views, View(r, "", now))
	}
	return append(views, View(retired(now), "Desk.com was shut down by its owner on 13 March 2020.", now))
}

// View makes of a record what the heart makes of it.
func View(r integration.Record, retired string, now time.Time) integration.View {
	titles := map[string]string{"postgresql": "PostgreSQL", "mysql": "MySQL", "stripe": "Stripe", "shopify": "Shopify", "salesforce": "Salesforce", "deskcom": "Desk.com", "googleads": "Google Ads"}
	v := integration.View{Record: r, Title: titles[r.Integration.Connector], Horizon: integration.NextExpiry(r.Integration.Authorization.Identity.Expiries)}
	v.Status = integration.Derive(r, retired, now)
	return v
}

func base(now time.Time, slug, name, conn, account, user string) integration.Record {
	id := "0198-" + slug
	good := integration.Pull{ID: "p-" + slug, Integration: id, Trigger: integration.ByPlan, Started: now.Add(-12 * time.Minute),
		Ended: now.Add(-11*time.Minute - 18*time.Second), Outcome: integration.Succeeded, Rows: 4218, Bytes: 1_284_000}
	return integration.Record{
		Integration: integration.Integration{
			ID: id, Slug: slug, Name: name, Connector: conn, Created: now.Add(-200 * 24 * time.Hour), CreatedBy: "ada@example.com",
			Every: time.Hour, NextPull: now.Add(48 * time.Minute),
			Authorization: integration.Authorization{
				Form: "password", Version: 3, Granted: now.Add(-90 * 24 * time.Hour), By: "ada@example.com", Verified: now.Add(-12 * time.Minute),
				Settings: map[string]string{"host": "db.example.com", "port": "5432", "user": user, "database": "shop", "connection": "ssh", "ssh_host": "bastion.example.com", "ssh_user": "pulltunnel"},
				Identity: connector.Identity{Fingerprint: "7301:16384", Account: account, User: user, Facts: map[string]string{"server_version": "15.8"}},
			},
		},
		Tables:   tables(now, id),
		LastPull: &good, LastGood: &good,
	}
}

func tables(now time.Time, id string) []integration.Table {
	columns := []integration.TableColumn{
		{Name: "id", SourceType: "bigint", Indexed: true}, {Name: "customer_id", SourceType: "bigint"},
		{Name: "total", SourceType: "numeric(12,2)"}, {Name: "notes", SourceType: "text"},
		{Name: "card_hash", SourceType: "text", Denied: true},
		{Name: "valid_until", SourceType: "timestamptz", Lossy: "infinity becomes empty"},
		{Name: "updated_at", SourceType: "timestamptz", Indexed: true},
	}
	modified := connector.Replication{Method: connector.ModifiedAt, Column: "updated_at", Reason: "updated_at is never empty and is indexed"}
	offers := []connector.Replication{modified,
		{Method: connector.AutoIncrement, Column: "id", Reason: "id is one growing number; changes are found by rechecks only"},
		{Method: connector.FullTable, Reason: "always possible, and slow on a big table"}}
	make := func(name string, enabled bool, rows int64) integration.Table {
		t := integration.Table{Integration: id, Name: "public." + name, Target: name, Enabled: enabled, Replication: modified, Key: []string{"id"},
			Columns: columns, Offers: offers, Estimated: rows, Seen: now.Add(-time.Hour), Rechecks: map[string]integration.Recheck{"id": {Every: integration.Weekly}}}
		if enabled {
			t.LastRead, t.LastPoint, t.LastRows = now.Add(-11*time.Minute), now.Add(-13*time.Minute), rows/240
		}
		return t
	}
	return []integration.Table{
		make("customers", true, 84_120), make("order_items", true, 1_204_881), make("orders", true, 402_310),
		make("products", true, 2_410), make("sessions", false, 9_480_221), make("invoices", true, 391_004),
	}
}

// incident opens an incident of the whole authorization.
func incident(r *integration.Record, now time.Time, ago time.Duration, cause connector.Cause, code, public string, evidence ...integration.Evidence) *integration.Incident {
	r.Incidents = append(r.Incidents, integration.Incident{
		ID: "i-" + r.Integration.Slug, Integration: r.Integration.ID, Cause: cause, Code: code, Public: public, Confidence: integration.Likely,
		Evidence: evidence, Opened: now.Add(-ago), Last: now.Add(-2 * time.Minute), Count: 9, Step: connector.StepSignIn,
	})
	for _, t := range r.Tables {
		if t.Enabled && cause != connector.Throttled {
			r.Gaps = append(r.Gaps, integration.Gap{ID: "g-" + r.Integration.Slug + t.Target, Integration: r.Integration.ID, Table: t.Name,
				Incident: "i-" + r.Integration.Slug, From: now.Add(-ago - 40*time.Minute)})
		}
	}
	return &r.Incidents[len(r.Incidents)-1]
}

func seen(now time.Time, kind integration.EvidenceKind, points integration.Points, text string) integration.Evidence {
	return integration.Evidence{Kind: kind, Points: points, Text: text, Seen: now.Add(-3 * time.Minute)}
}

func healthy(now time.Time) integration.Record {
	r := base(now, "shop", "Shop database", "postgresql", "shop at db.example.com", "pull_ro")
	r.Integration.Authorization.Identity.Expiries = []connector.Expiry{{What: "the password of role pull_ro", At: now.Add(124 * 24 * time.Hour), Source: connector.PasswordValidity}}
	return r
}

func passwordChanged(now time.Time) integration.Record {
	r := base(now, "orders", "Orders database", "postgresql", "orders at db.example.com", "pull_ro")
	i := incident(&r, now, 3*time.Hour, connector.AccessChanged, "postgresql.login_refused",
		"The server refuses the login of pull_ro. It does not tell which of these it is: the password was changed, the role was removed, or it may not log in any more. Ask for the current password and enter it below.",
		seen(now, integration.FromFault, integration.Supports, "The server answered with SQLSTATE 28P01: password authentication failed."),
		seen(now, integration.FromReachability, integration.Supports, "Name, network and the SSH tunnel work: the server itself answered."),
		seen(now, integration.FromControl, integration.Supports, "Our own network, clock and disk are well."),
		seen(now, integration.FromHistory, integration.Neutral, "The same password worked 3 hours and 12 minutes ago."),
		seen(now, integration.FromNeighbours, integration.Contradicts, "Another integration with the same server still signs in, with a role of its own."))
	i.Facts = map[string]string{"sqlstate": "28P01"}
	return r
}

func hostKeyChanged(now time.Time) integration.Record {
	r := base(now, "billing", "Billing replica", "postgresql", "billing at 10.0.3.7", "pull_ro")
	i := incident(&r, now, 50*time.Minute, connector.AccessChanged, "ssh.host_key_changed",
		"The SSH server bastion.example.com shows another host key than the one that was enrolled. Either it was rebuilt, or somebody stands between. Ask whoever runs it before you accept the new key.",
		seen(now, integration.FromFault, integration.Supports, "The presented key is not one of the three that were enrolled."),
		seen(now, integration.FromHistory, integration.Supports, "The enrolled key was presented in every connection until 51 minutes ago."))
	i.Step, i.Confidence = connector.StepTrust, integration.Certain
	i.Facts = map[string]string{"old_fingerprint": "SHA256:Zq0uV2l1yJ0K2o6yM1kq3Qf0J9cXn7sT8vB5hR4wE2A", "new_fingerprint": "SHA256:h7Tn4cPqkM9sJ2LxVd0aRf8yWb3uGz6eNi1oQmKt5Ys"}
	return r
}

func expired(now time.Time) integration.Record {
	r := base(now, "ads", "Ads EU", "googleads", "Example EU (482-118-9921)", "marketing@example.com")
	i := incident(&r, now, 26*time.Hour, connector.Expired, "googleads.refresh_expired", "Google ended this sign-in. Sign in to Google once more; everything else stays.",
		seen(now, integration.FromExpiry, integration.Supports, "The known end of this authorization was yesterday."))
	i.Confidence = integration.Certain
	return r
}

func degraded(now time.Time) integration.Record {
	r := base(now, "erp", "ERP", "postgresql", "erp at erp.example.com", "pull_ro")
	i := incident(&r, now, 5*time.Hour, connector.AccessChanged, "postgresql.privilege_missing",
		"The role pull_ro may not read public.invoices any more. Ask for: GRANT SELECT ON public.invoices TO pull_ro;",
		seen(now, integration.FromFault, integration.Supports, "The server answered with SQLSTATE 42501: permission denied for table invoices."),
		seen(now, integration.FromNeighbours, integration.Supports, "The other four tables of this integration were read at the same moment."))
	i.Table, i.Confidence, i.Step = "public.invoices", integration.Certain, connector.StepRead
	r.Gaps = r.Gaps[len(r.Gaps)-1:]
	return r
}

func outage(now time.Time) integration.Record {
	r := base(now, "payments", "Payments", "stripe", "Example GmbH (acct_1K2)", "rk_live…f3")
	i := incident(&r, now, 14*time.Minute, connector.Outage, "stripe.unavailable", "Stripe answers with errors at the moment. It is tried again by itself; nothing is lost.",
		seen(now, integration.FromFault, integration.Supports, "Status 503 with Stripe's own error body."),
		seen(now, integration.FromControl, integration.Supports, "Our own network reaches others."))
	i.RetryAt = now.Add(4 * time.Minute)
	return r
}

func throttled(now time.Time) integration.Record {
	r := base(now, "storefront", "Storefront", "shopify", "example.myshopify.com", "Regrant app")
	i := incident(&r, now, 6*time.Minute, connector.Throttled, "shopify.throttled", "Shopify asks us to slow down. It goes on by itself.",
		seen(now, integration.FromFault, integration.Supports, "Status 429 with Retry-After."))
	i.RetryAt = now.Add(90 * time.Second)
	return r
}

func ours(now time.Time, slug, name string) integration.Record {
	r := base(now, slug, name, "mysql", slug+" at mysql.example.com", "pull_ro")
	i := incident(&r, now, 8*time.Minute, connector.Ours, "own.egress", "This machine cannot reach the network. Nobody has to re-authorize; the operator of this installation should look at its network.",
		seen(now, integration.FromControl, integration.Supports, "Two addresses that worked ten minutes ago do not answer either."))
	i.Shared, i.Confidence = "own.egress", integration.Certain
	return r
}

func unknown(now time.Time) integration.Record {
	r := base(now, "crm", "CRM", "salesforce", "Example Inc", "integration@example.com")
	i := incident(&r, now, 2*time.Hour, connector.Unknown, "unclassified", "Something happened that Regrant has not seen before. The evidence is kept; the operator should look at it.",
		seen(now, integration.FromFault, integration.Neutral, "Status 460 without a code that is known."))
	i.Confidence = integration.Unsure
	return r
}

func actionDue(now time.Time) integration.Record {
	r := base(now, "stock", "Stock", "postgresql", "stock at db2.example.com", "pull_ro")
	r.Integration.Authorization.Identity.Expiries = []connector.Expiry{{What: "the password of role pull_ro", At: now.Add(6 * 24 * time.Hour), Source: connector.PasswordValidity}}
	return r
}

func catchingUp(now time.Time) integration.Record {
	r := base(now, "subscriptions", "Subscriptions", "postgresql", "subs at db.example.com", "pull_ro")
	r.Gaps = []integration.Gap{{ID: "g-subs", Integration: r.Integration.ID, Table: "public.orders", From: now.Add(-9 * time.Hour), To: now.Add(-3 * time.Minute)}}
	r.LastPull = &integration.Pull{ID: "p2", Integration: r.Integration.ID, Trigger: integration.ByRepair, By: "ada@example.com", Started: now.Add(-2 * time.Minute), Outcome: integration.Running}
	r.Integration.Previous = &integration.Previous{Authorization: r.Integration.Authorization, Until: now.Add(23 * time.Hour)}
	return r
}

func paused(now time.Time) integration.Record {
	r := base(now, "archive", "Archive 2019", "mysql", "archive at old.example.com", "pull_ro")
	r.Integration.Paused, r.Integration.NextPull = true, time.Time{}
	return r
}

func notFinished(now time.Time) integration.Record {
	r := base(now, "returns", "Returns", "postgresql", "", "")
	r.Integration.Authorization = integration.Authorization{Form: "password"}
	r.Integration.NextPull, r.Integration.Created = time.Time{}, now.Add(-25*time.Minute)
	r.Integration.Draft = &integration.Draft{Form: "password", Version: 1, Settings: map[string]string{},
		Public: map[string]string{"ssh_private_key": "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIHk2gJmPq0cT8vXlRz5bN1sYwEoD7uKfAhC4tQ9iMjLp regrant"}}
	r.Tables, r.LastPull, r.LastGood = nil, nil, nil
	return r
}

func retired(now time.Time) integration.Record {
	r := base(now, "support", "Support desk", "deskcom", "example.desk.com", "support@example.com")
	r.Integration.NextPull = time.Time{}
	return r
}

// Checks is a checklist with one line of every state.
func Checks() []integration.Check {
	missing := &connector.Fault{Cause: connector.AccessChanged, Code: "postgresql.privilege_missing", Scope: connector.OneTable, Table: "public.invoices",
		Public: "The role pull_ro may not read public.invoices. Ask for: GRANT SELECT ON public.invoices TO pull_ro;", Err: errors.New("42501")}
	return []integration.Check{
		{Step: connector.StepReach, State: integration.CheckPassed, Text: "The server answers."},
		{Step: connector.StepTrust, State: integration.CheckPassed, Text: "The server is the one that is trusted."},
		{Step: connector.StepSignIn, State: integration.CheckPassed, Text: "Signing in works."},
		{Step: connector.StepAccount, State: integration.CheckPassed, Text: "The account is shop at db.example.com."},
		{Step: connector.StepPrivileges, Table: "public.invoices", State: integration.CheckFailed, Text: missing.Public, Fault: missing},
		{Step: connector.StepPrivileges, State: integration.CheckPassed, Text: "4 tables can be read."},
		{Step: connector.StepRead, State: integration.CheckRunning, Text: "Reading one row of each table."},
	}
}
