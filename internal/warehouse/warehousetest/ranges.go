package warehousetest

import (
	"strings"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"

	"github.com/regrant/regrant/connector"
)

func rangeTests() []test {
	return []test{
		{"of one column", testRange},
		{"of two columns", testCompositeRange},
		{"of text in the order of bytes", testTextRange},
		{"of a key that became wider", testWidenedRange},
	}
}

// missing gives the missing keys as text.
func (b *bundle) missing(tb table, r connector.KeyRange, limit int, keys ...[]any) (string, bool) {
	b.t.Helper()
	l := b.begin(tb.spec())
	batch := connector.Batch{Complete: &r}
	if keys != nil {
		batch.Record = tb.keys(keys...)
	}
	got, truncated, err := l.Missing(b.t.Context(), batch, limit)
	if err != nil {
		b.t.Fatalf("missing: %v", err)
	}
	if err := l.Close(); err != nil {
		b.t.Fatal(err)
	}
	return keyText(got), truncated
}

func keyText(r arrow.RecordBatch) string {
	rows := make([]string, r.NumRows())
	for i := range rows {
		var parts []string
		for _, c := range r.Columns() {
			if c, ok := c.(array.StringLike); ok {
				parts = append(parts, c.Value(i))
				continue
			}
			parts = append(parts, c.ValueStr(i))
		}
		rows[i] = strings.Join(parts, ":")
	}
	return strings.Join(rows, " ")
}

func (b *bundle) wantMissing(tb table, want string, after, through []any, keys ...[]any) {
	b.t.Helper()
	var r connector.KeyRange
	if after != nil {
		r.After = tb.keys(after)
	}
	if through != nil {
		r.Through = tb.keys(through)
	}
	if got, truncated := b.missing(tb, r, 100, keys...); got != want || truncated {
		b.t.Errorf("after %v through %v and without %v: missing %q (truncated: %v), want %q", after, through, keys, got, truncated, want)
	}
}

func testRange(b *bundle) {
	tb := items()
	b.put(tb.spec(), "p", counts{Inserted: 5}, tb.batch([]any{-1, "", 0}, []any{1, "", 0}, []any{2, "", 0}, []any{3, "", 0}, []any{10, "", 0}))
	b.wantMissing(tb, "-1 1 2 3 10", nil, nil)
	b.wantMissing(tb, "2 3", []any{1}, []any{3})
	b.wantMissing(tb, "2", []any{1}, []any{3}, []any{3}, []any{4})
	b.wantMissing(tb, "", []any{1}, []any{3}, []any{2}, []any{3})
	b.wantMissing(tb, "10", []any{3}, nil)
	b.wantMissing(tb, "-1 1", nil, []any{1})
	b.wantMissing(tb, "", []any{10}, nil)
	if got, truncated := b.missing(tb, connector.KeyRange{}, 2, []any{1}); got != "-1 2" || !truncated {
		b.t.Errorf("of 4 missing keys at most 2 are %q, truncated: %v", got, truncated)
	}
	if got, truncated := b.missing(tb, connector.KeyRange{}, 4, []any{1}); got != "-1 2 3 10" || truncated {
		b.t.Errorf("of 4 missing keys at most 4 are %q, truncated: %v", got, truncated)
	}
	l := b.begin(tb.spec())
	if err := l.Delete(b.t.Context(), tb.keys([]any{2})); err != nil {
		b.t.Fatal(err)
	}
	b.finish(l, "p", counts{Deleted: 1})
	b.wantMissing(tb, "3", []any{1}, []any{3}) // 2 is not alive
}

func testCompositeRange(b *bundle) {
	tb := items()
	tb.key = []string{"n", "id"}
	b.put(tb.spec(), "p", counts{Inserted: 6}, tb.batch([]any{1, "", 1}, []any{2, "", 1}, []any{3, "", 1}, []any{1, "", 2}, []any{2, "", 2}, []any{1, "", 3}))
	b.wantMissing(tb, "1:3 2:1", []any{1, 2}, []any{2, 1})
	b.wantMissing(tb, "1:3", []any{1, 2}, []any{2, 1}, []any{2, 1})
	b.wantMissing(tb, "2:2 3:1", []any{2, 1}, nil)
	b.wantMissing(tb, "1:1 1:2", nil, []any{1, 2})
	b.wantMissing(tb, "2:1", []any{1, 99}, []any{2, 1})
}

func testTextRange(b *bundle) {
	tb := items()
	tb.key = []string{"name"}
	b.put(tb.spec(), "p", counts{Inserted: 6}, tb.batch([]any{1, "B", 1}, []any{2, "Z", 1}, []any{3, "a", 1}, []any{4, "ab", 1}, []any{5, "é", 1}, []any{6, "z", 1}))
	b.wantMissing(tb, "Z a ab", []any{"B"}, []any{"b"})
	b.wantMissing(tb, "z é", []any{"b"}, nil)
	b.wantMissing(tb, "B", nil, []any{"Y'; --"})
}

// testWidenedRange: the warehouse's column is text by now, the source has
// gone back to numbers and counts as numbers do.
func testWidenedRange(b *bundle) {
	tb := items()
	asText := tb
	asText.columns = append([]connector.Column{column("id", arrow.BinaryTypes.String)}, tb.columns[1:]...)
	b.put(asText.spec(), "p", counts{Inserted: 4}, asText.batch([]any{"9", "", 0}, []any{"10", "", 0}, []any{"100", "", 0}, []any{"x", "", 0}))
	b.wantMissing(tb, "10 100", []any{9}, []any{200})
	b.wantMissing(tb, "100", []any{9}, []any{200}, []any{10})
	b.put(tb.spec(), "p", counts{Inserted: 1, Updated: 1}, tb.batch([]any{10, "ten", 0}, []any{11, "", 0}))
}
