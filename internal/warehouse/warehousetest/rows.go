package warehousetest

import (
	"github.com/apache/arrow-go/v18/arrow"

	"github.com/regrant/regrant/connector"
	"github.com/regrant/regrant/internal/warehouse"
)

type counts = warehouse.Counts

func rowTests() []test {
	return []test{
		{"nothing yet", testNothingYet},
		{"insert and upsert", testUpsert},
		{"the later of two rows wins", testDuplicates},
		{"a composite key with nulls", testCompositeKey},
		{"text keys", testTextKeys},
		{"delete and reappear", testDelete},
		{"deletes within a batch", testBatchDeletes},
		{"update", testUpdate},
		{"rows and position stay apart from what was not committed", testDiscard},
		{"position alone", testPositionOnly},
		{"drop", testDrop},
		{"survives reopening", testReopen},
		{"bad specs", testBadSpecs},
		{"after the end", testAfterTheEnd},
	}
}

func testNothingYet(b *bundle) {
	s := b.describe(items().name)
	if s.Exists || s.Rows != 0 || s.Position != "" || !s.Moved.IsZero() {
		b.t.Errorf("a table that was never loaded is %+v", s)
	}
	if err := b.w.Check(b.t.Context()); err != nil {
		b.t.Errorf("check: %v", err)
	}
}

func testUpsert(b *bundle) {
	tb := items()
	l := b.begin(tb.spec())
	b.write(l, tb.batch([]any{1, "one", 10}, []any{2, "", nil}), tb.batch([]any{3, nil, 30}))
	if p := l.Pending(); p.Rows != 3 || p.Bytes <= 0 {
		b.t.Errorf("pending is %+v, want 3 rows", p)
	}
	b.commit(l, "p1", counts{Inserted: 3})
	if p := l.Pending(); p.Rows != 0 {
		b.t.Errorf("pending after the commit is %+v", p)
	}
	b.want(b.rows(tb, "id", "name", "n"), "1|'one'|10", "2|''|NULL", "3|NULL|30")
	b.write(l, tb.batch([]any{2, "two", 20}, []any{4, "four", 40}))
	b.finish(l, "p2", counts{Inserted: 1, Updated: 1})
	b.want(b.rows(tb, "id", "name", "n"), "1|'one'|10", "2|'two'|20", "3|NULL|30", "4|'four'|40")
	s := b.describe(tb.name)
	if !s.Exists || s.Rows != 4 || s.Deleted != 0 || s.Position != "p2" || s.Moved.IsZero() || s.LastPoint.IsZero() {
		b.t.Errorf("state is %+v", s)
	}
}

func testDuplicates(b *bundle) {
	tb := items()
	b.put(tb.spec(), "p", counts{Inserted: 3},
		tb.batch([]any{1, "a", 1}, []any{2, "b", 1}, []any{1, "c", 2}),
		tb.batch([]any{3, "d", 1}, []any{2, "e", 3}, []any{2, "f", nil}))
	b.want(b.rows(tb, "id", "name", "n"), "1|'c'|2", "2|'f'|NULL", "3|'d'|1")
	l := b.begin(tb.spec())
	b.write(l, tb.batch([]any{1, "x", 1}))
	b.commit(l, "q", counts{Updated: 1})
	b.write(l, tb.batch([]any{1, "y", 1}, []any{9, "n", 1}, []any{9, "m", 1}))
	b.finish(l, "r", counts{Updated: 1, Inserted: 1})
	b.want(b.rows(tb, "id", "name"), "1|'y'", "2|'f'", "3|'d'", "9|'m'")
}

func testCompositeKey(b *bundle) {
	tb := items()
	tb.key = []string{"name", "id"}
	b.put(tb.spec(), "p", counts{Inserted: 4}, tb.batch([]any{1, "a", 1}, []any{1, nil, 2}, []any{1, "", 3}, []any{nil, nil, 4}))
	b.put(tb.spec(), "p", counts{Inserted: 1, Updated: 3}, tb.batch([]any{1, nil, 20}, []any{1, "", 30}, []any{nil, nil, 40}, []any{2, "a", 1}))
	b.want(b.rows(tb, "n"), "1", "1", "20", "30", "40")
	b.put(tb.spec(), "p", counts{Updated: 2}, tb.batch([]any{nil, nil, 50}, []any{2, "a", 7}, []any{nil, nil, 60}))
	b.want(b.rows(tb, "n"), "1", "7", "20", "30", "60")
}

