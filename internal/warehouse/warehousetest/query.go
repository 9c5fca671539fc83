package warehousetest

import (
	"context"
	"errors"
	"path/filepath"
	"time"

	"github.com/regrant/regrant/internal/warehouse"
)

func queryTests() []test {
	return []test{
		{"reads", testReads},
		{"writes are refused", testReadOnly},
		{"files are out of reach", testNoFiles},
		{"limit", testLimit},
		{"cancel", testCancel},
		{"mistakes", testMistakes},
		{"more than memory holds", testHeavy},
	}
}

func testReads(b *bundle) {
	tb := items()
	b.put(tb.spec(), "p", counts{Inserted: 3}, tb.batch([]any{1, "a", 1}, []any{2, "b", 2}, []any{3, "", nil}))
	name := sqlName(tb.name)
	b.want(b.query("select sum(n) as s, count(*) from "+name+"; "), "'3'|3")
	b.want(b.query("with x as (select * from "+name+" where n > 1) select name from x -- only b"), "'b'")
	b.want(b.query("select id, id from "+name+" order by id desc limit 2"), "3|3", "2|2")
	b.want(b.query("from "+name+" select max(id)"), "3")
	b.want(b.query("select * from (values (1, 'x'), (2, null)) v(a, b)"), "1|'x'", "2|NULL")
	b.want(b.query("select true, 1.5::double, 1.5, date '2024-02-29', [1, 2], {'a': 1}, null, 7::utinyint"), `true|1.5|'1.5'|'2024-02-29'|'[1,2]'|'{"a":1}'|NULL|7`)
	r, err := b.w.Query(b.t.Context(), "select 1 as one, 'x' as two", 10)
	if err != nil || len(r.Columns) != 2 || r.Columns[0] != (warehouse.Column{Name: "one", Type: "INTEGER"}) || r.Columns[1].Name != "two" {
		b.t.Errorf("columns are %v, %v", r.Columns, err)
	}
	b.want(b.query("select column_name from (describe "+name+") limit 1"), "'id'")
	b.want(b.query("select sum(r.i) from range(4) r(i), unnest([1, 2]) u(x)"), "'12'")
	b.want(b.query("select count(*) from (select unnest([1, 2]))"), "2")
	b.want(b.query("select j.value from json_each('[7]') j"), "'7'")
	b.want(b.query("select sum(a.id) over (order by a.id), b.name from "+name+" a left join "+name+" b on b.n = a.n order by 1"), "'1'|'a'", "'3'|'b'", "'6'|NULL")
	b.want(b.query("select position from _regrant.positions"), "'p'")
}

func testReadOnly(b *bundle) {
	tb := items()
	b.put(tb.spec(), "p", counts{Inserted: 1}, tb.batch([]any{1, "a", 1}))
	name := sqlName(tb.name)
	for _, q := range []string{
		"", " ; ", "-- nothing",
		"delete from " + name, "insert into " + name + " (id) values (2)", "update " + name + " set n = 2", "drop table " + name, "truncate " + name,
		"create table x (i int)", "create temp table x (i int)", "create view x as select 1", "alter table " + name + " drop column n",
		"attach ':memory:' as x", "detach x", "use memory", "set threads = 1", "set global memory_limit = '1GB'", "reset threads", "pragma database_list",
		"install httpfs", "load httpfs", "checkpoint", "vacuum", "begin", "commit", "export database 'x'", "copy " + name + " to 'x'", "call pragma_version()",
		"prepare p as select 1", "execute p", "explain analyze delete from " + name, "merge into " + name + " using (select 1 as id) s using (id) when matched then delete",
		"select 1; delete from " + name, "select 1; select 2", "with d as (delete from " + name + " returning *) select * from d",
		"select 1) ; delete from " + name + " ; select (1", "select * from checkpoint()", "select * from query('select 1')", "select nextval('x')", "select sleep_ms(1)", "select write_log('x')", "from enable_logging()", "select (select 1 from force_checkpoint())",
		"select * from json_execute_serialized_sql(json_serialize_sql('select 1'))", "from sql_auto_complete('s')", "from duckdb_settings()",
	} {
		if _, err := b.w.Query(b.t.Context(), q, 10); err == nil {
			b.t.Errorf("%q was accepted", q)
		}
	}
	for _, q := range []string{"delete from " + name, "drop table " + name, "attach ':memory:' as x", "copy " + name + " to 'x'", "set threads = 1", "select 1; select 2", "select * from checkpoint()"} {
		if _, err := b.w.Query(b.t.Context(), q, 10); !errors.Is(err, warehouse.ErrReadOnly) {
			b.t.Errorf("%q gives %v, want %v", q, err, warehouse.ErrReadOnly)
		}
	}
	b.want(b.rows(tb, "id"), "1")
}

