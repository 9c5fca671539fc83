package warehousetest

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/regrant/regrant/connector"
	"github.com/regrant/regrant/internal/warehouse"
)

func togetherTests() []test {
	return []test{
		{"loads of different tables", testConcurrentLoads},
		{"loads of one table wait", testSameTable},
		{"queries during a load", testQueriesDuringLoad},
		{"a cancelled commit", testCancelledCommit},
		{"more than fits in memory", testBigPending},
	}
}

// numbers are rows with the keys from, from+1, …
func numbers(tb table, from, n int, name string) connector.Batch {
	b := array.NewRecordBuilder(memory.DefaultAllocator, tb.schema())
	defer b.Release()
	for i := range n {
		b.Field(0).(*array.Int64Builder).Append(int64(from + i))
		b.Field(1).(*array.StringBuilder).Append(fmt.Sprintf("%s %d", name, from+i))
		b.Field(2).(*array.Int32Builder).Append(int32(i))
	}
	return connector.Batch{Record: b.NewRecordBatch()}
}

func testConcurrentLoads(b *bundle) {
	const tables, commits, rows = 6, 8, 300
	var all sync.WaitGroup
	failed := make(chan error, tables)
	for i := range tables {
		tb := items()
		tb.name.Table = fmt.Sprintf("t%d", i)
		all.Go(func() { failed <- b.pour(tb, commits, rows) })
	}
	all.Wait()
	for range tables {
		if err := <-failed; err != nil {
			b.t.Error(err)
		}
	}
	for i := range tables {
		s := b.describe(warehouse.Name{Schema: "shop", Table: fmt.Sprintf("t%d", i)})
		if s.Rows != commits*rows || s.Position != connector.Position(fmt.Sprint(commits-1)) {
			b.t.Errorf("table %d has %d rows at %q", i, s.Rows, s.Position)
		}
	}
}

func (b *bundle) pour(tb table, commits, rows int) error {
	ctx := b.t.Context()
	l, err := b.w.Load(ctx, tb.spec())
	if err != nil {
		return err
	}
	for i := range commits {
		if err := l.Write(ctx, numbers(tb, i*rows, rows, tb.name.Table)); err != nil {
			return errors.Join(err, l.Close())
		}
		if _, err := l.Commit(ctx, connector.Position(fmt.Sprint(i))); err != nil {
			return errors.Join(err, l.Close())
		}
	}
	return l.Close()
}

func testSameTable(b *bundle) {
	tb := items()
	l := b.begin(tb.spec())
	ctx, cancel := context.WithTimeout(b.t.Context(), 20*time.Millisecond)
	defer cancel()
	if second, err := b.w.Load(ctx, tb.spec()); !errors.Is(err, context.DeadlineExceeded) {
		b.t.Errorf("a second load of the table gives %v, %v", second, err)
	}
	got := make(chan error, 1)
	go func() { got <- b.pour(tb, 1, 10) }()
	b.write(l, tb.batch([]any{1000, "first", 0}))
	b.finish(l, "p", counts{Inserted: 1})
	if err := <-got; err != nil {
		b.t.Error(err)
	}
	if s := b.describe(tb.name); s.Rows != 11 || s.Position != "0" {
		b.t.Errorf("the state is %+v", s)
	}
}

func testQueriesDuringLoad(b *bundle) {
	tb := items()
	const commits, rows = 30, 200
	b.put(tb.spec(), "", counts{})
	done := make(chan error, 1)
	go func() { done <- b.pour(tb, commits, rows) }()
	for {
		// What is read is always whole commits.
		r, err := b.w.Query(b.t.Context(), "select count(*), count(distinct id) from "+sqlName(tb.name), 1)
		if err != nil {
			b.t.Errorf("query: %v", err)
		} else if n := r.Rows[0][0].(int64); n%rows != 0 || r.Rows[0][1] != n {
			b.t.Errorf("a query saw %v rows", r.Rows[0])
		}
		select {
		case err := <-done:
			if err != nil {
				b.t.Error(err)
			}
			return
		default:
		}
	}
}

func testCancelledCommit(b *bundle) {
	tb := items()
	l := b.begin(tb.spec())
	b.write(l, tb.batch([]any{1, "a", 1}))
	b.commit(l, "p", counts{Inserted: 1})
	b.write(l, tb.batch([]any{2, "b", 1}))
	ctx, cancel := context.WithCancel(b.t.Context())
	cancel()
	if _, err := l.Commit(ctx, "q"); err == nil {
		b.t.Error("the cancelled commit passed")
	}
	_ = l.Close()
	if s := b.describe(tb.name); s.Rows != 1 || s.Position != "p" {
		b.t.Errorf("the state is %+v", s)
	}
	b.put(tb.spec(), "q", counts{Inserted: 1}, tb.batch([]any{2, "b", 1}))
}

// testBigPending writes far more in one commit than may be kept in memory.
func testBigPending(b *bundle) {
	tb := items()
	tb.columns = append(append([]connector.Column{}, tb.columns...), column("pad", arrow.BinaryTypes.String))
	l := b.begin(tb.spec())
	const batches, rows = 40, 30_000
	for i := range batches {
		b.write(l, padded(tb, (i*rows)%(batches*rows/2), rows, i))
	}
	// Keys come twice; the later ones win.
	if _, err := l.Finish(b.t.Context(), "p"); err != nil {
		b.t.Fatal(err)
	}
	b.want(b.query("select count(*), count(distinct id), min(n), max(n) from "+sqlName(tb.name)), fmt.Sprintf("%d|%d|%d|%d", batches*rows/2, batches*rows/2, batches/2, batches-1))
}

func padded(tb table, from, n, mark int) connector.Batch {
	b := array.NewRecordBuilder(memory.DefaultAllocator, tb.schema())
	defer b.Release()
	for i := range n {
		b.Field(0).(*array.Int64Builder).Append(int64(from + i))
		b.Field(1).(*array.StringBuilder).Append("x")
		b.Field(2).(*array.Int32Builder).Append(int32(mark))
		b.Field(3).(*array.StringBuilder).Append(fmt.Sprintf("%0120d", from*7919+i*mark))
	}
	return connector.Batch{Record: b.NewRecordBatch()}
}
