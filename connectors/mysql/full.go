package mysql

import (
	"context"

	"github.com/regrant/regrant/connector"
)

// full reads every row in one snapshot. The caller swaps the table in at the
// end, so a reading that was cut is best begun anew. With a key it can also go
// on where it was, then with a second snapshot; without one it starts over.
//
// It is one transaction, which makes the server keep old versions of rows
// while it lasts.
func (r *reader) full(ctx context.Context) error {
	pos, err := parsePosition(r.req.Position)
	if err != nil {
		return positionFault(r.t.full(), err)
	}
	key := r.t.key
	if pos.Method != string(connector.FullTable) || pos.Run == nil || len(key) == 0 || len(pos.Run.After) != len(key) {
		pos = position{Method: string(connector.FullTable), Run: &run{Phase: phaseFirst}}
	}
	if err := r.c.begin(ctx); err != nil {
		return err
	}
	r.held = true
	w := walk{cols: r.cols, order: rawOrder(key), after: pos.Run.After, take: func(p piece, last []string) error {
		pos.Rows += p.record.NumRows()
		if len(key) > 0 {
			pos.Run.After = last
		}
		return r.emit(p.batch(pos.text()))
	}}
	if err := r.walk(ctx, w); err != nil {
		return err
	}
	if err := r.c.end(ctx); err != nil {
		return err
	}
	r.held = false
	pos.Run = nil
	return r.emit(connector.Batch{Position: pos.text()})
}
