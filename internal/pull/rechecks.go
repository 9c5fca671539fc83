package pull

import (
	"context"
	"slices"

	"github.com/regrant/regrant/connector"
)

// rechecks makes the rechecks that are due, after the rows were read to the
// end. What was read whole in this pull needs none.
func (r *tableRun) rechecks(ctx context.Context) error {
	if r.plan.replace || r.plan.first {
		r.recheckedAll()
		return nil
	}
	if len(r.plan.values) > 0 {
		if err := r.recheckValues(ctx); err != nil {
			return err
		}
		r.rechecked(r.plan.values)
	}
	if r.plan.keys {
		if err := r.recheckKeys(ctx); err != nil {
			return err
		}
		r.rechecked(r.ct.Key)
	}
	return nil
}

// rechecked notes when columns were compared. The time is the beginning of
// the pull: a boundary that passes while it runs belongs to the next one.
func (r *tableRun) rechecked(columns []string) {
	for _, c := range columns {
		if recheck, ok := r.t.Rechecks[c]; ok {
			recheck.Last = r.began
			r.t.Rechecks[c] = recheck
		}
	}
}

func (r *tableRun) recheckedAll() {
	for c := range r.t.Rechecks {
		r.rechecked([]string{c})
	}
}

// recheckValues compares columns of the rows already read. It can be
// interrupted at every commit and goes on there.
func (r *tableRun) recheckValues(ctx context.Context) error {
	columns := r.withKey(r.plan.values)
	if r.mark.Sweep == nil || !slices.Equal(r.mark.Sweep.Columns, columns) {
		r.mark.Sweep = &sweep{Columns: columns}
	}
	request := connector.Request{
		Table: r.ct, Columns: columns, Replication: r.plan.how, Pass: connector.PassColumns,
		Position: r.mark.At, Resume: r.mark.Sweep.Resume,
	}
	err := r.stream(ctx, request, func(b connector.Batch) (bool, error) {
		next := sweep{Columns: columns, Resume: b.Position}
		r.result.Bytes += max(b.Bytes, 0)
		r.dirty = true
		if err := r.load.Update(ctx, b); err != nil {
			return false, warehouseFault(err, r.t.Name)
		}
		r.mark.Sweep = &next
		if r.commitDue() {
			return true, r.commit(ctx, r.mark)
		}
		return true, nil
	})
	if err != nil {
		return r.keepSoFar(ctx, &gone{}, err)
	}
	r.mark.Sweep = nil
	return r.commit(ctx, r.mark)
}

// withKey puts the key before the columns.
func (r *tableRun) withKey(columns []string) []string {
	return slices.Concat(r.ct.Key, columns)
}

// recheckKeys looks for rows that are gone at the source.
func (r *tableRun) recheckKeys(ctx context.Context) error {
	var seen int64
	resume := connector.Position("")
	for {
		g := newGone(r.ct, r.limits.Doomed, resume)
		err := r.roundOfKeys(ctx, g, &seen)
		g.release()
		if err != nil {
			return err
		}
		if err := r.commit(ctx, r.mark); err != nil {
			return err
		}
		if !g.over {
			return nil
		}
		resume = g.here
	}
}

// roundOfKeys compares keys until the end, or until no more can be held. Any
// error on the way leaves every row as it is.
func (r *tableRun) roundOfKeys(ctx context.Context, g *gone, seen *int64) error {
	request := connector.Request{
		Table: r.ct, Columns: r.ct.Key, Replication: r.plan.how, Pass: connector.PassKeys,
		Position: r.mark.At, Resume: g.here,
	}
	complete := false
	err := r.stream(ctx, request, func(b connector.Batch) (bool, error) {
		defer b.Release()
		if b.Record != nil {
			*seen += b.Record.NumRows()
		}
		r.result.Bytes += max(b.Bytes, 0)
		if b.Complete != nil {
			complete = true
			if more, err := r.lookFor(ctx, b, g); err != nil || !more {
				return false, err
			}
		}
		g.here = b.Position
		return true, nil
	})
	if err != nil {
		return err
	}
	if *seen == 0 && r.state.Rows > 0 {
		if !r.t.AllowEmpty {
			return r.sourceEmpty()
		}
		if !complete { // nothing is there, so nothing was yielded
			if _, err := r.lookFor(ctx, connector.Batch{Complete: &connector.KeyRange{}}, g); err != nil {
				return err
			}
		}
	}
	return r.bury(ctx, g)
}
