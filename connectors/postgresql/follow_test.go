package postgresql

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/regrant/regrant/connector"
	"github.com/regrant/regrant/connector/sqlkit"
)

// TestIncrementalUsesTheIndex looks at the plans of an incremental reading:
// none may scan the table or sort more than a page, whatever its size.
func TestIncrementalUsesTheIndex(t *testing.T) {
	t.Parallel()
	b := setup(t, `CREATE TABLE big (id bigserial PRIMARY KEY, v text, updated_at timestamptz NOT NULL)`, "CREATE INDEX ON big (updated_at)",
		"INSERT INTO big (v, updated_at) SELECT 'v', now() - interval '400 days' + i * interval '3 minutes' FROM generate_series(1, 190000) i", "ANALYZE big")
	s := b.open().(*source)
	table := tableOf(t, s, "public.big")
	for _, how := range []connector.Replication{{Method: connector.ModifiedAt, Column: "updated_at"}, {Method: connector.AutoIncrement, Column: "id"}} {
		for _, phase := range []string{phaseFirst, phaseLate, phaseNew} {
			sql := phaseSQL(t, s, table, how, phase)
			c, err := s.connect(testContext(t))
			must(t, err)
			rows, err := c.rows(testContext(t), "EXPLAIN "+sql)
			c.close()
			must(t, err)
			var plan strings.Builder
			for _, r := range rows {
				plan.WriteString(string(r[0]) + "\n")
			}
			if strings.Contains(plan.String(), "Seq Scan") || !strings.Contains(plan.String(), "Index") {
				t.Errorf("%s %s:\n%s", how.Method, phase, plan.String())
			}
		}
	}
}

// phaseSQL is the statement of the first page of a phase.
func phaseSQL(t *testing.T, s *source, ct connector.Table, how connector.Replication, phase string) string {
	t.Helper()
	ctx := testContext(t)
	req := request(ct, how.Method, how.Column)
	done := read(t, s, req)
	r := &reader{s: s, req: req, size: &sqlkit.PageSize{}, left: -1}
	var err error
	r.c, err = s.take(ctx)
	must(t, err)
	defer s.put(r.c)
	r.t, err = s.describe(ctx, r.c, ct.Name)
	must(t, err)
	r.key = r.t.keyColumns()
	r.cols, err = r.choose(req.Columns)
	must(t, err)
	f, err := r.followerOf(r.t.byName[how.Column])
	must(t, err)
	f.pos, err = parsePosition(done.at)
	must(t, err)
	next, err := f.mark(ctx)
	must(t, err)
	w, err := f.walkOf(&run{Phase: phase, Next: &next})
	must(t, err)
	return w.sql(r.t, int64(r.size.Rows()))
}

// TestLongTransaction: what a transaction wrote is found however long it runs
// and however often is read meanwhile.
func TestLongTransaction(t *testing.T) {
	t.Parallel()
	b := setup(t, ordersSQL)
	s := b.open()
	table := tableOf(t, s, "public.orders")
	late := openWriter(t, b)
	must(t, late.exec(testContext(t), "BEGIN; INSERT INTO orders (note, updated_at) VALUES ('long', now() - interval '1 hour')"))
	req := request(table, connector.ModifiedAt, "updated_at")
	for range 3 {
		got := read(t, s, req)
		if slices.Contains(got.texts("note"), "long") {
			t.Fatal("a row was read before its commit")
		}
		req.Position = got.at
		b.run("INSERT INTO orders (note) VALUES ('meanwhile')")
	}
	must(t, late.exec(testContext(t), "COMMIT"))
	got := read(t, s, req)
	if !slices.Contains(got.texts("note"), "long") {
		t.Errorf("after its commit: %v, from %s", got.texts("note"), req.Position)
	}
}

