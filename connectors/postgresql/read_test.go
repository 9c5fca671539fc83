package postgresql

import (
	"fmt"
	"maps"
	"slices"
	"testing"

	"github.com/regrant/regrant/connector"
)

const ordersSQL = `CREATE TABLE orders (id bigserial PRIMARY KEY, total numeric(12,2), note text, updated_at timestamptz NOT NULL DEFAULT now(), local_at timestamp);
CREATE INDEX ON orders (updated_at);
INSERT INTO orders (total, note, updated_at, local_at) SELECT i * 1.5, CASE WHEN i % 7 = 0 THEN NULL ELSE 'note ' || i END, now() - interval '1 day' + i * interval '1 millisecond', localtimestamp - interval '1 day' FROM generate_series(1, 5000) i`

// warehouse is what a driver would have stored.
type warehouse map[string]map[string]string

func (w warehouse) take(r reading, key ...string) {
	for i, k := range r.texts(key...) {
		w[k] = r.rows[i]
	}
}

func (b bundle) count(sql string) int {
	b.t.Helper()
	c, err := b.open().(*source).connect(testContext(b.t))
	if err != nil {
		b.t.Fatal(err)
	}
	defer c.close()
	rows, err := c.rows(testContext(b.t), sql)
	if err != nil {
		b.t.Fatal(err)
	}
	return int(number64(rows[0][0]))
}

func TestModifiedAt(t *testing.T) {
	t.Parallel()
	for _, column := range []string{"updated_at", "local_at"} {
		t.Run(column, func(t *testing.T) {
			t.Parallel()
			b := setup(t, ordersSQL)
			s := b.open()
			table := tableOf(t, s, "public.orders")
			req := request(table, connector.ModifiedAt, column)
			w := warehouse{}
			first := read(t, s, req)
			w.take(first, "id")
			if len(first.rows) != 5000 || len(w) != 5000 {
				t.Fatalf("first: %d rows, %d keys", len(first.rows), len(w))
			}
			req.Position = first.at
			idle := read(t, s, req)
			if len(idle.rows) > 0 {
				t.Errorf("an idle table gave %d rows again", len(idle.rows))
			}
			b.run(fmt.Sprintf("UPDATE orders SET note = 'changed', %s = now() - interval '1 minute' WHERE id IN (17, 4999)", column), fmt.Sprintf("INSERT INTO orders (note, updated_at, local_at) VALUES ('new', now() - interval '5 seconds', localtimestamp - interval '5 seconds')"))
			req.Position = idle.at
			next := read(t, s, req)
			if got := next.texts("id", "note"); !slices.Equal(slices.Sorted(slices.Values(got)), []string{"17|changed", "4999|changed", "5001|new"}) {
				t.Errorf("changed rows: %v", got)
			}
		})
	}
}

// TestLateCommit has a transaction that took its date before the pull and
// commits after it, with a savepoint for good measure.
func TestLateCommit(t *testing.T) {
	t.Parallel()
	b := setup(t, ordersSQL)
	s := b.open()
	table := tableOf(t, s, "public.orders")
	ctx := testContext(t)
	late := openWriter(t, b)
	for _, method := range []connector.Replication{{Method: connector.ModifiedAt, Column: "updated_at"}, {Method: connector.AutoIncrement, Column: "id"}, {Method: connector.AddDate, Column: "updated_at"}} {
		t.Run(string(method.Method), func(t *testing.T) {
			req := request(table, method.Method, method.Column)
			before := read(t, s, req)
			must(t, late.exec(ctx, "BEGIN; INSERT INTO orders (note, updated_at) VALUES ('late "+string(method.Method)+"', now() - interval '10 seconds'); SAVEPOINT a; INSERT INTO orders (note, updated_at) VALUES ('later "+string(method.Method)+"', now() - interval '9 seconds'); RELEASE a"))
			b.run("INSERT INTO orders (note, updated_at) VALUES ('in time', now() - interval '5 seconds')")
			req.Position = before.at
			during := read(t, s, req)
			if got := during.texts("note"); !slices.Contains(got, "in time") || slices.Contains(got, "late "+string(method.Method)) {
				t.Errorf("while the transaction runs: %v", got)
			}
			must(t, late.exec(ctx, "COMMIT"))
			req.Position = during.at
			after := read(t, s, req)
			if got := after.texts("note"); !slices.Contains(got, "late "+string(method.Method)) || !slices.Contains(got, "later "+string(method.Method)) {
				t.Errorf("after its commit: %v", got)
			}
			req.Position = after.at
			if again := read(t, s, req); len(again.rows) > 0 {
				t.Errorf("idle afterwards: %v", again.texts("note"))
			}
		})
	}
}

func TestAutoIncrement(t *testing.T) {
	t.Parallel()
	b := setup(t, ordersSQL, "CREATE TABLE empty (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, v text)")
	s := b.open()
	table := tableOf(t, s, "public.orders")
	req := request(table, connector.AutoIncrement, "id")
	first := read(t, s, req)
	b.run("INSERT INTO orders (note) SELECT 'n' FROM generate_series(1, 10)")
	req.Position = first.at
	next := read(t, s, req)
	if len(first.rows) != 5000 || len(next.rows) != 10 {
		t.Errorf("%d rows, then %d", len(first.rows), len(next.rows))
	}

	req = request(tableOf(t, s, "public.empty"), connector.AutoIncrement, "id")
	none := read(t, s, req)
	b.run("INSERT INTO empty (v) VALUES ('a')")
	req.Position = none.at
	one := read(t, s, req)
	if len(none.rows) != 0 || len(one.rows) != 1 {
		t.Errorf("an empty table: %d rows, then %d", len(none.rows), len(one.rows))
	}
}

