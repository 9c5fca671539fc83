package pull_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"maps"
	"slices"
	"sync"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/regrant/regrant/connector"
	"github.com/regrant/regrant/internal/integration"
)

// row is a row of a third party's table.
type row struct{ id, value, modified, added int64 }

// shop is a third party in memory: it really keeps positions, follows every
// method, and fails when told to.
type shop struct {
	mu          sync.Mutex
	tables      map[string]map[int64]row
	clock       int64
	fingerprint string
	columns     []string // offered, beside id
	key         []string
	perBatch    int
	denied      string // column
	hidden      bool   // a policy hides all rows
	faults      map[string]*connector.Fault
	checkErr    error
	failAfter   int // batches of a Read; 0: never
	failWith    error
	panics      bool
	exists      func(id int64) (bool, bool) // overrides Exists
	opened      int
	reads       int
	rowsRead    int
	inUse       int // calls at once; a Source is used by one goroutine
	tallyErr    error
	onBatch     func(n int)
}

func newShop(tables ...string) *shop {
	s := &shop{tables: map[string]map[int64]row{}, fingerprint: "shop-1", columns: []string{"value", "modified", "added"},
		key: []string{"id"}, perBatch: 7, faults: map[string]*connector.Fault{}}
	for _, t := range tables {
		s.tables[t] = map[int64]row{}
	}
	return s
}

func (s *shop) insert(table string, id int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.clock++
	s.tables[table][id] = row{id: id, value: s.clock, modified: s.clock, added: s.clock}
}

func (s *shop) update(table string, id int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.clock++
	r := s.tables[table][id]
	r.value, r.modified = s.clock, s.clock
	s.tables[table][id] = r
}

func (s *shop) delete(table string, id int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.tables[table], id)
}

func (s *shop) fill(table string, n int) *shop {
	for id := range int64(n) {
		s.insert(table, id+1)
	}
	return s
}

// Open fills pull.Sources.
func (s *shop) Open(context.Context, integration.Integration, string, string) (connector.Source, error) {
	s.opened++
	return &shopSource{s}, nil
}

type shopSource struct{ *shop }

func (s *shopSource) Check(context.Context) (connector.Identity, error) {
	if s.checkErr != nil {
		return connector.Identity{}, s.checkErr
	}
	return connector.Identity{Fingerprint: s.fingerprint, Account: s.fingerprint}, nil
}

func (s *shopSource) Close() error { return nil }

func (s *shopSource) Tables(context.Context) ([]connector.Table, error) {
	var all []connector.Table
	for _, name := range slices.Sorted(maps.Keys(s.tables)) {
		all = append(all, s.table(name))
	}
	return all, nil
}

func (s *shop) table(name string) connector.Table {
	t := connector.Table{Name: name, Key: s.key, EstimatedRows: int64(len(s.tables[name])), Fault: s.faults[name],
		Replications: []connector.Replication{{Method: connector.ModifiedAt, Column: "modified"}, {Method: connector.FullTable}}}
	for _, c := range append([]string{"id"}, s.columns...) {
		t.Columns = append(t.Columns, connector.Column{Name: c, SourceType: "bigint", Type: arrow.PrimitiveTypes.Int64, Denied: c == s.denied})
	}
	return t
}

// cursor is the shop's position.
type cursor struct {
	A    int64           `json:"a"` // first part of the keyset
	ID   int64           `json:"id"`
	Next int64           `json:"next"` // range of a key batch
	Sums map[int64]int64 `json:"sums"`
}

func (s *shopSource) Read(ctx context.Context, q connector.Request) iter.Seq2[connector.Batch, error] {
	return func(yield func(connector.Batch, error) bool) {
		s.enter()
		defer s.leave()
		s.reads++
		n := 0
		s.each(q)(func(b connector.Batch) bool {
			if err := s.fail(ctx, n); err != nil {
				b.Release()
				yield(connector.Batch{}, err)
				return false
			}
			n++
			if s.onBatch != nil {
				s.onBatch(n)
			}
			if b.Record != nil && q.Pass == connector.PassRows {
				s.rowsRead += int(b.Record.NumRows())
			}
			return yield(b, nil)
		})
	}
}

func (s *shop) fail(ctx context.Context, n int) error {
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case s.failAfter > 0 && n >= s.failAfter-1 && s.panics:
		panic("index out of range")
	case s.failAfter > 0 && n >= s.failAfter-1:
		return s.failWith
	}
	return nil
}

func (s *shop) enter() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.inUse++; s.inUse > 1 {
		panic("a source is used by two goroutines")
	}
}

func (s *shop) leave() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.inUse--
}

// each gives the batches of a request.
func (s *shopSource) each(q connector.Request) func(yield func(connector.Batch) bool) {
	switch {
	case q.Pass == connector.PassKeys:
		return s.keys(q)
	case q.Pass == connector.PassColumns:
		return s.keyset(q, q.Resume, func(r row) int64 { return 0 })
	}
	switch q.Replication.Method {
	case connector.ModifiedAt:
		return s.keyset(q, q.Position, func(r row) int64 { return r.modified })
	case connector.AddDate:
		return s.keyset(q, q.Position, func(r row) int64 { return r.added })
	case connector.PrimaryKeyBatch:
		return s.ranges(q)
	default:
		return s.keyset(q, q.Position, func(r row) int64 { return 0 })
	}
}

func (s *shop) rows(table string) []row {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.hidden {
		return nil
	}
	return slices.SortedFunc(maps.Values(s.tables[table]), func(a, b row) int { return int(a.id - b.id) })
}

