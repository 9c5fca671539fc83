package pull

import (
	"context"
	"fmt"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/regrant/regrant/connector"
	"github.com/regrant/regrant/internal/warehouse"
)

// gone collects the keys that the warehouse has and a complete range of the
// source lacked. Nothing is deleted before the source was asked again.
type gone struct {
	schema *arrow.Schema // of a key
	limit  int64         // keys that are held
	keys   []arrow.RecordBatch
	rows   int64
	here   connector.Position // behind the last batch that was taken
	from   connector.Position // before the first batch that lacked keys
	over   bool               // there are more than can be held; the batch at here was not taken
}

func newGone(table connector.Table, limit int64, here connector.Position) *gone {
	return &gone{schema: table.Schema(table.Key), limit: limit, here: here}
}

// look compares a complete range. When more keys are missing than can be
// held, over is set and the batch must be looked at again later.
func (g *gone) look(ctx context.Context, load warehouse.Load, b connector.Batch) error {
	if b.Record == nil { // complete and empty
		b.Record = emptyRecord(g.schema)
		defer b.Record.Release()
	}
	room := g.limit - g.rows
	if room <= 0 {
		g.over = true
		return nil
	}
	keys, truncated, err := load.Missing(ctx, b, int(room))
	if err != nil {
		return err
	}
	g.over = truncated
	if keys == nil {
		return nil
	}
	if keys.NumRows() == 0 {
		keys.Release()
		return nil
	}
	if g.rows == 0 {
		g.from = g.here
	}
	g.keys = append(g.keys, keys)
	g.rows += keys.NumRows()
	return nil
}

func (g *gone) release() {
	for _, k := range g.keys {
		k.Release()
	}
	g.keys = nil
}

// chunkRows is how many keys a Verifier takes at once.
const chunkRows = 10_000

// bury asks the source a second time for every key and marks those as deleted
// that it lacks again.
func (r *tableRun) bury(ctx context.Context, g *gone) error {
	if g.rows == 0 {
		return nil
	}
	if fault := r.mayDelete(g.rows); fault != nil {
		return fault
	}
	verifier, ok := r.source.(connector.Verifier)
	if !ok {
		r.say(fmt.Sprintf("%d rows seem to be gone at the source; it cannot be asked twice, so they were kept.", g.rows))
		g.over = false
		return nil
	}
	var buried int64
	for chunk, err := range chunks(g.keys, chunkRows) {
		if err != nil {
			return fmt.Errorf("collecting keys: %w", err)
		}
		n, err := r.buryChunk(ctx, verifier, chunk)
		if err != nil {
			return err
		}
		buried += n
	}
	if g.over && buried == 0 { // another round would find the same again
		return &connector.Fault{Cause: connector.Unknown, Code: "pull.keys_disagree", Step: connector.StepRead, Scope: connector.OneTable, Table: r.t.Name,
			Public: "The source says that rows are gone and, asked again, that they are there. Nothing was deleted.",
			Err:    fmt.Errorf("%d keys missing, all exist", g.rows)}
	}
	return nil
}

// buryChunk takes over keys.
func (r *tableRun) buryChunk(ctx context.Context, verifier connector.Verifier, keys arrow.RecordBatch) (int64, error) {
	defer keys.Release()
	var exists []bool
	err := recovered(func() (err error) {
		exists, err = verifier.Exists(ctx, r.ct, keys)
		return err
	})
	if err != nil {
		return 0, err
	}
	if int64(len(exists)) != keys.NumRows() {
		return 0, &connector.Fault{Cause: connector.Ours, Code: "internal.contract", Step: connector.StepRead, Scope: connector.OneTable, Table: r.t.Name,
			Public: "Regrant made a mistake while looking for deleted rows; nothing was deleted. The operator of this installation finds the details in the log.",
			Err:    fmt.Errorf("asked for %d keys, answered for %d", keys.NumRows(), len(exists))}
	}
	dead, err := without(keys, exists)
	if err != nil {
		return 0, fmt.Errorf("choosing keys: %w", err)
	}
	defer dead.Release()
	if dead.NumRows() == 0 {
		return 0, nil
	}
	r.dirty = true
	return dead.NumRows(), warehouseFault(r.load.Delete(ctx, dead), r.t.Name)
}

func emptyRecord(schema *arrow.Schema) arrow.RecordBatch {
	b := array.NewRecordBuilder(memory.DefaultAllocator, schema)
	defer b.Release()
	return b.NewRecordBatch()
}
