package sqlkit

import (
	"context"
	"errors"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/regrant/regrant/connector"

	"github.com/apache/arrow-go/v18/arrow"
)

// counted produces the numbers below n and counts what is dropped.
func counted(n int, end error, dropped *atomic.Int64) (func(context.Context, func(int) error) error, func(int)) {
	produce := func(_ context.Context, emit func(int) error) error {
		for i := range n {
			if err := emit(i); err != nil {
				return err
			}
		}
		return end
	}
	return produce, func(int) { dropped.Add(1) }
}

func TestAhead(t *testing.T) {
	defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
	broken := errors.New("broken")
	for _, c := range []struct {
		name string
		n    int
		end  error
		stop int // the consumer stops after so many; -1: never
		want []int
		err  error
	}{
		{"nothing", 0, nil, -1, nil, nil},
		{"to the end", 3, nil, -1, []int{0, 1, 2}, nil},
		{"a failure after all pieces", 3, broken, -1, []int{0, 1, 2}, broken},
		{"stopped early", 100, broken, 2, []int{0, 1}, nil},
		{"stopped at the first", 100, nil, 1, []int{0}, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			var dropped atomic.Int64
			produce, drop := counted(c.n, c.end, &dropped)
			var got []int
			var failed error
			for v, err := range Ahead(t.Context(), produce, drop) {
				if err != nil {
					failed = err
					continue
				}
				if got = append(got, v); len(got) == c.stop {
					break
				}
			}
			if !slices.Equal(got, c.want) || !errors.Is(failed, c.err) {
				t.Errorf("got %v, %v", got, failed)
			}
			if c.stop < 0 && dropped.Load() != 0 {
				t.Errorf("%d pieces were dropped", dropped.Load())
			}
			if c.stop > 0 && dropped.Load() == 0 {
				t.Error("the pieces that nobody took were not dropped")
			}
		})
	}
}

// TestAheadCancelled: no piece comes after the context has ended, and the end
// is an error, because pieces are missing.
func TestAheadCancelled(t *testing.T) {
	defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var dropped atomic.Int64
	produce, drop := counted(3, nil, &dropped)
	var got []int
	var failed error
	for v, err := range Ahead(ctx, produce, drop) {
		if err != nil {
			failed = err
			continue
		}
		got = append(got, v)
		cancel()
	}
	if !slices.Equal(got, []int{0}) || !errors.Is(failed, context.Canceled) || dropped.Load() != 2 {
		t.Errorf("got %v, %v, %d dropped", got, failed, dropped.Load())
	}
}

// TestAheadIsAhead: the next piece is made while the consumer has the last one.
func TestAheadIsAhead(t *testing.T) {
	made := make(chan int, 3)
	produce := func(_ context.Context, emit func(int) error) error {
		for i := range 3 {
			made <- i
			if err := emit(i); err != nil {
				return err
			}
		}
		return nil
	}
	for v := range Ahead(t.Context(), produce, func(int) {}) {
		if v == 0 {
			for want := range 2 {
				if got := <-made; got != want {
					t.Fatalf("made %d, want %d", got, want)
				}
			}
		}
	}
}

func TestPageSize(t *testing.T) {
	t.Parallel()
	var p PageSize
	first := p.Rows()
	p.Took(100*time.Millisecond, 1<<20)
	if p.Rows() != 2*first {
		t.Errorf("after a quick page: %d", p.Rows())
	}
	for range 10 {
		p.Took(100*time.Millisecond, 1<<20)
	}
	if p.Rows() != largePage {
		t.Errorf("at most: %d", p.Rows())
	}
	p.Took(10*time.Second, 1<<20)
	if p.Rows() != largePage/2 {
		t.Errorf("after a slow page: %d", p.Rows())
	}
	p.Took(2*time.Second, 1<<20)
	if p.Rows() != largePage/2 {
		t.Errorf("after a page that was neither: %d", p.Rows())
	}
	for range 10 {
		p.Failed()
	}
	if p.Rows() != smallPage {
		t.Errorf("at least: %d", p.Rows())
	}
}

func TestOffer(t *testing.T) {
	t.Parallel()
	moment := &arrow.TimestampType{Unit: arrow.Microsecond, TimeZone: "UTC"}
	date := func(name string, indexed, nullable bool) connector.Column {
		return connector.Column{Name: name, Type: moment, Indexed: indexed, Nullable: nullable}
	}
	key := connector.Column{Name: "id", Type: arrow.PrimitiveTypes.Int64, Indexed: true}
	for _, c := range []struct {
		name  string
		shape Shape
		first connector.Replication
		has   []connector.Replication
		lacks connector.Method
	}{
		{"a date of change with an index", Shape{Key: []string{"id"}, AutoIncrement: "id", EstimatedRows: 9e9, Columns: []connector.Column{key, date("created_at", true, false), date("updated_at", true, false)}},
			connector.Replication{Method: connector.ModifiedAt, Column: "updated_at"}, []connector.Replication{{Method: connector.AddDate, Column: "created_at"}, {Method: connector.AutoIncrement, Column: "id"}}, ""},
		{"the indexed of two", Shape{Key: []string{"id"}, Columns: []connector.Column{date("modified", false, false), date("last_update", true, false)}},
			connector.Replication{Method: connector.ModifiedAt, Column: "last_update"}, nil, connector.AutoIncrement},
		{"what the database keeps true", Shape{Key: []string{"id"}, Touched: map[string]bool{"stand": true}, Columns: []connector.Column{date("updated_at", true, false), date("stand", false, false)}},
			connector.Replication{Method: connector.ModifiedAt, Column: "stand"}, nil, ""},
		{"a large table without an index", Shape{Key: []string{"id"}, AutoIncrement: "id", EstimatedRows: 9e9, Columns: []connector.Column{key, date("updated_at", false, false)}},
			connector.Replication{Method: connector.AutoIncrement, Column: "id"}, []connector.Replication{{Method: connector.ModifiedAt, Column: "updated_at"}}, ""},
		{"a date that may be empty", Shape{Key: []string{"id"}, Columns: []connector.Column{date("updated_at", true, true)}},
			connector.Replication{Method: connector.PrimaryKeyBatch}, []connector.Replication{{Method: connector.ModifiedAt, Column: "updated_at"}}, ""},
		{"no key", Shape{Columns: []connector.Column{date("updated_at", true, false)}},
			connector.Replication{Method: connector.FullTable}, nil, connector.ModifiedAt},
	} {
		offers := Offer(c.shape)
		has := func(want connector.Replication) bool {
			return slices.ContainsFunc(offers, func(o connector.Replication) bool { return o.Method == want.Method && o.Column == want.Column })
		}
		if offers[0].Method != c.first.Method || offers[0].Column != c.first.Column {
			t.Errorf("%s: first is %v", c.name, offers[0])
		}
		for _, want := range c.has {
			if !has(want) {
				t.Errorf("%s: lacks %v", c.name, want)
			}
		}
		if slices.ContainsFunc(offers, func(o connector.Replication) bool { return o.Method == c.lacks || o.Reason == "" }) {
			t.Errorf("%s: offers %v", c.name, offers)
		}
		if last := offers[len(offers)-1].Method; last != connector.Paused {
			t.Errorf("%s: the last is %s", c.name, last)
		}
	}
}
