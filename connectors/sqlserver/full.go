package sqlserver

import (
	"context"

	"github.com/regrant/regrant/connector"
)

// full reads every row with one statement, which under snapshot isolation sees
// one moment. The caller swaps the table in at the end, so a reading that was
// cut is best begun anew. With a key it can also go on where it was, then from
// a second moment; without one it starts over.
func (r *reader) full(ctx context.Context) error {
	pos, err := parsePosition(r.req.Position)
	if err != nil {
		return positionFault(r.t.full(), err)
	}
	if pos.Method != string(connector.FullTable) || pos.Run == nil || len(r.key) == 0 || len(pos.Run.After) != len(r.key) {
		pos = position{Method: string(connector.FullTable), Run: &run{Phase: phaseFirst}}
	}
	w := walk{cols: r.cols, order: rawOrder(r.key), stream: true, after: pos.Run.After, take: func(p piece, last []string) error {
		pos.Rows += p.record.NumRows()
		if len(r.key) > 0 {
			pos.Run.After = last
		}
		return r.emit(p.batch(pos.text()))
	}}
	if err := r.walk(ctx, w); err != nil {
		return err
	}
	pos.Run = nil
	return r.emit(connector.Batch{Position: pos.text()})
}
