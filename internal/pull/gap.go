package pull

import (
	"context"
	"fmt"

	"github.com/regrant/regrant/connector"
	"github.com/regrant/regrant/internal/integration"
)

// closeGaps is reached when the table was read to its end: what a gap kept
// from being read is there now. The receipt proves it by counting.
func (r *tableRun) closeGaps(ctx context.Context) error {
	var gaps []integration.Gap
	for _, g := range r.record.Gaps {
		if g.Open() && g.Table == r.t.Name {
			gaps = append(gaps, g)
		}
	}
	if len(gaps) == 0 {
		return nil
	}
	receipt, err := r.reconcile(ctx)
	if err != nil {
		return err
	}
	for _, g := range gaps {
		if g.To.IsZero() {
			g.To = r.began
		}
		copied := receipt
		g.Closed, g.Receipt = receipt.At, &copied
		r.receipts = append(r.receipts, g)
	}
	return nil
}

// reconcile counts on both sides. Where they differ, deleted rows are the
// usual reason: the keys are compared once, and what remains is said.
func (r *tableRun) reconcile(ctx context.Context) (integration.Receipt, error) {
	receipt, err := r.tally(ctx)
	if err != nil || r.agrees(receipt) {
		return receipt, err
	}
	if r.canCompareKeys() {
		if err := r.recheckKeys(ctx); err != nil {
			return receipt, err
		}
		r.rechecked(r.ct.Key)
		if receipt, err = r.tally(ctx); err != nil {
			return receipt, err
		}
	}
	if !r.agrees(receipt) {
		receipt.Note = fmt.Sprintf("The source counts %d rows and the warehouse %d. %s",
			receipt.SourceRows, receipt.WarehouseRows, r.whyDifferent(receipt))
	}
	return receipt, nil
}

func (r *tableRun) canCompareKeys() bool {
	return len(r.ct.Key) > 0 && !r.plan.replace && !r.plan.keys && r.plan.how.Method != connector.PrimaryKeyBatch
}

func (r *tableRun) agrees(c integration.Receipt) bool {
	return c.SourceRows < 0 || !c.Exact || c.SourceRows == c.WarehouseRows
}

func (r *tableRun) whyDifferent(c integration.Receipt) string {
	if c.SourceRows > c.WarehouseRows {
		return "Rows are at the source that this replication method does not see; read the table again from its start."
	}
	return "Rows changed at the source while it was counted, or deletions wait for a second look."
}

// tally counts rows at the source and in the warehouse.
func (r *tableRun) tally(ctx context.Context) (integration.Receipt, error) {
	receipt := integration.Receipt{Pull: r.pull.ID, Rows: r.caught.Rows, Bytes: r.caught.Bytes, SourceRows: -1, At: r.now()}
	if tallier, ok := r.source.(connector.Tallier); ok {
		var count connector.Tally
		err := recovered(func() (err error) {
			count, err = tallier.Tally(ctx, r.ct, r.plan.how, r.mark.At)
			return err
		})
		switch fault := connector.FaultOf(err); {
		case err == nil:
			receipt.SourceRows, receipt.Exact = count.Rows, count.Exact
		case ctx.Err() != nil, isWhole(err):
			return receipt, err
		default: // the rows are here; that they cannot be counted is no fault
			receipt.Note = "The source could not count its rows (" + fault.Code + ")."
		}
	}
	state, err := r.warehouse.Describe(ctx, r.name())
	if err != nil {
		return receipt, warehouseFault(err, r.t.Name)
	}
	receipt.WarehouseRows = state.Rows
	return receipt, nil
}
