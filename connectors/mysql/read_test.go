package mysql

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/regrant/regrant/connector"
	"github.com/regrant/regrant/internal/testservers/mysql"
)

func daysUntil(e connector.Expiry) int { return int(time.Until(e.At).Hours()+12) / 24 }

func ordersSQL() []string {
	return []string{
		"CREATE TABLE orders (id bigint AUTO_INCREMENT PRIMARY KEY, total decimal(12,2), note text, updated_at timestamp NOT NULL, local_at datetime(3), on_day date, KEY (updated_at))",
		"INSERT INTO orders (total, note, updated_at, local_at, on_day) SELECT i * 1.5, IF(i % 7 = 0, NULL, CONCAT('note ', i)), UTC_TIMESTAMP() - INTERVAL 1 DAY + INTERVAL i SECOND, UTC_TIMESTAMP(3) - INTERVAL 1 DAY, UTC_DATE() - INTERVAL 3 DAY FROM " + series(5000),
	}
}

// warehouse is what a driver would have stored.
type warehouse map[string]map[string]string

func (w warehouse) take(r reading, key ...string) {
	for i, k := range r.texts(key...) {
		w[k] = r.rows[i]
	}
}

// exec runs statements as root with a session in UTC and no strictness, as the
// applications of old shops do.
func (b bundle) exec(sql ...string) {
	b.t.Helper()
	w := b.writer()
	defer w.Close()
	must(b.t, w.Exec(testContext(b.t), "SET sql_mode = '', time_zone = '+00:00'"))
	for _, s := range sql {
		must(b.t, w.Exec(testContext(b.t), s))
	}
}

func TestModifiedAt(t *testing.T) {
	t.Parallel()
	each(t, mysql.Config{Zone: "America/New_York"}, func(t *testing.T, b bundle) {
		for _, column := range []string{"updated_at", "local_at", "on_day"} {
			b.exec("DROP TABLE IF EXISTS orders")
			b.exec(ordersSQL()...)
			s := b.open()
			req := request(tableOf(t, s, "shop.orders"), connector.ModifiedAt, column)
			w := warehouse{}
			first := read(t, s, req)
			w.take(first, "id")
			if len(first.rows) != 5000 || len(w) != 5000 {
				t.Fatalf("%s first: %d rows, %d keys", column, len(first.rows), len(w))
			}
			req.Position = first.at
			idle := read(t, s, req)
			if len(idle.rows) > 0 {
				t.Errorf("%s: an idle table gave %d rows again", column, len(idle.rows))
			}
			b.exec("UPDATE orders SET note = 'changed', "+column+" = UTC_TIMESTAMP(3) WHERE id IN (17, 4999)",
				"INSERT INTO orders (note, updated_at, local_at, on_day) VALUES ('new', UTC_TIMESTAMP(), UTC_TIMESTAMP(3), UTC_DATE())")
			req.Position = idle.at
			next := read(t, s, req)
			got := append(next.texts("id", "note"), next.texts("note")...)
			for _, want := range []string{"17|changed", "4999|changed", "new"} {
				if !slices.Contains(got, want) {
					t.Errorf("%s: %s is missing among %d rows", column, want, len(got))
				}
			}
			req.Position = next.at
			if again := read(t, s, req); len(again.rows) > 0 {
				t.Errorf("%s: idle afterwards: %d rows", column, len(again.rows))
			}
		}
	})
}

