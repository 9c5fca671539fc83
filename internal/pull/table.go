package pull

import (
	"context"
	"fmt"
	"time"

	"github.com/regrant/regrant/connector"
	"github.com/regrant/regrant/internal/integration"
	"github.com/regrant/regrant/internal/warehouse"
)

// tableRun is the reading of one table within a pull.
type tableRun struct {
	*run
	t      *integration.Table
	ct     connector.Table
	result *integration.TableResult
	plan   plan
	state  warehouse.State // at the beginning
	load   warehouse.Load

	mark      mark               // as it will be committed next
	before    mark               // as it was at the beginning
	written   connector.Position // the mark in the warehouse
	dirty     bool               // something was given to the load since the last commit
	committed time.Time
	rows      int64 // delivered by the source in this pull
	caught    catch // read since the end was last reached, this pull included
	confirmed bool  // a person's confirmation was needed and used
}

// all plans, reads rows, makes the rechecks that are due and closes gaps.
func (r *tableRun) all(ctx context.Context) error {
	if err := r.prepare(ctx); err != nil {
		return err
	}
	var err error
	if r.load, err = r.warehouse.Load(ctx, r.spec()); err != nil {
		return warehouseFault(err, r.t.Name)
	}
	defer func() {
		if err := r.load.Close(); err != nil {
			r.log.Error("closing a load", "table", r.t.Name, "error", err)
		}
	}()
	r.committed = time.Now()
	if err := r.readRows(ctx); err != nil {
		return err
	}
	if err := r.rechecks(ctx); err != nil {
		return err
	}
	if err := r.closeGaps(ctx); err != nil {
		return err
	}
	r.learn()
	return nil
}

// prepare looks at what is there and plans.
func (r *tableRun) prepare(ctx context.Context) error {
	var err error
	if r.state, err = r.warehouse.Describe(ctx, r.name()); err != nil {
		return warehouseFault(err, r.t.Name)
	}
	if r.before, err = parseMark(r.state.Position); err != nil {
		return &connector.Fault{Cause: connector.Ours, Code: "position.unreadable", Step: connector.StepRead, Scope: connector.OneTable, Table: r.t.Name,
			Public: "How far this table was read cannot be understood by this version. Run the version that wrote it, or read the table again from its start.", Err: err}
	}
	account := r.in.Authorization.Identity.Fingerprint
	p, fault := planTable(situation{table: *r.t, source: r.ct, state: r.state, mark: r.before, account: account, now: r.began, zone: r.zone})
	if fault != nil {
		return fault
	}
	r.plan, r.written = p, r.state.Position
	r.result.Note = joined(p.notes)
	if !r.before.follows(p.how) {
		r.t.Replication = p.how
	}
	r.mark = mark{
		Version: markVersion, Method: p.how.Method, Column: p.how.Column, Account: account,
		Key: r.ct.Key, Columns: p.columns, At: p.start, Catch: r.before.Catch,
	}
	if r.before.follows(p.how) && !p.replace {
		r.mark.Sweep = r.before.Sweep
	}
	return nil
}

func (r *tableRun) name() warehouse.Name { return warehouse.Name{Schema: r.in.Slug, Table: r.t.Target} }

func (r *tableRun) spec() warehouse.Spec {
	columns := make([]connector.Column, 0, len(r.plan.columns))
	for _, name := range r.plan.columns {
		if c, ok := r.ct.Column(name); ok {
			columns = append(columns, c)
		}
	}
	return warehouse.Spec{Name: r.name(), Key: r.ct.Key, Columns: columns, Replace: r.plan.replace}
}

// commit makes what was taken visible together with the mark.
func (r *tableRun) commit(ctx context.Context, m mark) error {
	text, err := m.encode()
	if err != nil {
		return err
	}
	if r.plan.replace {
		text = r.state.Position // the old rows stay in force until the swap
	}
	if !r.dirty && text == r.written && r.state.Exists {
		return nil // nothing has happened: not even the position is written
	}
	counts, err := r.load.Commit(ctx, text)
	if err != nil {
		return warehouseFault(err, r.t.Name)
	}
	r.count(counts)
	r.written, r.dirty, r.committed = text, false, time.Now()
	return nil
}

// finish is the commit of the end of the rows.
func (r *tableRun) finish(ctx context.Context) error {
	r.caught, r.mark.Catch = r.mark.Catch, catch{}
	r.mark.Ended = true
	if !r.plan.replace {
		return r.commit(ctx, r.mark)
	}
	text, err := r.mark.encode()
	if err != nil {
		return err
	}
	counts, err := r.load.Finish(ctx, text)
	if err != nil {
		return warehouseFault(err, r.t.Name)
	}
	r.count(counts)
	return nil
}

func (r *tableRun) count(c warehouse.Counts) {
	r.result.Inserted += c.Inserted
	r.result.Updated += c.Updated
	r.result.Deleted += c.Deleted
}

// commitDue says whether enough is pending for a commit.
func (r *tableRun) commitDue() bool {
	pending := r.load.Pending()
	if pending == (warehouse.Volume{}) {
		return false
	}
	return pending.Rows >= r.limits.CommitRows || pending.Bytes >= r.limits.CommitBytes ||
		time.Since(r.committed) >= r.limits.CommitEvery
}

// learn writes down what the heart wants to know of a table that was read.
func (r *tableRun) learn() {
	r.t.LastRead, r.t.LastRows = r.now(), r.rows
	if r.rows > 0 {
		r.t.LastPoint = r.t.LastRead
	} else {
		r.say(r.nothingNew())
	}
	r.result.Confirmed = r.confirmed
}

// nothingNew is what zero rows mean: said, not hidden.
func (r *tableRun) nothingNew() string {
	switch {
	case r.plan.how.Method == connector.FullTable:
		return "0 rows: the source is empty."
	case !r.state.Exists || r.state.Rows == 0 && r.before.At == "":
		return "0 rows: the source is empty."
	case r.state.LastPoint.IsZero():
		return "0 rows: nothing has come since it was first read."
	default:
		return fmt.Sprintf("0 rows: nothing new since %s UTC.", r.state.LastPoint.UTC().Format("2 January 2006 15:04"))
	}
}

func (r *tableRun) say(text string) {
	if r.result.Note != "" {
		r.result.Note += " "
	}
	r.result.Note += text
}

func joined(notes []string) string {
	text := ""
	for _, n := range notes {
		if text != "" {
			text += " "
		}
		text += n
	}
	return text
}