// TestBatches compares PrimaryKeyBatch over changes, inserts and deletes, with
// keys whose own order is not the order of bytes.
func TestBatches(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, kind, value string }{
		{"text", `text COLLATE "und-x-icu"`, "CASE WHEN i % 2 = 0 THEN 'a' ELSE 'B' END || i"},
		{"integer", "int", "i"},
		{"uuid", "uuid", "md5(i::text)::uuid"},
		{"citext", "citext", "CASE WHEN i % 2 = 0 THEN 'a' ELSE 'B' END || i"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			b := setup(t, "CREATE EXTENSION citext", "CREATE TABLE t (k "+c.kind+", n int, v text, PRIMARY KEY (k, n))", "INSERT INTO t SELECT "+c.value+", i % 10, 'v' FROM generate_series(1, 100000) i")
			s := b.open()
			req := request(tableOf(t, s, "public.t"), connector.PrimaryKeyBatch, "")
			w := warehouse{}
			first := read(t, s, req)
			w.take(first, "k", "n")
			if len(w) != 100000 || len(first.rows) != 100000 {
				t.Fatalf("first: %d rows, %d keys", len(first.rows), len(w))
			}
			req.Position = first.at
			if idle := read(t, s, req); len(idle.rows) > 0 {
				t.Errorf("an idle table gave %d rows again", len(idle.rows))
			}
			b.run("UPDATE t SET v = 'w' WHERE k = (SELECT k FROM t ORDER BY k LIMIT 1)", "DELETE FROM t WHERE k = (SELECT max(k::text) FROM t)::"+keyCast(c.kind))
			next := read(t, s, req)
			if len(next.rows) == 0 || len(next.rows) > 2*recordRows+100 || len(next.ranges) == 0 {
				t.Errorf("after two changes: %d rows in %d ranges", len(next.rows), len(next.ranges))
			}
			req.Position = next.at
			if idle := read(t, s, req); len(idle.rows) > 0 {
				t.Errorf("idle afterwards: %d rows", len(idle.rows))
			}
		})
	}
}

func keyCast(kind string) string {
	if kind[0] == 't' {
		return "text"
	}
	return kind
}

// TestResume cuts a reading after every batch and goes on from its position:
// the union must be what one reading gives.
func TestResume(t *testing.T) {
	t.Parallel()
	b := setup(t, ordersSQL, "INSERT INTO orders (note, updated_at) SELECT 'm', now() - interval '1 hour' FROM generate_series(1, 90000)")
	s := b.open()
	table := tableOf(t, s, "public.orders")
	for _, how := range []connector.Replication{{Method: connector.ModifiedAt, Column: "updated_at"}, {Method: connector.AutoIncrement, Column: "id"}, {Method: connector.PrimaryKeyBatch}, {Method: connector.FullTable}} {
		t.Run(string(how.Method), func(t *testing.T) {
			req := request(table, how.Method, how.Column)
			whole := warehouse{}
			end := read(t, s, req)
			whole.take(end, "id")
			pieces := warehouse{}
			for cut := 0; ; cut++ {
				got, more := readOne(t, s, req)
				pieces.take(got, "id")
				req.Position = got.at
				if !more || cut > 100 {
					break
				}
			}
			if !maps.EqualFunc(whole, pieces, maps.Equal) {
				t.Errorf("whole %d rows, in pieces %d", len(whole), len(pieces))
			}
			for _, pass := range []connector.Pass{connector.PassKeys, connector.PassColumns} {
				req.Pass, req.Position, req.Resume, req.Columns = pass, end.at, "", []string{"id", "note"}
				if pass == connector.PassKeys {
					req.Columns = table.Key
				}
				all := read(t, s, req)
				var in []string
				for cut := 0; ; cut++ {
					got, more := readOne(t, s, req)
					in = append(in, got.texts("id")...)
					req.Resume = got.at
					if !more || cut > 100 {
						break
					}
				}
				if !slices.Equal(in, all.texts("id")) || len(in) != 95000 {
					t.Errorf("pass %d: %d rows, in pieces %d", pass, len(all.rows), len(in))
				}
			}
		})
	}
}

// readOne takes one batch and stops.
func readOne(t *testing.T, s connector.Source, req connector.Request) (got reading, more bool) {
	t.Helper()
	got.at = req.Position
	if req.Pass != connector.PassRows {
		got.at = req.Resume
	}
	for b, err := range s.Read(testContext(t), req) {
		if err != nil {
			t.Fatal(err)
		}
		got.at = b.Position
		if b.Record != nil {
			got.rows = rowsOf(b.Record)
		}
		last := b.Record == nil && b.Complete == nil
		b.Release()
		return got, !last
	}
	return got, false
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
