package api

import (
	"github.com/regrant/regrant/client"
	"github.com/regrant/regrant/connector"
	"github.com/regrant/regrant/internal/integration"
)

func tableViews(r integration.Record) []client.Table {
	broken := make(map[string]bool, len(r.Incidents))
	for _, i := range r.Incidents {
		broken[i.Table] = true
	}
	out := make([]client.Table, 0, len(r.Tables))
	for _, t := range r.Tables {
		v := tableView(t)
		v.Readable = !broken[""] && !broken[t.Name] && !t.Gone
		out = append(out, v)
	}
	return out
}

func tableView(t integration.Table) client.Table {
	out := client.Table{
		Name: t.Name, Target: t.Target, Enabled: t.Enabled, Method: string(t.Replication.Method), Column: t.Replication.Column,
		ByPerson: t.ByPerson, Key: append([]string{}, t.Key...), Excluded: t.Excluded, Estimated: t.Estimated,
		AllowEmpty: t.AllowEmpty, Gone: t.Gone, LastRead: moment(t.LastRead), LastPoint: moment(t.LastPoint), LastRows: t.LastRows,
	}
	for _, o := range t.Offers {
		out.Offers = append(out.Offers, client.Offer{Method: string(o.Method), Column: o.Column, Reason: o.Reason})
	}
	for _, c := range t.Columns {
		out.Columns = append(out.Columns, client.Column{Name: c.Name, Type: c.SourceType, Indexed: c.Indexed, Denied: c.Denied, Lossy: c.Lossy})
	}
	for column, r := range t.Rechecks {
		if out.Rechecks == nil {
			out.Rechecks = make(map[string]client.Recheck, len(t.Rechecks))
		}
		out.Rechecks[column] = client.Recheck{Every: string(r.Every), Last: moment(r.Last)}
	}
	return out
}

// tableChange checks the words of a change; whether it fits the table is the
// heart's to say.
func tableChange(in client.TableChange) (integration.TableChange, error) {
	out := integration.TableChange{Enabled: in.Enabled, Column: in.Column, Excluded: in.Excluded, AllowEmpty: in.AllowEmpty}
	if in.Method != nil {
		method := connector.Method(*in.Method)
		out.Method = &method
	}
	for column, every := range in.Rechecks {
		switch e := integration.RecheckEvery(every); e {
		case "", integration.Always, integration.Daily, integration.Weekly, integration.Monthly, integration.Once:
			if out.Rechecks == nil {
				out.Rechecks = make(map[string]integration.RecheckEvery, len(in.Rechecks))
			}
			out.Rechecks[column] = e
		default:
			return out, &integration.FormError{Fields: map[string]string{
				"rechecks." + column: "choose always, daily, weekly, monthly or once; leave it empty to end the recheck",
			}}
		}
	}
	return out, nil
}