// TestLateCommit has a transaction that took its date or number before the
// pull and commits after it.
func TestLateCommit(t *testing.T) {
	t.Parallel()
	each(t, mysql.Config{}, func(t *testing.T, b bundle) {
		b.exec(ordersSQL()...)
		s := b.open()
		table := tableOf(t, s, "shop.orders")
		late := b.writer()
		must(t, late.Exec(testContext(t), "SET time_zone = '+00:00'"))
		for _, how := range []connector.Replication{{Method: connector.ModifiedAt, Column: "updated_at"}, {Method: connector.AutoIncrement, Column: "id"}, {Method: connector.AddDate, Column: "local_at"}} {
			name := string(how.Method)
			req := request(table, how.Method, how.Column)
			before := read(t, s, req)
			must(t, late.Exec(testContext(t), "START TRANSACTION"))
			must(t, late.Exec(testContext(t), "INSERT INTO orders (note, updated_at, local_at) VALUES ('late "+name+"', UTC_TIMESTAMP() - INTERVAL 10 SECOND, UTC_TIMESTAMP(3) - INTERVAL 10 SECOND)"))
			b.exec("INSERT INTO orders (note, updated_at, local_at) VALUES ('in time " + name + "', UTC_TIMESTAMP(), UTC_TIMESTAMP(3))")
			req.Position = before.at
			during := read(t, s, req)
			if got := during.texts("note"); !slices.Contains(got, "in time "+name) || slices.Contains(got, "late "+name) {
				t.Errorf("%s, while the transaction runs: %v", name, got)
			}
			must(t, late.Exec(testContext(t), "COMMIT"))
			req.Position = during.at
			after := read(t, s, req)
			if got := after.texts("note"); !slices.Contains(got, "late "+name) {
				t.Errorf("%s, after its commit: %v", name, got)
			}
			req.Position = after.at
			if again := read(t, s, req); len(again.rows) > 0 {
				t.Errorf("%s, idle afterwards: %v", name, again.texts("note"))
			}
		}
	})
}

// TestLateRowsAreFew: one late row does not make the whole window be read again,
// and a reading that is cut in it goes on with the same rows.
func TestLateRowsAreFew(t *testing.T) {
	t.Parallel()
	each(t, mysql.Config{}, func(t *testing.T, b bundle) {
		b.exec("CREATE TABLE t (id int AUTO_INCREMENT PRIMARY KEY, v text, at timestamp(3) NOT NULL, KEY (at))",
			"INSERT INTO t (v, at) SELECT 'v', UTC_TIMESTAMP(3) - INTERVAL 5 MINUTE + INTERVAL i * 10 MICROSECOND FROM "+series(20_000))
		s := b.open()
		req := request(tableOf(t, s, "shop.t"), connector.ModifiedAt, "at")
		first := read(t, s, req)
		b.exec("INSERT INTO t (v, at) VALUES ('late', UTC_TIMESTAMP(3) - INTERVAL 6 MINUTE)", "UPDATE t SET v = 'moved', at = UTC_TIMESTAMP(3) WHERE id = 3")
		req.Position = first.at
		whole := read(t, s, req)
		if got := whole.texts("v"); !slices.Contains(got, "late") || !slices.Contains(got, "moved") || len(got) > 1000 {
			t.Errorf("%d rows again", len(got))
		}
		req.Limit = 5
		seen := warehouse{}
		for range 300 {
			step := read(t, s, req)
			if req.Position = step.at; len(step.rows) == 0 {
				break
			}
			seen.take(step, "id")
		}
		all := warehouse{}
		all.take(whole, "id")
		if !slices.Equal(slices.Sorted(maps.Keys(seen)), slices.Sorted(maps.Keys(all))) {
			t.Errorf("in steps of five %d rows, in one go %d", len(seen), len(all))
		}
		if len(first.at) > 20_000 {
			t.Errorf("a position of %d bytes", len(first.at))
		}
	})
}

