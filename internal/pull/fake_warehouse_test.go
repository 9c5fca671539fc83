package pull_test

import (
	"context"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"

	"github.com/regrant/regrant/connector"
	"github.com/regrant/regrant/internal/warehouse"
)

// store is a warehouse in memory for tables of whole numbers with the key
// "id" or none. at is called at each boundary and can make it fail there.
type store struct {
	mu     sync.Mutex
	tables map[warehouse.Name]*held
	at     func(point string) error
	loads  int
	writes int // commits that wrote
}

type held struct {
	rows     map[int64]map[string]int64
	deleted  map[int64]bool
	columns  []string
	position connector.Position
	point    time.Time
}

func newStore() *store { return &store{tables: map[warehouse.Name]*held{}} }

func (s *store) pass(point string) error {
	if s.at == nil {
		return nil
	}
	return s.at(point)
}

func (s *store) Describe(_ context.Context, name warehouse.Name) (warehouse.State, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.pass("describe"); err != nil {
		return warehouse.State{}, err
	}
	h := s.tables[name]
	if h == nil {
		return warehouse.State{}, nil
	}
	state := warehouse.State{Exists: true, Rows: int64(len(h.rows) - len(h.deleted)), Deleted: int64(len(h.deleted)), Position: h.position, LastPoint: h.point}
	for _, c := range h.columns {
		state.Columns = append(state.Columns, warehouse.Column{Name: c, Type: "BIGINT"})
	}
	return state, nil
}

func (s *store) SetPosition(_ context.Context, name warehouse.Name, p connector.Position) error {
	s.tables[name].position = p
	return nil
}
func (s *store) Drop(_ context.Context, name warehouse.Name) error {
	delete(s.tables, name)
	return nil
}
func (s *store) DropSchema(context.Context, string) error { return nil }
func (s *store) Query(context.Context, string, int) (warehouse.Result, error) {
	return warehouse.Result{}, nil
}
func (s *store) Check(context.Context) error { return s.pass("check") }
func (s *store) Close() error                { return nil }

func (s *store) Load(_ context.Context, spec warehouse.Spec) (warehouse.Load, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.pass("load"); err != nil {
		return nil, err
	}
	s.loads++
	h := s.tables[spec.Name]
	if h == nil {
		h = &held{rows: map[int64]map[string]int64{}, deleted: map[int64]bool{}}
		s.tables[spec.Name] = h
	}
	for _, c := range spec.Columns {
		if !slices.Contains(h.columns, c.Name) {
			h.columns = append(h.columns, c.Name)
		}
	}
	l := &fakeLoad{store: s, spec: spec, h: h}
	if spec.Replace {
		l.shadow = &held{rows: map[int64]map[string]int64{}, deleted: map[int64]bool{}, columns: h.columns}
	}
	return l, nil
}

type fakeLoad struct {
	*store
	spec    warehouse.Spec
	h       *held
	shadow  *held
	pending []func(h *held, c *warehouse.Counts)
	volume  warehouse.Volume
	failed  bool
}

func values(r arrow.RecordBatch) []map[string]int64 {
	out := make([]map[string]int64, r.NumRows())
	for n := range out {
		out[n] = map[string]int64{}
		for c, f := range r.Schema().Fields() {
			out[n][f.Name] = r.Column(c).(*array.Int64).Value(n)
		}
	}
	return out
}

func (l *fakeLoad) add(rows int64, f func(*held, *warehouse.Counts)) {
	l.volume.Rows += rows
	l.volume.Bytes += rows * 32
	l.pending = append(l.pending, f)
}

func (l *fakeLoad) Write(_ context.Context, b connector.Batch) error {
	defer b.Release()
	if err := l.pass("write"); err != nil {
		l.failed = true
		return err
	}
	if b.Record == nil {
		return nil
	}
	rows := values(b.Record)
	l.add(int64(len(rows)), func(h *held, c *warehouse.Counts) {
		for _, r := range rows {
			id := r["id"]
			if len(l.spec.Key) == 0 {
				id = int64(len(h.rows)) + 1
			}
			if _, there := h.rows[id]; there && !h.deleted[id] {
				c.Updated++
			} else {
				c.Inserted++
			}
			h.rows[id] = r
			delete(h.deleted, id)
		}
	})
	return nil
}

func (l *fakeLoad) Update(_ context.Context, b connector.Batch) error {
	defer b.Release()
	if err := l.pass("update"); err != nil {
		l.failed = true
		return err
	}
	if b.Record == nil {
		return nil
	}
	rows := values(b.Record)
	l.add(int64(len(rows)), func(h *held, c *warehouse.Counts) {
		for _, r := range rows {
			old, ok := h.rows[r["id"]]
			if !ok {
				continue
			}
			merged := maps.Clone(old)
			maps.Copy(merged, r)
			if !maps.Equal(old, merged) {
				c.Updated++
				h.rows[r["id"]] = merged
			}
		}
	})
	return nil
}

func bound(r arrow.RecordBatch) (int64, bool) {
	if r == nil {
		return 0, false
	}
	return r.Column(0).(*array.Int64).Value(0), true
}

func (l *fakeLoad) Missing(_ context.Context, b connector.Batch, limit int) (arrow.RecordBatch, bool, error) {
	if err := l.pass("missing"); err != nil {
		return nil, false, err
	}
	have := map[int64]bool{}
	for _, r := range values(b.Record) {
		have[r["id"]] = true
	}
	after, hasAfter := bound(b.Complete.After)
	through, hasThrough := bound(b.Complete.Through)
	var gone []row
	for _, id := range slices.Sorted(maps.Keys(l.h.rows)) {
		if l.h.deleted[id] || have[id] || hasAfter && id <= after || hasThrough && id > through {
			continue
		}
		gone = append(gone, row{id: id})
	}
	truncated := len(gone) > limit
	return record([]string{"id"}, gone[:min(limit, len(gone))]), truncated, nil
}

func (l *fakeLoad) Delete(_ context.Context, keys arrow.RecordBatch) error {
	rows := values(keys)
	l.add(int64(len(rows)), func(h *held, c *warehouse.Counts) {
		for _, r := range rows {
			if _, ok := h.rows[r["id"]]; ok && !h.deleted[r["id"]] {
				h.deleted[r["id"]] = true
				c.Deleted++
			}
		}
	})
	return nil
}

func (l *fakeLoad) Pending() warehouse.Volume { return l.volume }

func (l *fakeLoad) Commit(_ context.Context, p connector.Position) (warehouse.Counts, error) {
	return l.commit(p, false)
}

func (l *fakeLoad) Finish(_ context.Context, p connector.Position) (warehouse.Counts, error) {
	return l.commit(p, true)
}

func (l *fakeLoad) commit(p connector.Position, last bool) (c warehouse.Counts, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.failed {
		panic("a failed load is used again")
	}
	l.failed = true
	if err := l.pass("commit"); err != nil {
		return c, err
	}
	l.writes++
	into := l.h
	if l.shadow != nil {
		into = l.shadow
	}
	for _, f := range l.pending {
		f(into, &c)
	}
	l.pending, l.volume = nil, warehouse.Volume{}
	if l.shadow == nil || last {
		into.position, into.point = p, time.Now()
		l.tables[l.spec.Name] = into
	}
	if err := l.pass("committed"); err != nil { // it is done, but nobody heard
		return c, err
	}
	l.failed = false
	return c, nil
}

func (l *fakeLoad) Close() error { return nil }