func testTextKeys(b *bundle) {
	tb := items()
	tb.key = []string{"name"}
	b.put(tb.spec(), "p", counts{Inserted: 4}, tb.batch([]any{1, "a", 1}, []any{2, "A", 1}, []any{3, "ä", 1}, []any{4, "a ", 1}))
	b.put(tb.spec(), "p", counts{Updated: 4}, tb.batch([]any{5, "a", 1}, []any{6, "A", 1}, []any{7, "ä", 1}, []any{8, "a ", 1}))
	b.want(b.rows(tb, "id"), "5", "6", "7", "8")
}

func testDelete(b *bundle) {
	tb := items()
	b.put(tb.spec(), "p", counts{Inserted: 3}, tb.batch([]any{1, "a", 1}, []any{2, "b", 1}, []any{3, "c", 1}))
	l := b.begin(tb.spec())
	keys := tb.keys([]any{2}, []any{3}, []any{77})
	if err := l.Delete(b.t.Context(), keys); err != nil {
		b.t.Fatal(err)
	}
	keys.Release()
	b.commit(l, "q", counts{Deleted: 2})
	if err := l.Delete(b.t.Context(), tb.keys([]any{2})); err != nil {
		b.t.Fatal(err)
	}
	b.write(l, tb.batch([]any{3, "again", 1}))
	b.finish(l, "q", counts{Inserted: 1}) // 3 is alive again; 2 was marked before
	b.want(b.rows(tb, "id", "name"), "1|'a'", "3|'again'")
	if s := b.describe(tb.name); s.Rows != 2 || s.Deleted != 1 {
		b.t.Errorf("state has %d rows and %d deleted, want 2 and 1", s.Rows, s.Deleted)
	}
}

func testBatchDeletes(b *bundle) {
	tb := items()
	b.put(tb.spec(), "p", counts{Inserted: 2}, tb.batch([]any{1, "a", 1}, []any{2, "b", 1}))
	batch := tb.batch([]any{3, "c", 1}, []any{4, "d", 1})
	batch.Deletes = tb.keys([]any{1}, []any{4})
	b.put(tb.spec(), "p", counts{Inserted: 2, Updated: 1, Deleted: 2}, batch, tb.batch([]any{2, "bb", 1}, []any{2, "bbb", 1}), connector.Batch{Deletes: tb.keys([]any{9})},
		connector.Batch{})
	b.want(b.rows(tb, "id", "name"), "2|'bbb'", "3|'c'")
}

func testUpdate(b *bundle) {
	tb := items()
	b.put(tb.spec(), "p", counts{Inserted: 3}, tb.batch([]any{1, "a", 1}, []any{2, nil, 1}, []any{3, "c", 3}))
	l := b.begin(tb.spec())
	some := tb.schema("id", "name")
	err := l.Update(b.t.Context(), connector.Batch{Record: record(some, []any{1, "a"}, []any{2, "b"}, []any{3, nil}, []any{4, "new"}, []any{2, "bb"})})
	if err != nil {
		b.t.Fatal(err)
	}
	b.finish(l, "q", counts{Updated: 2})
	b.want(b.rows(tb, "id", "name", "n"), "1|'a'|1", "2|'bb'|1", "3|NULL|3")
}

func testDiscard(b *bundle) {
	tb := items()
	b.put(tb.spec(), "p", counts{Inserted: 1}, tb.batch([]any{1, "a", 1}))
	l := b.begin(tb.spec())
	b.write(l, tb.batch([]any{2, "b", 1}))
	for range 2 {
		if err := l.Close(); err != nil {
			b.t.Fatalf("close: %v", err)
		}
	}
	b.want(b.rows(tb, "id"), "1")
	if s := b.describe(tb.name); s.Position != "p" {
		b.t.Errorf("position is %q, want p", s.Position)
	}
}

func testPositionOnly(b *bundle) {
	tb := items()
	b.put(tb.spec(), "p", counts{}, connector.Batch{Position: "p"})
	if s := b.describe(tb.name); !s.Exists || s.Position != "p" || s.Rows != 0 {
		b.t.Errorf("state is %+v", s)
	}
	for _, p := range []connector.Position{"it's {\"x\":1}", "", "ü"} {
		if err := b.w.SetPosition(b.t.Context(), tb.name, p); err != nil {
			b.t.Fatal(err)
		}
		if s := b.describe(tb.name); s.Position != p {
			b.t.Errorf("position is %q, want %q", s.Position, p)
		}
	}
}