// TestSameSecond: a row that changes twice within what its date can tell is
// read twice.
func TestSameSecond(t *testing.T) {
	t.Parallel()
	each(t, mysql.Config{}, func(t *testing.T, b bundle) {
		b.exec("CREATE TABLE t (id int PRIMARY KEY, v text, at timestamp NOT NULL, d date, KEY (at))", "SET timestamp = 1750000000", "INSERT INTO t VALUES (1, 'a', '2025-06-15 15:00:00', '2025-06-15'), (2, 'b', '2025-06-15 15:00:00', '2025-06-15')")
		s := b.open()
		table := tableOf(t, s, "shop.t")
		for _, column := range []string{"at", "d"} {
			req := request(table, connector.ModifiedAt, column)
			req.Position = read(t, s, req).at
			b.exec("UPDATE t SET v = CONCAT(v, '!'), at = at, d = d WHERE id = 2")
			if got := read(t, s, req); !slices.Contains(got.texts("id"), "2") {
				t.Errorf("%s: %v", column, got.rows)
			}
		}
	})
}

// TestColumnsChange: a reading that was cut in a window goes on with other
// columns and misses none of its rows.
func TestColumnsChange(t *testing.T) {
	t.Parallel()
	each(t, mysql.Config{}, func(t *testing.T, b bundle) {
		b.exec("CREATE TABLE t (id int PRIMARY KEY, v text, w text, at timestamp NULL)", "INSERT INTO t SELECT i, 'v', 'w', IF(i % 2, NULL, UTC_TIMESTAMP()) FROM "+series(200))
		s := b.open()
		req := request(tableOf(t, s, "shop.t"), connector.ModifiedAt, "at")
		req.Columns = []string{"id", "at", "v"}
		req.Position = read(t, s, req).at
		b.exec("UPDATE t SET v = 'changed', at = at WHERE id <= 100")
		cut := req
		cut.Limit = 7
		seen := warehouse{}
		for range 9 {
			got := read(t, s, cut)
			seen.take(got, "id")
			cut.Position = got.at
		}
		cut.Columns, cut.Limit = []string{"id", "at", "v", "w"}, 0
		seen.take(read(t, s, cut), "id")
		changed := 0
		for _, row := range seen {
			if row["v"] == "changed" {
				changed++
			}
		}
		if changed != 100 {
			t.Errorf("%d of 100 changed rows", changed)
		}
	})
}

// TestLongTransaction: with PROCESS the window is as wide as the oldest
// transaction needs, wherever the machine's clock stands.
func TestLongTransaction(t *testing.T) {
	t.Parallel()
	each(t, mysql.Config{Zone: "America/New_York"}, func(t *testing.T, b bundle) {
		b.exec(ordersSQL()...)
		long := b.writer()
		must(t, long.Exec(testContext(t), "START TRANSACTION"))
		must(t, long.Exec(testContext(t), "UPDATE orders SET note = 'x' WHERE id = 1"))
		for _, granted := range []bool{false, true} {
			if granted {
				b.Exec(t, "GRANT PROCESS ON *.* TO "+testUser+"@'%'")
			}
			s := b.open().(*source)
			c, err := s.connect(testContext(t))
			must(t, err)
			f := &follower{reader: &reader{s: s, c: c}}
			seconds, err := f.running(testContext(t))
			must(t, err)
			c.close()
			if granted != (seconds >= 60 && seconds < 120) || !granted && seconds != 0 {
				t.Errorf("granted %v: running for %d seconds", granted, seconds)
			}
		}
	})
}

func TestAutoIncrement(t *testing.T) {
	t.Parallel()
	each(t, mysql.Config{}, func(t *testing.T, b bundle) {
		b.exec(ordersSQL()...)
		b.exec("CREATE TABLE vacant (id int unsigned AUTO_INCREMENT PRIMARY KEY, v text)", "CREATE TABLE huge (id bigint unsigned AUTO_INCREMENT PRIMARY KEY) AUTO_INCREMENT = 18446744073709550000", "INSERT INTO huge VALUES (), (), ()")
		s := b.open()
		for _, c := range []struct {
			table, insert string
			first, next   int
		}{
			{"shop.orders", "INSERT INTO orders (note, updated_at) SELECT 'n', UTC_TIMESTAMP() FROM " + series(10), 5000, 10},
			{"shop.vacant", "INSERT INTO vacant (v) VALUES ('a'), ('b')", 0, 2},
			{"shop.huge", "INSERT INTO huge VALUES (), ()", 3, 2},
		} {
			req := request(tableOf(t, s, c.table), connector.AutoIncrement, "id")
			first := read(t, s, req)
			b.exec(c.insert)
			req.Position = first.at
			next := read(t, s, req)
			if len(first.rows) != c.first || len(next.rows) != c.next {
				t.Errorf("%s: %d rows, then %d", c.table, len(first.rows), len(next.rows))
			}
		}
	})
}

