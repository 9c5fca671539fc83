package pull

import (
	"context"
	"errors"

	"github.com/regrant/regrant/connector"
)

// readRows reads what is new since the position, to the end. Going on in the
// middle of an interrupted pass says nothing of what has changed behind that
// point since; such a pass is followed by another, which finds only that.
func (r *tableRun) readRows(ctx context.Context) error {
	passes := 1
	if r.mark.At != "" && !r.before.Ended {
		passes = 2
	}
	for range passes {
		if err := r.passOfRows(ctx); err != nil {
			return err
		}
	}
	if r.plan.replace {
		if fault := r.mayReplace(); fault != nil {
			return fault
		}
	}
	return r.finish(ctx)
}

// passOfRows takes more than one round only when a person confirmed the
// deletion of more rows than are held at once.
func (r *tableRun) passOfRows(ctx context.Context) error {
	for more := true; more; {
		var err error
		if more, err = r.roundOfRows(ctx); err != nil {
			return err
		}
	}
	return nil
}

func (r *tableRun) roundOfRows(ctx context.Context) (more bool, err error) {
	request := connector.Request{
		Table: r.ct, Columns: r.plan.columns, Replication: r.plan.how, Pass: connector.PassRows, Position: r.mark.At,
	}
	g := newGone(r.ct, r.limits.Doomed, r.mark.At)
	defer g.release()
	err = r.stream(ctx, request, func(b connector.Batch) (bool, error) { return r.takeRows(ctx, b, g) })
	if err == nil {
		err = r.bury(ctx, g)
	}
	if err != nil {
		return false, r.keepSoFar(ctx, g, err)
	}
	if g.over {
		return true, r.commit(ctx, r.mark)
	}
	return false, nil
}

// takeRows takes over a batch.
func (r *tableRun) takeRows(ctx context.Context, b connector.Batch, g *gone) (more bool, err error) {
	if b.Complete != nil && !r.plan.first && !r.plan.replace {
		if more, err := r.lookFor(ctx, b, g); err != nil || !more {
			b.Release()
			return false, err
		}
	}
	r.countBatch(b)
	r.dirty = true
	if err := r.load.Write(ctx, b); err != nil {
		return false, warehouseFault(err, r.t.Name)
	}
	r.mark.At, r.mark.Ended, g.here = b.Position, false, b.Position
	if r.commitDue() {
		return true, r.commit(ctx, r.held(g))
	}
	return true, nil
}

// lookFor notes which rows of a complete range are gone. More than can be
// held are either too many or, when a person confirmed, end the round.
func (r *tableRun) lookFor(ctx context.Context, b connector.Batch, g *gone) (more bool, err error) {
	if err := g.look(ctx, r.load, b); err != nil {
		return false, warehouseFault(err, r.t.Name)
	}
	if g.over && !r.t.AllowEmpty {
		return false, r.tooManyDeletions(g.rows, "At least ")
	}
	r.confirmed = r.confirmed || g.over
	return !g.over, nil
}

func (r *tableRun) countBatch(b connector.Batch) {
	var rows int64
	if b.Record != nil {
		rows = b.Record.NumRows()
	}
	bytes := b.Bytes
	if bytes == 0 {
		bytes = sizeOf(b)
	}
	r.rows += rows
	r.result.Rows += rows
	r.result.Bytes += bytes
	r.mark.Catch.Rows += rows
	r.mark.Catch.Bytes += bytes
	r.meter.add(rows, bytes)
}

// held is the mark to commit while rows wait for their second look: the
// position stays before the first of them, so that a crash does not let them
// be forgotten. Reading that stretch again overwrites, it does not double.
func (r *tableRun) held(g *gone) mark {
	m := r.mark
	if g.rows > 0 {
		m.At = g.from
	}
	return m
}

// keepSoFar commits what the source delivered before it failed: it is whole
// and need not be read again.
func (r *tableRun) keepSoFar(ctx context.Context, g *gone, failure error) error {
	var f *connector.Fault
	ours := errors.As(failure, &f) && f.Cause == connector.Ours
	if ours || ctx.Err() != nil || r.plan.replace || !r.dirty {
		return failure
	}
	if err := r.commit(ctx, r.held(g)); err != nil {
		return err // ours, and it hides the other until it is mended
	}
	return failure
}
