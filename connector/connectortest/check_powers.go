package connectortest

import (
	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/regrant/regrant/connector"
)

// powers holds the optional interfaces to their word.
func (s *suite) powers(t runner) {
	x := s.open(t, s.h.Env(t))
	verifier, verifies := x.source.(connector.Verifier)
	tallier, tallies := x.source.(connector.Tallier)
	x.close()
	if !verifies && !tallies {
		t.Skipf("the source is neither a Verifier nor a Tallier")
	}
	s.each(t, withKey, func(t runner, x *session, table connector.Table, how connector.Replication) {
		rows := s.settled(t, x, rowsRequest(table, how))
		if len(rows) == 0 {
			return
		}
		end := rows[len(rows)-1].position
		if verifies {
			verifier = x.source.(connector.Verifier)
			s.verify(t, x, verifier, keysRequest(table, how, end))
		}
		if tallies {
			tallier = x.source.(connector.Tallier)
			s.tally(t, tallier, table, how, end, int64(mirrorOf(rows).size()))
		}
	})
}

func (s *suite) tally(t runner, tallier connector.Tallier, table connector.Table, how connector.Replication, end connector.Position, want int64) {
	tally, err := tallier.Tally(t.Context(), table, how, end)
	if err != nil {
		t.Fatalf("Tally: %s", s.printable(err))
	}
	if tally.Exact && tally.Rows != want {
		t.Errorf("Tally says exactly %d rows, but Read delivered %d", tally.Rows, want)
	}
}

// verify asks for keys that exist, and for keys made up from them.
func (s *suite) verify(t runner, x *session, v connector.Verifier, req connector.Request) {
	for batch, err := range x.source.Read(t.Context(), req) {
		if err != nil {
			t.Fatalf("Read of %s: %s", describe(req), s.printable(err))
		}
		s.exists(t, v, req.Table, batch.Record, true)
		if gone := madeUp(batch.Record); gone != nil {
			s.exists(t, v, req.Table, gone, false)
			gone.Release()
		}
		batch.Release()
		return
	}
}

// maxKeys is how many keys the contract allows at once.
const maxKeys = 10_000

func (s *suite) exists(t runner, v connector.Verifier, table connector.Table, keys arrow.RecordBatch, want bool) {
	t.Helper()
	if keys == nil {
		return
	}
	some := keys.NewSlice(0, min(keys.NumRows(), maxKeys))
	defer some.Release()
	found, err := v.Exists(t.Context(), table, some)
	if err != nil {
		t.Fatalf("Exists: %s", s.printable(err))
	}
	if int64(len(found)) != some.NumRows() {
		t.Fatalf("Exists answers %d times for %d keys", len(found), some.NumRows())
	}
	for i, there := range found {
		if there != want {
			t.Errorf("Exists says %t of row %d of the keys, want %t", there, i, want)
			return
		}
	}
}

// madeUp changes integer and text keys so that no such row exists; nil where
// the key has neither.
func madeUp(keys arrow.RecordBatch) arrow.RecordBatch {
	if keys == nil {
		return nil
	}
	columns := make([]arrow.Array, keys.NumCols())
	changed := false
	for i, column := range keys.Columns() {
		columns[i] = column
		if other := otherKeys(column); other != nil && !changed {
			defer other.Release()
			columns[i], changed = other, true
		}
	}
	if !changed {
		return nil
	}
	return array.NewRecordBatch(keys.Schema(), columns, keys.NumRows())
}

func otherKeys(column arrow.Array) arrow.Array {
	switch column := column.(type) {
	case *array.Int64:
		b := array.NewInt64Builder(memory.DefaultAllocator)
		defer b.Release()
		for i := range column.Len() {
			b.Append(-1_000_000_007 - column.Value(i))
		}
		return b.NewArray()
	case *array.String:
		b := array.NewStringBuilder(memory.DefaultAllocator)
		defer b.Release()
		for i := range column.Len() {
			b.Append(column.Value(i) + "~gone")
		}
		return b.NewArray()
	}
	return nil
}
