package sqlite_test

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/regrant/regrant/internal/integration"
	"github.com/regrant/regrant/internal/store"
	"github.com/regrant/regrant/internal/store/sqlite"
)

// BenchmarkRecords loads 10,000 integrations, of which one changes between
// two calls, and reports the slowest of a hundred calls.
func BenchmarkRecords(b *testing.B) {
	for _, tables := range []int{0, 10} {
		b.Run(fmt.Sprintf("tables=%d", tables), func(b *testing.B) {
			s, ids := filled(b, 10_000, tables)
			began := time.Now()
			if _, err := s.Records(b.Context()); err != nil {
				b.Fatal(err)
			}
			first := time.Since(began)
			var took []time.Duration
			for b.Loop() {
				took = append(took, changeAndLoad(b, s, ids[len(took)%len(ids)]))
			}
			slices.Sort(took)
			b.ReportMetric(float64(first.Milliseconds()), "first-ms")
			b.ReportMetric(float64(took[len(took)/2].Microseconds())/1000, "p50-ms")
			b.ReportMetric(float64(took[len(took)*99/100].Microseconds())/1000, "p99-ms")
		})
	}
}

func changeAndLoad(b *testing.B, s *store.Store, id string) time.Duration {
	b.Helper()
	r, err := s.Record(b.Context(), id)
	if err != nil {
		b.Fatal(err)
	}
	r.Integration.Attempts++
	if err := s.Apply(b.Context(), &integration.Change{Integration: &r.Integration}); err != nil {
		b.Fatal(err)
	}
	began := time.Now()
	all, err := s.Records(b.Context())
	if err != nil || len(all) != 10_000 {
		b.Fatal(len(all), err)
	}
	return time.Since(began)
}

func BenchmarkRecord(b *testing.B) {
	s, ids := filled(b, 1000, 100)
	n := 0
	for b.Loop() {
		if _, err := s.Record(b.Context(), ids[n%len(ids)]); err != nil {
			b.Fatal(err)
		}
		n++
	}
}

func BenchmarkApply(b *testing.B) {
	s, ids := filled(b, 100, 10)
	n := 0
	for b.Loop() {
		r, err := s.Record(b.Context(), ids[n%len(ids)])
		if err != nil {
			b.Fatal(err)
		}
		n++
		pull := integration.Pull{ID: fmt.Sprint("pull", n), Integration: r.Integration.ID, Started: time.Now(), Outcome: integration.Succeeded}
		err = s.Apply(b.Context(), &integration.Change{
			Integration: &r.Integration, Tables: r.Tables, Pull: &pull,
			Events: []integration.Event{{ID: fmt.Sprint("event", n), Integration: r.Integration.ID, At: time.Now(), Kind: integration.EventPull}},
		})
		if err != nil {
			b.Fatal(err)
		}
	}
}

// filled has n integrations with the given number of tables, each with an
// event and a pull.
func filled(b *testing.B, n, tables int) (*store.Store, []string) {
	b.Helper()
	db, err := sqlite.Open(b.Context(), filepath.Join(b.TempDir(), "state.db"))
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = db.Close() })
	if _, err := db.Write.ExecContext(b.Context(), `PRAGMA synchronous = OFF`); err != nil { // for filling only
		b.Fatal(err)
	}
	s := db.Store()
	var ids []string
	for i := range n {
		ids = append(ids, fill(b.Context(), b, s, i, tables))
	}
	if _, err := db.Write.ExecContext(b.Context(), `PRAGMA synchronous = FULL`); err != nil {
		b.Fatal(err)
	}
	return s, ids
}

func fill(ctx context.Context, b *testing.B, s *store.Store, i, tables int) string {
	b.Helper()
	g := golden()
	in, pull := g.Integration, *g.LastPull
	in.ID, in.Slug, in.Name, in.Revision = fmt.Sprint("i", i), fmt.Sprint("shop-", i), fmt.Sprint("Shop ", i), 0
	pull.ID, pull.Integration = fmt.Sprint("p", i), in.ID
	c := &integration.Change{Integration: &in, Pull: &pull}
	for n := range tables {
		table := g.Tables[0]
		table.Integration, table.Name = in.ID, fmt.Sprint("public.table", n)
		for range 10 {
			table.Columns = append(slices.Clip(table.Columns), table.Columns[0])
		}
		c.Tables = append(c.Tables, table)
	}
	if i%10 == 0 {
		incident := g.Incidents[0]
		incident.ID, incident.Integration = fmt.Sprint("n", i), in.ID
		c.Incidents = []integration.Incident{incident}
	}
	if err := s.Apply(ctx, c); err != nil {
		b.Fatal(err)
	}
	return in.ID
}
