package warehousetest

import (
	"fmt"

	"github.com/regrant/regrant/connector"
)

func replaceTests() []test {
	return []test{
		{"swapped in at the end", testSwap},
		{"without a key", testKeyless},
		{"duplicates", testReplaceDuplicates},
		{"given up", testReplaceGivenUp},
		{"columns stay", testReplaceColumns},
		{"to nothing", testReplaceEmpty},
	}
}

func testSwap(b *bundle) {
	tb := items()
	b.put(tb.spec(), "old", counts{Inserted: 3}, tb.batch([]any{1, "a", 1}, []any{2, "b", 2}, []any{3, "c", 3}))
	l := b.begin(tb.replace())
	b.write(l, tb.batch([]any{7, "g", 7}))
	b.commit(l, "half", counts{})
	b.write(l, tb.batch([]any{8, "h", 8}))
	b.want(b.rows(tb, "id"), "1", "2", "3")
	if s := b.describe(tb.name); s.Position != "old" || s.Rows != 3 {
		b.t.Errorf("before the end the state is %+v", s)
	}
	b.finish(l, "new", counts{Updated: 2, Deleted: 1})
	b.want(b.rows(tb, "id", "name", "n"), "7|'g'|7", "8|'h'|8")
	if s := b.describe(tb.name); s.Position != "new" || s.Rows != 2 {
		b.t.Errorf("after the end the state is %+v", s)
	}
	b.put(tb.replace(), "newer", counts{Updated: 2, Inserted: 1}, tb.batch([]any{1, "a", 1}, []any{2, "b", 2}, []any{3, "c", 3}))
	b.put(tb.spec(), "newest", counts{Updated: 1, Inserted: 1}, tb.batch([]any{3, "cc", 3}, []any{4, "d", 4}))
	b.reopen()
	b.want(b.rows(tb, "id", "name"), "1|'a'", "2|'b'", "3|'cc'", "4|'d'")
}

func testKeyless(b *bundle) {
	tb := items()
	tb.key = nil
	b.put(tb.replace(), "p", counts{Inserted: 3}, tb.batch([]any{1, "a", 1}, []any{1, "a", 1}), tb.batch([]any{nil, nil, nil}))
	b.want(b.rows(tb, "id", "name"), "1|'a'", "1|'a'", "NULL|NULL")
	b.put(tb.replace(), "p", counts{Updated: 1, Deleted: 2}, tb.batch([]any{5, "e", 1}))
	b.want(b.rows(tb, "id", "name"), "5|'e'")
	l := b.begin(tb.replace())
	if err := l.Delete(b.t.Context(), tb.batch([]any{5, "e", 1}).Record); err == nil {
		b.t.Error("a delete without a key was accepted")
	}
}

func testReplaceDuplicates(b *bundle) {
	tb := items()
	l := b.begin(tb.replace())
	b.write(l, tb.batch([]any{1, "a", 1}, []any{2, "b", 1}, []any{1, "aa", 1}))
	b.commit(l, "", counts{})
	b.write(l, tb.batch([]any{2, "bb", 1}, []any{3, "c", 1}))
	b.finish(l, "p", counts{Inserted: 3})
	b.want(b.rows(tb, "id", "name"), "1|'aa'", "2|'bb'", "3|'c'")
}

func testReplaceGivenUp(b *bundle) {
	tb := items()
	b.put(tb.spec(), "old", counts{Inserted: 1}, tb.batch([]any{1, "a", 1}))
	for i := range 3 {
		l := b.begin(tb.replace())
		b.write(l, tb.batch([]any{7 + i, "g", 7}))
		b.commit(l, "half", counts{})
		if i == 2 {
			continue // left open, as by a crash
		}
		if err := l.Close(); err != nil {
			b.t.Fatal(err)
		}
		b.want(b.rows(tb, "id"), "1")
		b.put(tb.spec(), "old", counts{Updated: 1}, tb.batch([]any{1, "a", 1}))
	}
	if s := b.describe(tb.name); s.Position != "old" || s.Rows != 1 {
		b.t.Errorf("the state is %+v", s)
	}
	if left := b.query("SELECT table_name FROM information_schema.tables WHERE table_schema = 'shop'"); len(left) > 2 {
		b.t.Errorf("tables are left over: %v", left)
	}
}

func testReplaceColumns(b *bundle) {
	tb := items()
	b.put(tb.spec(), "p", counts{Inserted: 1}, tb.batch([]any{1, "a", 1}))
	narrow := tb
	narrow.columns = append([]connector.Column{}, tb.columns[:2]...)
	b.put(narrow.replace(), "p", counts{Updated: 1, Inserted: 1}, narrow.batch([]any{1, "a"}, []any{2, "b"}))
	b.want(b.rows(tb, "id", "name", "n"), "1|'a'|NULL", "2|'b'|NULL")
}

func testReplaceEmpty(b *bundle) {
	tb := items()
	b.put(tb.replace(), "p", counts{}, connector.Batch{})
	b.put(tb.replace(), "p", counts{Inserted: 1}, tb.batch([]any{1, "a", 1}))
	b.put(tb.replace(), "q", counts{Deleted: 1})
	if s := b.describe(tb.name); !s.Exists || s.Rows != 0 || s.Position != "q" {
		b.t.Errorf("the state is %+v", s)
	}
	b.want(b.query(fmt.Sprintf("SELECT count(*) FROM %s", sqlName(tb.name))), "0")
}
