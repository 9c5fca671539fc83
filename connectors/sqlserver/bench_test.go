package sqlserver

import (
	"fmt"
	"testing"

	"github.com/regrant/regrant/connector"
	"github.com/regrant/regrant/internal/testservers/tds"
)

// BenchmarkRead reads a table as fast as the fake can send it; the fake's own
// work is in the figure.
func BenchmarkRead(b *testing.B) {
	const rows = 100_000
	table := &tds.Table{Schema: "dbo", Name: "t", Columns: []tds.TableColumn{column("id", "bigint", notNull), column("customer", "int"), column("total", "decimal(12,2)"),
		column("state", "varchar(20)"), column("note", "nvarchar(100)"), column("at", "datetime2(6)")}}
	now := tds.Now()
	for i := range int64(rows) {
		table.Rows = append(table.Rows, []any{i, i % 1000, decimal(i*7, 2), "shipped", fmt.Sprintf("note %d", i), now})
	}
	s := setup(b, table).open()
	req := request(tableOf(b, s, "dbo.t"), connector.FullTable, "")
	for b.Loop() {
		n := int64(0)
		for batch, err := range s.Read(b.Context(), req) {
			if err != nil {
				b.Fatal(err)
			}
			if batch.Record != nil {
				n += batch.Record.NumRows()
			}
			batch.Release()
		}
		if n != rows {
			b.Fatalf("%d rows", n)
		}
	}
	b.ReportMetric(float64(rows)*float64(b.N)/b.Elapsed().Seconds(), "rows/s")
}
