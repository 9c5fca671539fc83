package teach

import (
	"context"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"

	"github.com/regrant/regrant/connector"
)

// Exists looks for each key a second time.
func (s *source) Exists(ctx context.Context, table connector.Table, keys arrow.RecordBatch) ([]bool, error) {
	r := s.quiet(ctx, table)
	ids := keys.Column(0).(*array.Int64)
	found := make([]bool, ids.Len())
	for i := range found {
		rows, err := r.pageOf("id", mark{ID: ids.Value(i) - 1}, ids.Value(i), 1)
		if err != nil {
			return nil, err
		}
		found[i] = len(rows) == 1 && rows[0].ID == ids.Value(i)
	}
	return found, nil
}

// Tally counts the rows up to a position.
func (s *source) Tally(ctx context.Context, table connector.Table, how connector.Replication, at connector.Position) (connector.Tally, error) {
	end, err := load(at)
	if err != nil {
		return connector.Tally{}, err
	}
	if how.Method == connector.PrimaryKeyBatch {
		return connector.Tally{Rows: sumRows(end.Ranges), Exact: true}, nil
	}
	r := s.quiet(ctx, table)
	rows, err := r.pageOf(how.Column, mark{}, 0, 0)
	if err != nil {
		return connector.Tally{}, err
	}
	tally := connector.Tally{Exact: true}
	for _, row := range rows {
		if markOf(row, how.Column).compare(end.At) <= 0 {
			tally.Rows++
		}
	}
	return tally, nil
}

func sumRows(ranges []keyRange) (n int64) {
	for _, r := range ranges {
		n += int64(r.Rows)
	}
	return n
}

// quiet is a reading that yields nothing.
func (s *source) quiet(ctx context.Context, table connector.Table) *reading {
	return &reading{source: s, ctx: ctx, req: connector.Request{Table: table}, left: int64(^uint64(0) >> 1)}
}