// TestOddDates: rows without a date, or with one that no calendar has, are
// followed by what they look like together.
func TestOddDates(t *testing.T) {
	t.Parallel()
	each(t, mysql.Config{}, func(t *testing.T, b bundle) {
		b.exec("CREATE TABLE t (id int PRIMARY KEY, at datetime)", "INSERT INTO t VALUES (1, NULL), (2, '0000-00-00'), (3, '2020-01-01'), (4, '2020-00-00')")
		s := b.open()
		req := request(tableOf(t, s, "shop.t"), connector.ModifiedAt, "at")
		first := read(t, s, req)
		if len(first.rows) != 4 {
			t.Fatalf("first: %v", first.texts("id", "at"))
		}
		req.Position = first.at
		if idle := read(t, s, req); len(idle.rows) != 0 {
			t.Errorf("idle: %v", idle.texts("id", "at"))
		}
		b.exec("INSERT INTO t VALUES (5, NULL)")
		next := read(t, s, req)
		if !slices.Contains(next.texts("id"), "5") {
			t.Errorf("a new row without a date: %v", next.texts("id", "at"))
		}
	})
}

// TestZeroDateInKey: rows that no value tells apart are not merged in silence.
func TestZeroDateInKey(t *testing.T) {
	t.Parallel()
	each(t, mysql.Config{}, func(t *testing.T, b bundle) {
		b.exec("CREATE TABLE t (day date, n int, PRIMARY KEY (day, n))", "INSERT INTO t VALUES ('0000-00-00', 1), ('2020-01-01', 1)")
		s := b.open()
		table := tableOf(t, s, "shop.t")
		_, err := tryRead(testContext(t), s, request(table, connector.PrimaryKeyBatch, ""))
		if f := faultOf(t, err); f.Code != "mysql.key_without_value" || f.Scope != connector.OneTable {
			t.Errorf("%v", f)
		}
		if got := read(t, s, request(table, connector.FullTable, "")); len(got.rows) != 2 {
			t.Errorf("whole: %d rows", len(got.rows))
		}
	})
}

