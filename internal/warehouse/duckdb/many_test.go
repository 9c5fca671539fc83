package duckdb_test

import (
	"fmt"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/regrant/regrant/connector"
	"github.com/regrant/regrant/internal/warehouse"
)

// BenchmarkManyTables describes and loads one of many tables, as an update
// of an account with 24 integrations of 100 tables does for each.
func BenchmarkManyTables(b *testing.B) {
	w := openBench(b)
	defer w.Close()
	spec := warehouse.Spec{Key: []string{"c0"}}
	for i := range 30 {
		spec.Columns = append(spec.Columns, connector.Column{Name: fmt.Sprintf("c%d", i), Type: arrow.PrimitiveTypes.Int64})
	}
	tables := number("TABLES", 2400)
	for i := range tables {
		spec.Name = warehouse.Name{Schema: fmt.Sprintf("shop%d", i%24), Table: fmt.Sprintf("public.table%d", i)}
		l, err := w.Load(b.Context(), spec)
		if err != nil {
			b.Fatal(err)
		}
		if err := l.Close(); err != nil {
			b.Fatal(err)
		}
	}
	b.Run("describe", func(b *testing.B) {
		for b.Loop() {
			if s, err := w.Describe(b.Context(), spec.Name); err != nil || !s.Exists {
				b.Fatal(s, err)
			}
		}
	})
	b.Run("load", func(b *testing.B) {
		for b.Loop() {
			l, err := w.Load(b.Context(), spec)
			if err != nil {
				b.Fatal(err)
			}
			_ = l.Close()
		}
	})
	b.ReportMetric(float64(resident(b, "VmRSS")), "MB")
}
