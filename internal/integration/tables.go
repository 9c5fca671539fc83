package integration

import (
	"fmt"
	"regexp"
	"strings"
	"time"

	"github.com/regrant/regrant/connector"
)

// mergeTables brings what the source lists together with what is known: new
// tables are offered and not enabled, missing ones are marked as gone, and
// what people chose stays.
func mergeTables(r Record, found []connector.Table, now time.Time) []Table {
	known := make(map[string]Table, len(r.Tables))
	taken := make(map[string]bool, len(r.Tables))
	for _, t := range r.Tables {
		known[t.Name] = t
		taken[t.Target] = true
	}
	merged := make([]Table, 0, len(found))
	for _, f := range found {
		t, ok := known[f.Name]
		if !ok {
			t = Table{Integration: r.Integration.ID, Name: f.Name, Target: targetOf(f.Name, taken), Replication: recommended(f)}
			taken[t.Target] = true
		}
		delete(known, f.Name)
		merged = append(merged, withFacts(t, f, now))
	}
	for _, t := range known {
		t.Gone = true
		merged = append(merged, t)
	}
	return merged
}

// withFacts is t with what the source says of it now.
func withFacts(t Table, f connector.Table, now time.Time) Table {
	t.Key, t.Offers, t.Estimated, t.Seen, t.Gone = f.Key, f.Replications, f.EstimatedRows, now, false
	t.Columns = make([]TableColumn, 0, len(f.Columns))
	for _, c := range f.Columns {
		t.Columns = append(t.Columns, TableColumn{Name: c.Name, SourceType: c.SourceType, Indexed: c.Indexed, Denied: c.Denied, Lossy: c.Lossy})
	}
	if !t.ByPerson && t.Replication.Method == connector.Paused && t.LastRead.IsZero() {
		t.Replication = recommended(f)
	}
	return t
}

func recommended(t connector.Table) connector.Replication {
	if len(t.Replications) == 0 {
		return connector.Replication{Method: connector.Paused, Reason: "no method fits this table"}
	}
	return t.Replications[0]
}

var notInTarget = regexp.MustCompile(`[^\p{L}\p{N}_]+`)

// targetOf names a table in the warehouse: the last part of its name, or with
// its schema where that is taken.
func targetOf(name string, taken map[string]bool) string {
	clean := func(s string) string { return strings.Trim(notInTarget.ReplaceAllString(s, "_"), "_") }
	short := clean(name[strings.LastIndexByte(name, '.')+1:])
	candidates := []string{short, clean(name)}
	for _, c := range candidates {
		if c != "" && !taken[c] {
			return c
		}
	}
	for n := 2; ; n++ {
		if c := fmt.Sprintf("%s_%d", clean(name), n); !taken[c] {
			return c
		}
	}
}