// keyTables have keys of every kind, with values whose order is easy to get wrong.
func keyTables() map[string][]string {
	return map[string][]string{
		"folded":   {"CREATE TABLE folded (k varchar(20) COLLATE utf8mb4_general_ci PRIMARY KEY, v int)", "INSERT INTO folded VALUES ('a',1),('B',2),('ö',3),('Z',4),('',5),('bb ',6),('a\\t',7),('😀',8),('é',9)"},
		"latin":    {"CREATE TABLE latin (k varchar(20) CHARACTER SET latin1 PRIMARY KEY, v int)", "INSERT INTO latin VALUES ('€',1),('é',2),('z',3),('A',4),('ž',5)"},
		"bin":      {"CREATE TABLE bin (k varchar(20) COLLATE utf8mb4_bin PRIMARY KEY, v int)", "INSERT INTO bin VALUES ('a',1),('a\\t',2),('A',3),('a b',4)"},
		"bytes":    {"CREATE TABLE bytes (k varbinary(8) PRIMARY KEY, v int)", "INSERT INTO bytes VALUES (X'00',1),(X'',2),(X'ff',3),(X'0000',4),(X'61',5)"},
		"enums":    {"CREATE TABLE enums (k enum('z','a','m'), n int, v int, PRIMARY KEY (k, n))", "INSERT INTO enums VALUES ('z',1,1),('a',2,2),('m',3,3),('a',1,4)"},
		"pairs":    {"CREATE TABLE pairs (a int, b decimal(6,2), c date, v int, PRIMARY KEY (a, b, c))", "INSERT INTO pairs VALUES (1,-1.5,'2020-01-01',1),(1,10,'2020-01-01',2),(-3,2,'2020-01-02',3),(1,9.99,'2019-12-31',4),(1,9.99,'2020-01-01',5)"},
		"times":    {"CREATE TABLE times (k datetime, m datetime(6), v int, PRIMARY KEY (k, m))", "INSERT INTO times VALUES ('1000-01-01','2020-01-01',1),('2020-01-01 10:00:00','2020-01-01 00:00:00.000001',2),('2020-01-01 10:00:00','2020-01-01',3),('9999-12-31 23:59:59','2020-01-01',4)"},
		"unsigned": {"CREATE TABLE `unsigned` (k bigint unsigned PRIMARY KEY, v int)", "INSERT INTO `unsigned` VALUES (18446744073709551615,1),(9223372036854775808,2),(0,3)"},
		"bits":     {"CREATE TABLE bits (k bit(12), y year, v int, PRIMARY KEY (k, y))", "INSERT INTO bits VALUES (b'111111111111',2020,1),(0,1999,2),(b'1',2155,3)"},
		"odd.name": {"CREATE TABLE `odd.name` (`the ``key` int PRIMARY KEY, v int)", "INSERT INTO `odd.name` VALUES (1,1),(2,2)"},
	}
}

// TestKeys reads tables with keys of every kind in small pieces: by ranges, as
// a pass of keys, from every position, and asks for each key whether it exists.
func TestKeys(t *testing.T) {
	t.Parallel()
	each(t, mysql.Config{}, func(t *testing.T, b bundle) {
		tables := keyTables()
		if b.Flavour() == mysql.MariaDB {
			tables["uuids"] = []string{"CREATE TABLE uuids (k uuid PRIMARY KEY, v int)", "INSERT INTO uuids VALUES ('ffffffff-0000-1000-8000-000000000001',1),('00000000-0000-4000-8000-00000000000f',2),('11111111-2222-1fff-8000-00000000000f',3)"}
			tables["nets"] = []string{"CREATE TABLE nets (k inet6 PRIMARY KEY, v int)", "INSERT INTO nets VALUES ('::1',1),('fe80::1',2),('::ffff:10.0.0.1',3)"}
		}
		for name, sql := range tables {
			checkKeys(t, b, tableName("shop", name), sql...)
		}
	})
}

func checkKeys(t *testing.T, b bundle, name string, sql ...string) {
	t.Helper()
	b.exec(sql...)
	s := b.open()
	defer s.Close()
	table := tableOf(t, s, name)
	if len(table.Key) == 0 {
		t.Errorf("%s: no key", name)
		return
	}
	whole := read(t, s, request(table, connector.FullTable, ""))
	req := request(table, connector.PrimaryKeyBatch, "")
	ranges := read(t, s, req)
	if !slices.Equal(slices.Sorted(slices.Values(whole.texts("v"))), slices.Sorted(slices.Values(ranges.texts("v")))) {
		t.Errorf("%s: whole %v, by ranges %v", name, whole.texts("v"), ranges.texts("v"))
	}
	req.Position = ranges.at
	if again := read(t, s, req); len(again.rows) != 0 {
		t.Errorf("%s: %v again", name, again.texts("v"))
	}
	stepwise := stepThrough(t, s, table)
	if !slices.Equal(stepwise, ranges.texts("v")) {
		t.Errorf("%s: row by row %v, in one go %v", name, stepwise, ranges.texts("v"))
	}
	req.Pass, req.Columns = connector.PassKeys, table.Key
	for batch, err := range s.Read(testContext(t), req) {
		must(t, err)
		if batch.Record == nil {
			continue
		}
		exists, err := s.(connector.Verifier).Exists(testContext(t), table, batch.Record)
		must(t, err)
		if slices.Contains(exists, false) {
			t.Errorf("%s: some of its keys do not exist: %v of %v", name, exists, batch.Record)
		}
		batch.Release()
	}
	tally, err := s.(connector.Tallier).Tally(testContext(t), table, connector.Replication{Method: connector.PrimaryKeyBatch}, ranges.at)
	if must(t, err); tally.Rows != int64(len(whole.rows)) {
		t.Errorf("%s: tally %d", name, tally.Rows)
	}
}