func parse(p connector.Position) cursor {
	var c cursor
	if p != "" {
		if err := json.Unmarshal([]byte(p), &c); err != nil {
			panic(err)
		}
	}
	return c
}

func (c cursor) text() connector.Position {
	b, err := json.Marshal(c)
	if err != nil {
		panic(err)
	}
	return connector.Position(b)
}

func (s *shopSource) keyset(q connector.Request, from connector.Position, by func(row) int64) func(func(connector.Batch) bool) {
	at := parse(from)
	var todo []row
	for _, r := range s.rows(q.Table.Name) {
		if by(r) > at.A || by(r) == at.A && r.id > at.ID {
			todo = append(todo, r)
		}
	}
	slices.SortFunc(todo, func(a, b row) int {
		if d := by(a) - by(b); d != 0 {
			return int(d)
		}
		return int(a.id - b.id)
	})
	return func(yield func(connector.Batch) bool) {
		for piece := range slices.Chunk(todo, s.perBatch) {
			last := piece[len(piece)-1]
			at.A, at.ID = by(last), last.id
			if !yield(connector.Batch{Record: record(q.Columns, piece), Position: at.text()}) {
				return
			}
		}
	}
}

const rangeSize = 10

func (s *shopSource) ranges(q connector.Request) func(func(connector.Batch) bool) {
	at := parse(q.Position)
	if at.Sums == nil {
		at.Sums = map[int64]int64{}
	}
	by := map[int64][]row{}
	last := int64(-1)
	for _, r := range s.rows(q.Table.Name) {
		k := (r.id - 1) / rangeSize
		by[k] = append(by[k], r)
		last = max(last, k)
	}
	for k := range at.Sums {
		last = max(last, k)
	}
	return func(yield func(connector.Batch) bool) {
		for k := at.Next; k <= last; k++ {
			sum := sumOf(by[k])
			if known, ok := at.Sums[k]; ok && known == sum {
				continue
			}
			at.Sums = maps.Clone(at.Sums)
			at.Sums[k], at.Next = sum, k+1
			if len(by[k]) == 0 {
				delete(at.Sums, k)
			}
			if !yield(connector.Batch{Record: record(q.Columns, by[k]), Position: at.text(), Complete: between(k*rangeSize, (k+1)*rangeSize)}) {
				return
			}
		}
		at.Next = 0
		yield(connector.Batch{Position: at.text()})
	}
}

func sumOf(rows []row) int64 {
	sum := int64(len(rows))
	for _, r := range rows {
		sum = sum*31 + r.id*7 + r.value
	}
	return sum
}

func between(after, through int64) *connector.KeyRange {
	return &connector.KeyRange{After: record([]string{"id"}, []row{{id: after}}), Through: record([]string{"id"}, []row{{id: through}})}
}

func (s *shopSource) keys(q connector.Request) func(func(connector.Batch) bool) {
	at := parse(q.Resume)
	var todo []row
	for _, r := range s.rows(q.Table.Name) {
		if r.id > at.ID {
			todo = append(todo, r)
		}
	}
	return func(yield func(connector.Batch) bool) {
		for piece := range slices.Chunk(todo, s.perBatch) {
			last := piece[len(piece)-1].id
			complete := between(at.ID, last)
			if at.ID == 0 {
				complete.After = nil
			}
			if last == todo[len(todo)-1].id {
				complete.Through = nil
			}
			at.ID = last
			if !yield(connector.Batch{Record: record([]string{"id"}, piece), Position: at.text(), Complete: complete}) {
				return
			}
		}
	}
}

// Exists is the second look.
func (s *shopSource) Exists(_ context.Context, t connector.Table, keys arrow.RecordBatch) ([]bool, error) {
	s.enter()
	defer s.leave()
	if keys.NumRows() > 10_000 {
		return nil, errors.New("too many keys")
	}
	out := make([]bool, keys.NumRows())
	for n, id := range keys.Column(0).(*array.Int64).Int64Values() {
		if s.exists != nil {
			if answer, ok := s.exists(id); ok {
				out[n] = answer
				continue
			}
		}
		_, out[n] = s.tables[t.Name][id]
		out[n] = out[n] && !s.hidden
	}
	return out, nil
}

// Tally counts.
func (s *shopSource) Tally(_ context.Context, t connector.Table, _ connector.Replication, _ connector.Position) (connector.Tally, error) {
	if s.tallyErr != nil {
		return connector.Tally{}, s.tallyErr
	}
	return connector.Tally{Rows: int64(len(s.rows(t.Name))), Exact: true}, nil
}

func record(columns []string, rows []row) arrow.RecordBatch {
	fields := make([]arrow.Field, 0, len(columns))
	for _, c := range columns {
		fields = append(fields, arrow.Field{Name: c, Type: arrow.PrimitiveTypes.Int64, Nullable: true})
	}
	b := array.NewRecordBuilder(memory.DefaultAllocator, arrow.NewSchema(fields, nil))
	defer b.Release()
	for _, r := range rows {
		for n, c := range columns {
			b.Field(n).(*array.Int64Builder).Append(r.get(c))
		}
	}
	return b.NewRecordBatch()
}

func (r row) get(column string) int64 {
	switch column {
	case "id":
		return r.id
	case "value":
		return r.value
	case "modified":
		return r.modified
	case "added":
		return r.added
	case "extra":
		return r.id * 1000
	default:
		panic(fmt.Sprintf("no column %q", column))
	}
}