func testNoFiles(b *bundle) {
	file := filepath.Join(filepath.Dir(b.path), "secret.csv")
	for _, q := range []string{
		"select * from read_text('/etc/hostname')", "select * from read_csv('/etc/passwd')", "select * from '/etc/passwd'", "select * from '" + file + "'",
		"select * from glob('/*')", "select * from read_blob('/etc/passwd')", "select * from read_json('https://example.com/x.json')", "select * from 'https://example.com/x.csv'",
		"select * from duckdb_secrets()", "select getenv('HOME')",
	} {
		if r, err := b.w.Query(b.t.Context(), q, 10); err == nil {
			b.t.Errorf("%q gave %v", q, r.Rows)
		}
	}
}

func testLimit(b *bundle) {
	for _, tt := range []struct {
		limit, rows int
		truncated   bool
	}{{0, 0, true}, {1, 1, true}, {2, 2, true}, {3, 3, false}, {4, 3, false}, {-1, 0, true}} {
		r, err := b.w.Query(b.t.Context(), "select * from (values (3), (1), (2)) v(i) order by i", tt.limit)
		if err != nil || len(r.Rows) != tt.rows || r.Truncated != tt.truncated {
			b.t.Errorf("limit %d gives %d rows, truncated %v, %v", tt.limit, len(r.Rows), r.Truncated, err)
		}
	}
	r, err := b.w.Query(b.t.Context(), "select i from range(300000) r(i) order by i desc", 3)
	if err != nil || !r.Truncated {
		b.t.Fatalf("truncated %v, %v", r.Truncated, err)
	}
	b.want(lines(r), "299999", "299998", "299997")
}

func testCancel(b *bundle) {
	ctx, cancel := context.WithTimeout(b.t.Context(), 50*time.Millisecond)
	defer cancel()
	begin := time.Now()
	_, err := b.w.Query(ctx, "select sum(a.i * b.i) from range(10000000) a(i), range(10000000) b(i)", 10)
	if !errors.Is(err, context.DeadlineExceeded) {
		b.t.Errorf("the error is %v", err)
	}
	if took := time.Since(begin); took > 10*time.Second {
		b.t.Errorf("the cancelled query took %s", took)
	}
	b.want(b.query("select 1"), "1")
}

// testHeavy asks for more than memory can hold at once; what comes next must
// not suffer.
func testHeavy(b *bundle) {
	tb := items()
	b.put(tb.spec(), "p", counts{Inserted: 1}, tb.batch([]any{1, "a", 1}))
	_, err := b.w.Query(b.t.Context(), "select list(i::varchar || repeat('x', 100)) from range(5000000) r(i)", 10)
	b.t.Logf("a huge value: %v", err)
	if _, err := b.w.Query(b.t.Context(), "select i % 500000 as k, count(*), max(i::varchar) from range(2000000) r(i) group by k order by k desc", 10); err != nil {
		b.t.Errorf("what can be kept on disk: %v", err)
	}
	b.put(tb.spec(), "q", counts{Updated: 1}, tb.batch([]any{1, "b", 1}))
	b.want(b.rows(tb, "name"), "'b'")
}

func testMistakes(b *bundle) {
	for _, q := range []string{"selct 1", "select * from nowhere", "select 1 +", "select nofunction(1)", "select 'x'::int"} {
		_, err := b.w.Query(b.t.Context(), q, 10)
		if err == nil || errors.Is(err, warehouse.ErrReadOnly) {
			b.t.Errorf("%q gives %v", q, err)
		}
	}
	b.want(b.query("select 1"), "1")
}