// stepThrough reads row by row: every position is gone on from once, and text
// in its order decides what comes after it.
func stepThrough(t *testing.T, s connector.Source, table connector.Table) []string {
	t.Helper()
	var values []string
	req := request(table, connector.PrimaryKeyBatch, "")
	req.Limit = 1
	for range 20 {
		got := read(t, s, req)
		if len(got.rows) == 0 {
			break
		}
		values = append(values, got.texts("v")...)
		req.Position = got.at
	}
	return values
}

// TestNoKey: what no warehouse can order does not become a key; such a table is
// read whole.
func TestNoKey(t *testing.T) {
	t.Parallel()
	each(t, mysql.Config{}, func(t *testing.T, b bundle) {
		b.exec("CREATE TABLE a (k time PRIMARY KEY)", "CREATE TABLE b (k decimal(60,1) PRIMARY KEY)", "CREATE TABLE c (k double PRIMARY KEY)", "CREATE TABLE d (k text, UNIQUE (k(10)))", "CREATE TABLE e (k int, UNIQUE (k))")
		s := b.open()
		for _, name := range []string{"a", "b", "c", "d", "e"} {
			table := tableOf(t, s, "shop."+name)
			if len(table.Key) != 0 || table.Replications[0].Method != connector.FullTable {
				t.Errorf("%s: key %v, %v", name, table.Key, table.Replications[0])
			}
		}
	})
}

// TestExistsIsAboutBytes: the source's collation takes keys for the same that
// the warehouse tells apart.
func TestExistsIsAboutBytes(t *testing.T) {
	t.Parallel()
	each(t, mysql.Config{}, func(t *testing.T, b bundle) {
		b.exec("CREATE TABLE t (k varchar(20) COLLATE utf8mb4_general_ci PRIMARY KEY, v int)", "INSERT INTO t VALUES ('Abc', 1)")
		s := b.open()
		keys := array.NewStringBuilder(memory.DefaultAllocator)
		keys.AppendValues([]string{"abc", "Abc", "nothing"}, nil)
		record := array.NewRecordBatch(arrow.NewSchema([]arrow.Field{{Name: "k", Type: arrow.BinaryTypes.String}}, nil), []arrow.Array{keys.NewArray()}, 3)
		exists, err := s.(connector.Verifier).Exists(testContext(t), tableOf(t, s, "shop.t"), record)
		must(t, err)
		if !slices.Equal(exists, []bool{false, true, false}) {
			t.Errorf("%v", exists)
		}
	})
}

