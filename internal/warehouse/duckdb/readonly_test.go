package duckdb_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/regrant/regrant/connector"
	"github.com/regrant/regrant/internal/warehouse"
)

// TestStage: the records of a load lie in views that can be read once, by the
// load; a query must not get at them.
func TestStage(t *testing.T) {
	t.Parallel()
	w := open(t, t.TempDir()+"/w")
	defer w.Close()
	for _, q := range []string{
		"select * from _regrant_stage.main.v1_1", "from _REGRANT_STAGE.v1_1", "select * from \"_regrant_stage\".main.v1_1",
		"select 1 where exists (select * from _regrant_stage.main.x)", "with a as (from _regrant_stage.x) from a", "describe _regrant_stage.main.x",
		"summarize _regrant_stage.main.x", "from (pivot _regrant_stage.main.x on a)", "select (select max(a) from _regrant_stage.main.x)",
	} {
		if _, err := w.Query(t.Context(), q, 1); !errors.Is(err, warehouse.ErrReadOnly) {
			t.Errorf("%q gives %v", q, err)
		}
	}
}

// FuzzQuery looks for a statement that changes anything.
func FuzzQuery(f *testing.F) {
	for _, seed := range []string{
		"select 1", "delete from shop.\"public.orders\"", "select 1; drop schema shop cascade", "with x as (select 1) from x", "(select 1) union all (select 2)",
		"select 1) ; checkpoint; select (1", "/* */ create table x (i int)", "values (1), (2)", "from range(3)", "pivot shop.\"public.orders\" on status", "explain select 1",
		"describe select 1", "show all tables", "summarize select 1", "select * from '/etc/passwd'", "table shop.\"public.orders\"", "select * exclude (id) from shop.\"public.orders\"",
	} {
		f.Add(seed)
	}
	w := open(f, f.TempDir()+"/w")
	l, err := w.Load(f.Context(), order())
	if err != nil {
		f.Fatal(err)
	}
	if err := l.Write(f.Context(), connector.Batch{Record: orders(0, 10, 1)}); err != nil {
		f.Fatal(err)
	}
	if _, err := l.Finish(f.Context(), "here"); err != nil {
		f.Fatal(err)
	}
	if err := l.Close(); err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() { _ = w.Close() })
	f.Fuzz(func(t *testing.T, q string) {
		began := time.Now()
		r, err := w.Query(t.Context(), q, 5)
		if err == nil && len(r.Rows) > 5 {
			t.Errorf("%d rows", len(r.Rows))
		}
		if strings.Contains(q, "pg_sleep") || time.Since(began) > 30*time.Second {
			t.Skip("slow")
		}
		s, err := w.Describe(t.Context(), order().Name)
		if err != nil || s.Rows != 10 || s.Position != "here" || len(s.Columns) != 14 {
			t.Errorf("after %q the table is %+v, %v", q, s, err)
		}
		tables, err := w.Query(t.Context(), "select count(*) from information_schema.tables where table_schema not in ('main', 'information_schema', 'pg_catalog')", 1)
		if err != nil || tables.Rows[0][0] != int64(4) {
			t.Errorf("after %q the tables are %v, %v", q, tables.Rows, err)
		}
	})
}
