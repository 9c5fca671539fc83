package sample

import (
	"fmt"
	"time"

	"github.com/regrant/regrant/internal/integration"
)

// Events is a timeline, newest first; with f.Audit it has audit-only lines.
func Events(now time.Time, f integration.Filter) []integration.Event {
	line := func(n int, ago time.Duration, kind integration.EventKind, by, text string) integration.Event {
		of := f.Integration
		if of == "" {
			of = "0198-orders"
		}
		return integration.Event{ID: fmt.Sprint("e", n), Integration: of, At: now.Add(-ago), Kind: kind, By: by, Text: text}
	}
	all := []integration.Event{
		line(1, 2*time.Minute, integration.EventProbe, "schedule", "Probed on a fresh connection: the server still refuses the login."),
		line(2, 40*time.Minute, integration.EventAttempt, "grace@example.com", "A new credential was tried and not accepted. The server refuses the login of pull_ro."),
		line(3, 3*time.Hour, integration.EventGapOpen, "schedule", "Four tables wait for rows from here on."),
		line(4, 3*time.Hour, integration.EventIncidentOpen, "schedule", "The server refuses the login of pull_ro: a change on your account."),
		line(5, 4*time.Hour, integration.EventPull, "schedule", "4,218 rows were pulled in 42 s."),
		line(6, 90*24*time.Hour, integration.EventReauthorized, "ada@example.com", "A new credential was proven and is in force. Nothing else was changed."),
		line(7, 200*24*time.Hour, integration.EventConnected, "ada@example.com", "Connected to orders at db.example.com as pull_ro. 5 tables will be pulled."),
	}
	if f.Audit {
		all = append([]integration.Event{
			line(8, time.Minute, integration.EventSignedIn, "ada@example.com", "Signed in from 203.0.113.24."),
			line(9, 2*time.Minute, integration.EventSecretOpened, "probe", "Version 3 of the credential was opened to probe the authorization."),
		}, all...)
		all[0].Integration = ""
	}
	return all
}

// Pulls is the last updates, newest first.
func Pulls(now time.Time, id string) []integration.Pull {
	rows := []int64{0, 4218, 3990, 4102, 120, 5022, 4711, 4400, 3820, 4090, 4218, 0, 4600, 5120, 6804, 4900, 4550, 4218, 3990, 4402, 4218, 5990, 402_310}
	var all []integration.Pull
	for n, count := range rows {
		began := now.Add(-time.Duration(n)*time.Hour - 12*time.Minute)
		p := integration.Pull{ID: fmt.Sprint("p", n), Integration: id, Trigger: integration.ByPlan, Started: began, Ended: began.Add(42 * time.Second), Outcome: integration.Succeeded, Rows: count, Bytes: count * 300,
			Tables: []integration.TableResult{{Table: "public.orders", Rows: count, Inserted: count / 2, Updated: count - count/2, Took: 20 * time.Second}, {Table: "public.products", Note: "0 rows: nothing is new"}}}
		switch n {
		case 0, 11:
			p.Outcome, p.Tables = integration.Failed, nil
		case 4:
			p.Outcome = integration.Partly
			p.Tables[1] = integration.TableResult{Table: "public.invoices", Code: "postgresql.privilege_missing", Public: "The role pull_ro may not read public.invoices."}
		}
		all = append(all, p)
	}
	all[len(all)-1].Trigger, all[len(all)-1].By = integration.ByPerson, "ada@example.com"
	return all
}

// Filled is a gap with its receipt.
func Filled(now time.Time, id string) integration.Gap {
	return integration.Gap{ID: "g-filled", Integration: id, Table: "public.orders", From: now.Add(-95 * 24 * time.Hour), To: now.Add(-90 * 24 * time.Hour), Closed: now.Add(-90 * 24 * time.Hour),
		Receipt: &integration.Receipt{Pull: "p9", Rows: 51_204, Bytes: 15_000_000, SourceRows: 380_112, WarehouseRows: 380_112, Exact: true, Note: "Source and warehouse hold the same number of rows.", At: now.Add(-90 * 24 * time.Hour)}}
}
