package duckdb_test

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"strconv"
	"testing"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/decimal128"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/regrant/regrant/connector"
	"github.com/regrant/regrant/internal/warehouse"
	"github.com/regrant/regrant/internal/warehouse/duckdb"
)

// BenchmarkPipe loads 2 M rows of 12 columns, committing as a pull does, and
// tells rows/s and what the process took at most over idle. Settings come by
// REGRANT_BENCH_ROWS, _COMMIT (rows), _MEMORY and _THREADS.
func BenchmarkPipe(b *testing.B) {
	rows, commit := number("ROWS", 2_000_000), number("COMMIT", 250_000)
	for b.Loop() {
		w, path := openBenchAt(b)
		idle := resident(b, "VmRSS")
		took := pour(b, w, order(), rows, commit)
		b.ReportMetric(float64(rows)/took.Seconds(), "rows/s")
		b.ReportMetric(float64(idle), "idle-MB")
		b.ReportMetric(float64(resident(b, "VmHWM")-idle), "peak-MB-over-idle")
		begin := time.Now()
		if err := w.Close(); err != nil {
			b.Fatal(err)
		}
		b.ReportMetric(float64(time.Since(begin).Milliseconds()), "close-ms")
		if info, err := os.Stat(path); err == nil {
			b.ReportMetric(float64(info.Size()>>20), "file-MB")
		}
	}
}