// TestBatches: only the ranges in which something happened are read again.
func TestBatches(t *testing.T) {
	t.Parallel()
	each(t, mysql.Config{}, func(t *testing.T, b bundle) {
		b.exec("CREATE TABLE by_number (a int, b int, v text, PRIMARY KEY (a, b))", "INSERT INTO by_number SELECT i DIV 10, i % 10, CONCAT('v', i) FROM "+series(100_000),
			"CREATE TABLE by_text (k varchar(20) PRIMARY KEY, v text)", "INSERT INTO by_text SELECT CONCAT(IF(i % 2, 'x', 'Y'), i), CONCAT('v', i) FROM "+series(100_000))
		changes := map[string][]string{
			"shop.by_number": {"UPDATE by_number SET v = 'changed' WHERE a = 1 AND b = 1", "DELETE FROM by_number WHERE a = 9999 AND b = 9", "INSERT INTO by_number VALUES (9999, 77, 'new')"},
			"shop.by_text":   {"UPDATE by_text SET v = 'changed' WHERE k = 'x1'", "DELETE FROM by_text WHERE k = 'Y10'", "INSERT INTO by_text VALUES ('zzz', 'new')"},
		}
		s := b.open()
		for _, name := range slices.Sorted(maps.Keys(changes)) {
			table := tableOf(t, s, name)
			req := request(table, connector.PrimaryKeyBatch, "")
			first := read(t, s, req)
			if len(first.rows) != 100_000 || first.batches < 4 {
				t.Fatalf("%s: %d rows in %d batches", name, len(first.rows), first.batches)
			}
			b.exec(changes[name]...)
			req.Position = first.at
			next := read(t, s, req)
			if got := next.texts("v"); !slices.Contains(got, "changed") || !slices.Contains(got, "new") || len(got) >= 100_000 {
				t.Errorf("%s: %d rows again", name, len(got))
			}
			req.Position = next.at
			if idle := read(t, s, req); len(idle.rows) != 0 {
				t.Errorf("%s: %d rows when idle", name, len(idle.rows))
			}
		}
	})
}

// TestAllDatabases: without a database named, every one that the user may see
// is listed, and no table of the server's own.
func TestAllDatabases(t *testing.T) {
	t.Parallel()
	each(t, mysql.Config{}, func(t *testing.T, b bundle) {
		b.Exec(t, "CREATE DATABASE `a.b`", "CREATE TABLE `a.b`.t (id int PRIMARY KEY)", "INSERT INTO `a.b`.t VALUES (7)", "GRANT SELECT ON `a.b`.* TO "+testUser+"@'%'", "CREATE TABLE shop.t (id int PRIMARY KEY)")
		s := openEnv(t, b.with("database", ""))
		tables, err := s.Tables(testContext(t))
		must(t, err)
		var names []string
		for _, table := range tables {
			names = append(names, table.Name)
		}
		if !slices.Equal(names, []string{"`a.b`.t", "shop.t"}) {
			t.Errorf("%v", names)
		}
		if got := read(t, s, request(tableOf(t, s, "`a.b`.t"), connector.FullTable, "")); !slices.Equal(got.texts("id"), []string{"7"}) {
			t.Errorf("%v", got.rows)
		}
	})
}

// TestPlans: neither an incremental reading nor a page of a range may scan the table.
func TestPlans(t *testing.T) {
	t.Parallel()
	each(t, mysql.Config{}, func(t *testing.T, b bundle) {
		b.exec("CREATE TABLE big (a int, b int, v text, updated_at timestamp NOT NULL, PRIMARY KEY (a, b), KEY (updated_at))",
			"INSERT INTO big SELECT i DIV 100, i % 100, 'v', '2024-01-01' + INTERVAL i MINUTE FROM "+series(50_000), "ANALYZE TABLE big")
		s := b.open().(*source)
		c, err := s.connect(testContext(t))
		must(t, err)
		defer c.close()
		table, err := s.describe(testContext(t), c, "shop.big")
		must(t, err)
		at := table.byName["updated_at"]
		follow := append(rawOrder([]*col{at}), rawOrder(table.key)...)
		for name, w := range map[string]walk{
			"by key":  {cols: table.key, order: rawOrder(table.key), after: []string{"100", "50"}},
			"by date": {cols: table.key, order: follow, after: []string{"2024-01-20 00:00:00", "1", "1"}, where: []string{"t.updated_at <= '2024-02-01'"}},
		} {
			rows, err := c.All(testContext(t), "EXPLAIN "+w.sql(table, 100))
			must(t, err)
			plan := fmt.Sprintf("%s", rows)
			if !strings.Contains(plan, "range") || strings.Contains(plan, "ALL") {
				t.Errorf("%s: %s", name, plan)
			}
		}
	})
}
