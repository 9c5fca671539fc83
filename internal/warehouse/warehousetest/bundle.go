package warehousetest

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/regrant/regrant/connector"
	"github.com/regrant/regrant/internal/warehouse"
)

// Open opens the engine on a path in an empty directory, or again on a path
// where it was closed.
type Open func(t testing.TB, path string) warehouse.Warehouse

// bundle is what each subtest has of its own.
type bundle struct {
	t    *testing.T
	w    warehouse.Warehouse
	path string
	open Open
}

func setup(t *testing.T, open Open) *bundle {
	t.Helper()
	path := filepath.Join(t.TempDir(), "rows")
	b := &bundle{t: t, path: path, open: open, w: open(t, path)}
	t.Cleanup(func() {
		if err := b.w.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	return b
}

// reopen closes the engine and opens it again.
func (b *bundle) reopen() {
	b.t.Helper()
	if err := b.w.Close(); err != nil {
		b.t.Fatalf("close: %v", err)
	}
	b.w = b.open(b.t, b.path)
}

// table is a table of the tests.
type table struct {
	name    warehouse.Name
	key     []string
	columns []connector.Column
}

func (tb table) spec() warehouse.Spec {
	return warehouse.Spec{Name: tb.name, Key: tb.key, Columns: tb.columns}
}

func (tb table) replace() warehouse.Spec {
	s := tb.spec()
	s.Replace = true
	return s
}

func (tb table) schema(names ...string) *arrow.Schema {
	if names == nil {
		for _, c := range tb.columns {
			names = append(names, c.Name)
		}
	}
	return connector.Table{Columns: tb.columns}.Schema(names)
}

// batch builds rows; a value is nil or the text that the Arrow builder of the
// column takes.
func (tb table) batch(rows ...[]any) connector.Batch {
	return connector.Batch{Record: record(tb.schema(), rows...)}
}

// keys builds rows of the key's columns.
func (tb table) keys(rows ...[]any) arrow.RecordBatch {
	return record(tb.schema(tb.key...), rows...)
}

func record(schema *arrow.Schema, rows ...[]any) arrow.RecordBatch {
	b := array.NewRecordBuilder(memory.DefaultAllocator, schema)
	defer b.Release()
	for _, row := range rows {
		for i, v := range row {
			appendValue(b.Field(i), v)
		}
	}
	return b.NewRecordBatch()
}

func appendValue(b array.Builder, v any) {
	switch v := v.(type) {
	case nil:
		b.AppendNull()
	case int:
		appendText(b, fmt.Sprint(v))
	case string:
		appendText(b, v)
	case func(array.Builder):
		v(b)
	default:
		panic(fmt.Sprintf("no way to build %T", v))
	}
}

func appendText(b array.Builder, s string) {
	if b, ok := b.(*array.StringBuilder); ok {
		b.Append(s)
		return
	}
	if err := b.AppendValueFromString(s); err != nil {
		panic(err)
	}
}

func column(name string, t arrow.DataType) connector.Column {
	return connector.Column{Name: name, Type: t, SourceType: t.String(), Nullable: true}
}

func items() table {
	return table{
		name:    warehouse.Name{Schema: "shop", Table: "public.items"},
		key:     []string{"id"},
		columns: []connector.Column{column("id", arrow.PrimitiveTypes.Int64), column("name", arrow.BinaryTypes.String), column("n", arrow.PrimitiveTypes.Int32)},
	}
}

// begin begins a load that ends with the test at the latest.
func (b *bundle) begin(spec warehouse.Spec) warehouse.Load {
	b.t.Helper()
	l, err := b.w.Load(b.t.Context(), spec)
	if err != nil {
		b.t.Fatalf("load: %v", err)
	}
	b.t.Cleanup(func() { _ = l.Close() })
	return l
}

// put writes the batches in one load and checks what it changed.
func (b *bundle) put(spec warehouse.Spec, position connector.Position, want warehouse.Counts, batches ...connector.Batch) {
	b.t.Helper()
	l := b.begin(spec)
	b.write(l, batches...)
	b.finish(l, position, want)
}

func (b *bundle) write(l warehouse.Load, batches ...connector.Batch) {
	b.t.Helper()
	for _, batch := range batches {
		if err := l.Write(b.t.Context(), batch); err != nil {
			b.t.Fatalf("write: %v", err)
		}
	}
}

func (b *bundle) commit(l warehouse.Load, position connector.Position, want warehouse.Counts) {
	b.t.Helper()
	got, err := l.Commit(b.t.Context(), position)
	if err != nil {
		b.t.Fatalf("commit: %v", err)
	}
	if got != want {
		b.t.Errorf("commit changed %+v, want %+v", got, want)
	}
}

func (b *bundle) finish(l warehouse.Load, position connector.Position, want warehouse.Counts) {
	b.t.Helper()
	got, err := l.Finish(b.t.Context(), position)
	if err != nil {
		b.t.Fatalf("finish: %v", err)
	}
	if got != want {
		b.t.Errorf("finish changed %+v, want %+v", got, want)
	}
	if err := l.Close(); err != nil {
		b.t.Errorf("close the load: %v", err)
	}
}

func (b *bundle) describe(name warehouse.Name) warehouse.State {
	b.t.Helper()
	s, err := b.w.Describe(b.t.Context(), name)
	if err != nil {
		b.t.Fatalf("describe: %v", err)
	}
	return s
}

func quote(s string) string { return `"` + strings.ReplaceAll(s, `"`, `""`) + `"` }

func sqlName(n warehouse.Name) string { return quote(n.Schema) + "." + quote(n.Table) }

// rows gives the alive rows as text, a line each, in the order of the first
// columns.
func (b *bundle) rows(tb table, columns ...string) []string {
	b.t.Helper()
	quoted := make([]string, len(columns))
	for i, c := range columns {
		quoted[i] = quote(c)
	}
	return b.query(fmt.Sprintf("SELECT %s FROM %s WHERE %s IS NULL ORDER BY ALL",
		strings.Join(quoted, ", "), sqlName(tb.name), quote(warehouse.DeletedAt)))
}

func (b *bundle) query(sql string) []string {
	b.t.Helper()
	r, err := b.w.Query(b.t.Context(), sql, 1000)
	if err != nil {
		b.t.Fatalf("query %s: %v", sql, err)
	}
	return lines(r)
}

func lines(r warehouse.Result) []string {
	out := make([]string, len(r.Rows))
	for i, row := range r.Rows {
		parts := make([]string, len(row))
		for j, v := range row {
			parts[j] = show(v)
		}
		out[i] = strings.Join(parts, "|")
	}
	return out
}

func show(v any) string {
	switch v := v.(type) {
	case nil:
		return "NULL"
	case string:
		return "'" + v + "'"
	}
	return fmt.Sprint(v)
}

func (b *bundle) want(got []string, want ...string) {
	b.t.Helper()
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		b.t.Errorf("got rows\n  %s\nwant\n  %s", strings.Join(got, "\n  "), strings.Join(want, "\n  "))
	}
}