// BenchmarkSmallCommit upserts 1,000 rows into a table of 5 M.
func BenchmarkSmallCommit(b *testing.B) {
	w := openBench(b)
	defer w.Close()
	rows := number("ROWS", 5_000_000)
	spec := order()
	pour(b, w, spec, rows, 250_000)
	l, err := w.Load(b.Context(), spec)
	if err != nil {
		b.Fatal(err)
	}
	defer l.Close()
	for _, kind := range []string{"newest", "scattered", "new"} {
		b.Run(kind, func(b *testing.B) {
			for b.Loop() {
				b.StopTimer()
				from, step := rows-1000, 1
				switch kind {
				case "scattered":
					from, step = 7, rows/1000
				case "new":
					from, rows = rows, rows+1000
				}
				batch := orders(from, 1000, step)
				b.StartTimer()
				put(b, l, batch)
				if _, err := l.Commit(b.Context(), "p"); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func put(b *testing.B, l warehouse.Load, r arrow.RecordBatch) {
	b.Helper()
	if err := l.Write(b.Context(), connector.Batch{Record: r}); err != nil {
		b.Fatal(err)
	}
}

func openBench(b *testing.B) warehouse.Warehouse {
	b.Helper()
	w, _ := openBenchAt(b)
	return w
}

func openBenchAt(b *testing.B) (warehouse.Warehouse, string) {
	b.Helper()
	path := filepath.Join(b.TempDir(), "bench.duckdb")
	w, err := duckdb.Open(b.Context(), duckdb.Config{
		Path:        path,
		MemoryLimit: os.Getenv("REGRANT_BENCH_MEMORY"),
		Threads:     number("THREADS", 0),
	})
	if err != nil {
		b.Fatal(err)
	}
	return w, path
}

// pour gives the time that the warehouse took, without that of making rows.
func pour(b *testing.B, w warehouse.Warehouse, spec warehouse.Spec, rows, commit int) (took time.Duration) {
	b.Helper()
	l, err := w.Load(b.Context(), spec)
	if err != nil {
		b.Fatal(err)
	}
	defer l.Close()
	const piece = 16_384
	pending := 0
	for from := 0; from < rows; from += piece {
		r := orders(from, min(piece, rows-from), 1)
		begin := time.Now()
		put(b, l, r)
		if pending += piece; pending >= commit || l.Pending().Bytes >= 32<<20 {
			if _, err := l.Commit(b.Context(), connector.Position(strconv.Itoa(from))); err != nil {
				b.Fatal(err)
			}
			pending = 0
		}
		took += time.Since(begin)
	}
	begin := time.Now()
	if _, err := l.Finish(b.Context(), "end"); err != nil {
		b.Fatal(err)
	}
	return took + time.Since(begin)
}

func order() warehouse.Spec {
	t := arrow.PrimitiveTypes
	stamp := &arrow.TimestampType{Unit: arrow.Microsecond, TimeZone: "UTC"}
	spec := warehouse.Spec{Name: warehouse.Name{Schema: "shop", Table: "public.orders"}, Key: []string{"id"}}
	for _, c := range []struct {
		name   string
		t      arrow.DataType
		source string
	}{
		{"id", t.Int64, "bigint"}, {"customer", t.Int64, "bigint"}, {"quantity", t.Int32, "integer"}, {"price", &arrow.Decimal128Type{Precision: 12, Scale: 2}, "numeric(12,2)"},
		{"status", arrow.BinaryTypes.String, "text"}, {"email", arrow.BinaryTypes.String, "text"}, {"note", arrow.BinaryTypes.String, "text"}, {"paid", arrow.FixedWidthTypes.Boolean, "boolean"},
		{"created", stamp, "timestamptz"}, {"updated", stamp, "timestamptz"}, {"day", arrow.FixedWidthTypes.Date32, "date"}, {"detail", arrow.BinaryTypes.String, "jsonb"},
	} {
		spec.Columns = append(spec.Columns, connector.Column{Name: c.name, Type: c.t, SourceType: c.source})
	}
	return spec
}

func orders(from, n, step int) arrow.RecordBatch {
	spec := order()
	b := array.NewRecordBuilder(memory.DefaultAllocator, connector.Table{Columns: spec.Columns}.Schema([]string{"id", "customer", "quantity", "price", "status", "email", "note", "paid", "created", "updated", "day", "detail"}))
	defer b.Release()
	states := [...]string{"new", "paid", "sent", "returned"}
	buf := make([]byte, 0, 64)
	for i := range n {
		id := from + i*step
		h := uint32(id) * 2654435761
		b.Field(0).(*array.Int64Builder).Append(int64(id))
		b.Field(1).(*array.Int64Builder).Append(int64(h % 100_000))
		b.Field(2).(*array.Int32Builder).Append(int32(h % 9))
		b.Field(3).(*array.Decimal128Builder).Append(decimal128.FromI64(int64(h % 1_000_000)))
		b.Field(4).(*array.StringBuilder).Append(states[h%4])
		buf = append(strconv.AppendUint(append(buf[:0], "customer-"...), uint64(h%100_000), 10), "@example.com"...)
		b.Field(5).(*array.StringBuilder).Append(string(buf))
		if h%5 == 0 {
			buf = strconv.AppendUint(append(buf[:0], "please ring twice, "...), uint64(h), 36)
			b.Field(6).(*array.StringBuilder).Append(string(buf))
		} else {
			b.Field(6).AppendNull()
		}
		b.Field(7).(*array.BooleanBuilder).Append(h%3 == 0)
		b.Field(8).(*array.TimestampBuilder).Append(arrow.Timestamp(1_700_000_000_000_000 + int64(id)*1_000_003))
		b.Field(9).(*array.TimestampBuilder).Append(arrow.Timestamp(1_700_000_000_000_000 + int64(h)*1_000))
		b.Field(10).(*array.Date32Builder).Append(arrow.Date32(19_000 + id/5000))
		buf = append(strconv.AppendUint(append(buf[:0], `{"gift": true, "code": `...), uint64(h), 10), '}')
		b.Field(11).(*array.StringBuilder).Append(string(buf))
	}
	return b.NewRecordBatch()
}

func number(name string, fallback int) int {
	n, err := strconv.Atoi(os.Getenv("REGRANT_BENCH_" + name))
	if err != nil {
		return fallback
	}
	return n
}

// resident is a line of /proc/self/status in MB, 0 where there is none.
func resident(b *testing.B, line string) int {
	b.Helper()
	runtime.GC()
	debug.FreeOSMemory()
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0
	}
	for l := range bytes.Lines(status) {
		var kb int
		if _, err := fmt.Sscanf(string(l), line+": %d kB", &kb); err == nil {
			return kb >> 10
		}
	}
	return 0
}
