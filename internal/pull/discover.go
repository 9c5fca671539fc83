package pull

import (
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/regrant/regrant/connector"
	"github.com/regrant/regrant/internal/integration"
)

// merge brings the known tables up to date with what the source lists now.
// New tables are offered, not enabled; those no longer listed are kept and
// marked as gone. The settings of people stay as they are.
func merge(integrationID string, known []integration.Table, listed []connector.Table, now time.Time) []integration.Table {
	tables := make(map[string]integration.Table, len(known)+len(listed))
	taken := make(map[string]bool, len(known))
	for _, t := range known {
		t.Gone = true
		t.Rechecks = maps.Clone(t.Rechecks) // the record is not ours to change
		tables[t.Name] = t
		taken[t.Target] = true
	}
	for _, ct := range listed {
		t, ok := tables[ct.Name]
		if !ok {
			t = integration.Table{Integration: integrationID, Name: ct.Name}
			if len(ct.Replications) > 0 {
				t.Replication = ct.Replications[0]
			}
		}
		if t.Target == "" {
			t.Target = target(ct.Name, taken)
			taken[t.Target] = true
		}
		tables[ct.Name] = seen(t, ct, now)
	}
	return slices.SortedFunc(maps.Values(tables), func(a, b integration.Table) int { return strings.Compare(a.Name, b.Name) })
}

// seen copies what the source says of a table.
func seen(t integration.Table, ct connector.Table, now time.Time) integration.Table {
	t.Gone, t.Seen = false, now
	t.Key, t.Offers, t.Estimated = ct.Key, ct.Replications, ct.EstimatedRows
	t.Columns = make([]integration.TableColumn, 0, len(ct.Columns))
	for _, c := range ct.Columns {
		t.Columns = append(t.Columns, integration.TableColumn{
			Name: c.Name, SourceType: c.SourceType, Indexed: c.Indexed, Denied: c.Denied, Lossy: c.Lossy,
		})
	}
	return t
}

// target names a table of the warehouse: the last part of the qualified name,
// or all of it where two schemas have a table of that name.
func target(name string, taken map[string]bool) string {
	_, short, qualified := strings.Cut(name, ".")
	if qualified && short != "" && !taken[short] {
		return short
	}
	whole := strings.ReplaceAll(name, ".", "_")
	for taken[whole] {
		whole += "_"
	}
	return whole
}
