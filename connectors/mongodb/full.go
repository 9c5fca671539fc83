package mongodb

import (
	"context"

	"github.com/regrant/regrant/connector"
)

// full reads every document. The caller swaps the table in at the end. With a
// key it can go on where it was; without one it starts over.
func (r *reader) full(ctx context.Context) error {
	pos, err := parsePosition(r.req.Position)
	if err != nil {
		return positionFault(r.req.Table.Name, err)
	}
	if pos.Method != string(connector.FullTable) || pos.Run == nil || !r.keyed() || pos.Run.After == "" {
		pos = position{Method: string(connector.FullTable), Run: &run{Phase: phaseFirst}}
	}
	w := walk{after: pos.Run.After, take: func(p piece, last string) error {
		pos.Rows += p.record.NumRows()
		pos.Run.After = last
		return r.emit(connector.Batch{Record: p.record, Position: pos.text(), Bytes: p.bytes})
	}}
	if r.keyed() {
		w.order = keyColumn
	}
	if err := r.walk(ctx, w); err != nil {
		return err
	}
	pos.Run = nil
	return r.emit(connector.Batch{Position: pos.text()})
}