// TestDatesWithoutMeaning: rows without a date, or with an infinite one, are
// delivered once and again when they change.
func TestDatesWithoutMeaning(t *testing.T) {
	t.Parallel()
	b := setup(t, "CREATE TABLE odd (id int PRIMARY KEY, at timestamptz)", "INSERT INTO odd VALUES (1, NULL), (2, 'infinity'), (3, now() - interval '1 hour'), (4, now() + interval '1 year')")
	s := b.open()
	req := request(tableOf(t, s, "public.odd"), connector.ModifiedAt, "at")
	steps := []struct {
		sql  string
		want []string
	}{
		{"", []string{"1", "2", "3", "4"}},
		{"SELECT 1", nil},
		{"INSERT INTO odd VALUES (5, NULL), (6, 'infinity'), (7, '-infinity')", []string{"5", "6", "7"}},
		{"UPDATE odd SET at = NULL WHERE id = 3", []string{"3"}},
	}
	for _, step := range steps {
		if step.sql != "" {
			b.run(step.sql)
		}
		got := read(t, s, req)
		ids := got.texts("id")
		slices.Sort(ids)
		if !slices.Equal(ids, step.want) {
			t.Errorf("after %q: %v, want %v", step.sql, ids, step.want)
		}
		req.Position = got.at
	}
}

// TestRowsOtherThanTables reads what has no transaction numbers or is spread
// over partitions.
func TestRowsOtherThanTables(t *testing.T) {
	t.Parallel()
	b := setup(t, "CREATE TABLE p (id int, at timestamptz NOT NULL, PRIMARY KEY (id, at)) PARTITION BY RANGE (at)",
		"CREATE TABLE p1 PARTITION OF p FOR VALUES FROM (MINVALUE) TO ('2024-01-01')", "CREATE TABLE p2 PARTITION OF p FOR VALUES FROM ('2024-01-01') TO (MAXVALUE)",
		"INSERT INTO p SELECT i, timestamptz '2023-12-31' + i * interval '1 hour' FROM generate_series(1, 100) i", "ANALYZE p1, p2",
		"CREATE VIEW seen AS SELECT * FROM p", "CREATE MATERIALIZED VIEW kept AS SELECT * FROM p", `CREATE TABLE "Odd.Name""s" ("Weird ""Col" int PRIMARY KEY, "select" text)`, `INSERT INTO "Odd.Name""s" VALUES (1, 'x')`)
	s := b.open()
	tables, err := s.Tables(testContext(t))
	must(t, err)
	names := map[string]connector.Table{}
	for _, table := range tables {
		names[table.Name] = table
	}
	if len(names) != 4 {
		t.Errorf("%d tables: partitions must not be listed apart", len(names))
	}
	if got := names["public.p"].EstimatedRows; got != 100 {
		t.Errorf("a partitioned table is estimated at %d rows", got)
	}
	parts := read(t, s, request(names["public.p"], connector.ModifiedAt, "at"))
	if len(parts.rows) != 100 {
		t.Errorf("%d rows of a partitioned table", len(parts.rows))
	}
	req := request(names["public.p"], connector.ModifiedAt, "at")
	req.Position = parts.at
	if idle := read(t, s, req); len(idle.rows) != 0 {
		t.Errorf("%d rows again", len(idle.rows))
	}
	for _, name := range []string{"public.seen", "public.kept"} {
		if got := read(t, s, request(names[name], connector.FullTable, "")); len(got.rows) != 100 {
			t.Errorf("%d rows of %s", len(got.rows), name)
		}
	}
	odd := read(t, s, request(names[`public."Odd.Name""s"`], connector.PrimaryKeyBatch, ""))
	if got := odd.texts(`Weird "Col`, "select"); !slices.Equal(got, []string{"1|x"}) {
		t.Errorf("odd names: %v", got)
	}
}

// TestManyTables: the catalog of a large database comes in one round trip.
func TestManyTables(t *testing.T) {
	t.Parallel()
	b := setup(t, "DO $$ BEGIN FOR i IN 1..1000 LOOP EXECUTE format('CREATE TABLE t%s (id serial PRIMARY KEY, a text, b numeric(10,2), c timestamptz, d jsonb)', i); END LOOP; END $$")
	s := b.open()
	began := time.Now()
	tables, err := s.Tables(testContext(t))
	must(t, err)
	if took := time.Since(began); len(tables) != 1000 || took > 20*time.Second {
		t.Errorf("%d tables in %s", len(tables), took)
	}
	t.Log(fmt.Sprintf("%d tables in %s", len(tables), time.Since(began)))
}