func testDrop(b *bundle) {
	tb, other := items(), items()
	other.name.Table = "other"
	b.put(tb.spec(), "p", counts{Inserted: 1}, tb.batch([]any{1, "a", 1}))
	b.put(other.spec(), "p", counts{Inserted: 1}, other.batch([]any{1, "a", 1}))
	if err := b.w.Drop(b.t.Context(), tb.name); err != nil {
		b.t.Fatal(err)
	}
	if s := b.describe(tb.name); s.Exists || s.Position != "" {
		b.t.Errorf("after the drop the state is %+v", s)
	}
	if s := b.describe(other.name); !s.Exists || s.Position != "p" {
		b.t.Errorf("the other table's state is %+v", s)
	}
	if err := b.w.DropSchema(b.t.Context(), "shop"); err != nil {
		b.t.Fatal(err)
	}
	if s := b.describe(other.name); s.Exists || s.Position != "" {
		b.t.Errorf("after the schema's drop the state is %+v", s)
	}
	if err := b.w.DropSchema(b.t.Context(), "never seen"); err != nil {
		b.t.Errorf("drop of what is not there: %v", err)
	}
	if err := b.w.Drop(b.t.Context(), warehouse.Name{Schema: "never", Table: "seen"}); err != nil {
		b.t.Errorf("drop of what is not there: %v", err)
	}
	b.put(tb.spec(), "p", counts{Inserted: 1}, tb.batch([]any{1, "a", 1}))
}

func testReopen(b *bundle) {
	tb := items()
	b.put(tb.spec(), "p1", counts{Inserted: 2}, tb.batch([]any{1, "a", 1}, []any{2, "b", 2}))
	b.reopen()
	b.want(b.rows(tb, "id", "name", "n"), "1|'a'|1", "2|'b'|2")
	b.put(tb.spec(), "p2", counts{Updated: 1, Inserted: 1}, tb.batch([]any{2, "bb", 2}, []any{3, "c", 3}))
	b.reopen()
	if s := b.describe(tb.name); s.Rows != 3 || s.Position != "p2" {
		b.t.Errorf("state is %+v", s)
	}
}

func testBadSpecs(b *bundle) {
	ok := items()
	for name, change := range map[string]func(*warehouse.Spec){
		"no schema":        func(s *warehouse.Spec) { s.Name.Schema = "" },
		"no table":         func(s *warehouse.Spec) { s.Name.Table = "" },
		"no columns":       func(s *warehouse.Spec) { s.Columns = nil },
		"no key":           func(s *warehouse.Spec) { s.Key = nil },
		"key not a column": func(s *warehouse.Spec) { s.Key = []string{"nope"} },
		"our schema":       func(s *warehouse.Spec) { s.Name.Schema = "_regrant" },
		"column twice":     func(s *warehouse.Spec) { s.Columns = append(s.Columns, s.Columns[0]) },
		"no type":          func(s *warehouse.Spec) { s.Columns = []connector.Column{{Name: "id"}} },
	} {
		spec := ok.spec()
		change(&spec)
		if l, err := b.w.Load(b.t.Context(), spec); err == nil {
			b.t.Errorf("%s: accepted", name)
			_ = l.Close()
		}
	}
	// A record with a column that nobody announced, or without the key.
	strange := table{columns: []connector.Column{column("id", arrow.PrimitiveTypes.Int64), column("what", arrow.BinaryTypes.String)}}
	keyless := table{columns: []connector.Column{column("name", arrow.BinaryTypes.String)}}
	l := b.begin(ok.spec())
	if err := l.Write(b.t.Context(), strange.batch([]any{1, "x"})); err == nil {
		b.t.Error("a column that the load was not told of was accepted")
	}
	if err := l.Write(b.t.Context(), keyless.batch([]any{"x"})); err == nil {
		b.t.Error("a record without the key was accepted")
	}
}

func testAfterTheEnd(b *bundle) {
	tb := items()
	l := b.begin(tb.spec())
	b.write(l, tb.batch([]any{1, "a", 1}))
	b.finish(l, "p", counts{Inserted: 1})
	if err := l.Write(b.t.Context(), tb.batch([]any{2, "b", 1})); err == nil {
		b.t.Error("a write after the end was accepted")
	}
	if _, err := l.Commit(b.t.Context(), "q"); err == nil {
		b.t.Error("a commit after the end was accepted")
	}
	b.want(b.rows(tb, "id"), "1")
}
