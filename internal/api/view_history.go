package api

import (
	"github.com/regrant/regrant/client"
	"github.com/regrant/regrant/connector"
	"github.com/regrant/regrant/internal/integration"
)

func name(step connector.Step) string {
	text, err := step.MarshalText()
	if err != nil {
		return ""
	}
	return string(text)
}

func incidentView(i integration.Incident) client.Incident {
	out := client.Incident{
		ID: i.ID, Integration: i.Integration, Table: i.Table, Cause: i.Cause.String(), Code: i.Code, Public: i.Public,
		Step: name(i.Step), Actor: string(i.Actor()), Confidence: string(i.Confidence), Facts: i.Facts,
		Opened: i.Opened.UTC(), Last: i.Last.UTC(), Count: i.Count, RetryAt: moment(i.RetryAt),
		Closed: moment(i.Closed), Resolution: string(i.Resolution),
	}
	for _, e := range i.Evidence {
		out.Evidence = append(out.Evidence, client.Evidence{Kind: string(e.Kind), Text: e.Text, Points: string(e.Points), Seen: moment(e.Seen)})
	}
	return out
}

func gapView(g integration.Gap) client.Gap {
	out := client.Gap{
		ID: g.ID, Integration: g.Integration, Table: g.Table, Incident: g.Incident,
		From: moment(g.From), To: moment(g.To), Closed: moment(g.Closed),
	}
	if r := g.Receipt; r != nil {
		out.Receipt = &client.Receipt{
			Pull: r.Pull, Rows: r.Rows, Bytes: r.Bytes, SourceRows: r.SourceRows, WarehouseRows: r.WarehouseRows,
			Exact: r.Exact, Note: r.Note, At: r.At.UTC(),
		}
	}
	return out
}

func pullPointer(p *integration.Pull) *client.Pull {
	if p == nil {
		return nil
	}
	out := pullView(*p)
	return &out
}

// summary leaves the tables out, of which an account may have hundreds.
func summary(p *integration.Pull) *client.Pull {
	out := pullPointer(p)
	if out != nil {
		out.Tables = nil
	}
	return out
}

func pullView(p integration.Pull) client.Pull {
	out := client.Pull{
		ID: p.ID, Integration: p.Integration, Trigger: string(p.Trigger), By: p.By, Started: p.Started.UTC(),
		Ended: moment(p.Ended), Outcome: string(p.Outcome), Rows: p.Rows, Bytes: p.Bytes,
	}
	for _, t := range p.Tables {
		out.Tables = append(out.Tables, client.TableResult{
			Table: t.Table, Rows: t.Rows, Bytes: t.Bytes, Inserted: t.Inserted, Updated: t.Updated, Deleted: t.Deleted,
			Seconds: t.Took.Seconds(), Code: t.Code, Public: t.Public, Note: t.Note,
		})
	}
	return out
}

func eventView(e integration.Event) client.Event {
	return client.Event{ID: e.ID, Integration: e.Integration, At: e.At.UTC(), Kind: string(e.Kind), By: e.By, Text: e.Text, Facts: e.Facts}
}

func checkView(c integration.Check) client.Check {
	return client.Check{Step: name(c.Step), Table: c.Table, State: string(c.State), Text: c.Text, Fault: faultView(c.Fault)}
}

// faultView leaves out Err: it is the operator's, and stays in the log.
func faultView(f *connector.Fault) *client.Fault {
	if f == nil {
		return nil
	}
	return &client.Fault{
		Cause: f.Cause.String(), Code: f.Code, Public: f.Public, Step: name(f.Step), Table: f.Table,
		RetrySeconds: int64(f.Retry.Seconds()), Facts: f.Facts,
	}
}
