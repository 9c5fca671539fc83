package pull

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"time"

	"github.com/regrant/regrant/connector"
	"github.com/regrant/regrant/internal/integration"
)

// recordLimit bounds the writing down of an outcome, which happens even when
// the pull was cancelled.
const recordLimit = 30 * time.Second

// run is one pull while it goes on. It is used by one goroutine.
type run struct {
	*Puller
	in       integration.Integration
	record   integration.Record
	pull     integration.Pull
	began    time.Time
	log      *slog.Logger
	meter    *meter
	source   connector.Source
	listed   []connector.Table // nil: not listed
	receipts []integration.Gap
	failed   int // tables
}

// all reads every table. Its error is of the whole pull.
func (r *run) all(ctx context.Context) error {
	if r.in.Paused {
		return context.Canceled // paused between the request and now
	}
	if err := r.warehouse.Check(ctx); err != nil {
		return warehouseFault(err, "")
	}
	if err := r.open(ctx); err != nil {
		return err
	}
	defer r.close()
	if err := r.account(ctx); err != nil {
		return err
	}
	found, err := r.discover(ctx)
	if err != nil {
		return err
	}
	return r.eachTable(ctx, found)
}

func (r *run) open(ctx context.Context) error {
	return recovered(func() (err error) {
		r.source, err = r.sources.Open(ctx, r.in, r.pull.By, "pull "+r.pull.ID)
		return err
	})
}

func (r *run) close() {
	err := recovered(r.source.Close)
	if err != nil {
		r.log.Debug("closing the source", "error", err)
	}
}

// account proves the authorization and that it opens the same account as
// ever. Nothing is read before.
func (r *run) account(ctx context.Context) error {
	var identity connector.Identity
	err := recovered(func() (err error) {
		identity, err = r.source.Check(ctx)
		return err
	})
	if err != nil {
		return err
	}
	if fault := integration.SameAccount(r.in.Authorization.Identity, identity); fault != nil {
		return fault
	}
	r.in.Authorization.Identity.Fingerprint = identity.Fingerprint
	if err := r.heart.Enroll(ctx, r.in.ID, identity); err != nil {
		return stateFault("recording the account", err)
	}
	return nil
}

// discover lists what the source has now. New tables are offered by the heart
// when it hears of them at the end of the pull.
func (r *run) discover(ctx context.Context) (map[string]connector.Table, error) {
	err := recovered(func() (err error) {
		r.listed, err = r.source.Tables(ctx)
		return err
	})
	if err != nil {
		r.listed = nil
		return nil, err
	}
	found := make(map[string]connector.Table, len(r.listed))
	for _, t := range r.listed {
		found[t.Name] = t
	}
	return found, nil
}

// eachTable reads the enabled tables one after the other: a Source is used by
// one goroutine, and reading and committing overlap within a table already.
func (r *run) eachTable(ctx context.Context, found map[string]connector.Table) error {
	r.meter.plan(r.record.Tables)
	for _, t := range r.record.Tables {
		if !t.Enabled {
			continue
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		t.Rechecks = maps.Clone(t.Rechecks) // the record is not ours to change
		ct, ok := found[t.Name]
		if ok {
			t.Key, t.Estimated = ct.Key, ct.EstimatedRows
		}
		if err := r.table(ctx, &t, ct, ok); err != nil {
			return err
		}
	}
	return nil
}

// table reads one table and tells the heart how it went. Its error is of the
// whole pull.
func (r *run) table(ctx context.Context, t *integration.Table, ct connector.Table, listed bool) error {
	started := time.Now()
	r.meter.table(t.Name, t.Estimated)
	result := integration.TableResult{Table: t.Name}
	skipped, err := r.read(ctx, t, ct, listed, &result)
	result.Took = time.Since(started)
	r.pull.Rows += result.Rows
	r.pull.Bytes += result.Bytes
	defer func() { r.pull.Tables = append(r.pull.Tables, result) }()
	switch {
	case err == nil && skipped:
		return nil
	case err == nil:
		if err := r.heart.TableRead(ctx, r.in.ID, *t, result); err != nil {
			return stateFault("recording that "+t.Name+" was read", err)
		}
		return nil
	case ctx.Err() != nil:
		return ctx.Err()
	}
	return r.tableFailed(ctx, t, &result, err)
}

// read reads one table; a panic of a connector is a fault of that table.
func (r *run) read(ctx context.Context, t *integration.Table, ct connector.Table, listed bool, result *integration.TableResult) (skipped bool, err error) {
	switch {
	case !listed:
		return false, tableMissing(t.Name)
	case t.Replication.Method == connector.Paused:
		result.Note = "Paused: nothing was read."
		return true, nil
	case ct.Fault != nil:
		return false, ct.Fault
	}
	tr := &tableRun{run: r, t: t, ct: ct, result: result}
	return false, recovered(func() error { return tr.all(ctx) })
}

// tableFailed records a fault of a table; a fault of the whole authorization
// is returned and ends the pull.
func (r *run) tableFailed(ctx context.Context, t *integration.Table, result *integration.TableResult, err error) error {
	r.failed++
	err = ofTable(err, t.Name)
	fault := connector.FaultOf(err)
	result.Code, result.Public = fault.Code, fault.Public
	if fault.Scope == connector.WholeAuthorization {
		return err
	}
	if _, err := r.heart.Failed(ctx, r.in.ID, t.Name, err); err != nil {
		return stateFault("recording the fault of "+t.Name, err)
	}
	return nil
}

// finish writes the outcome down, also when ctx has ended.
func (r *run) finish(ctx context.Context, whole error) (integration.Pull, error) {
	stopped := ctx.Err() != nil || whole != nil && r.in.Paused
	ctx, cancel := context.WithTimeoutCause(context.WithoutCancel(ctx), recordLimit,
		fmt.Errorf("recording the outcome took longer than %s", recordLimit))
	defer cancel()
	r.pull.Ended = r.now()
	r.pull.Outcome = r.outcome(whole, stopped)
	if whole != nil && !stopped {
		r.log.InfoContext(ctx, "pull stopped", "code", connector.FaultOf(whole).Code, "cause", connector.FaultOf(whole).Cause.String(), "error", whole)
		if _, err := r.heart.Failed(ctx, r.in.ID, "", whole); err != nil {
			return r.pull, fmt.Errorf("recording why the pull failed: %w", err)
		}
	}
	if _, err := r.heart.PullEnded(ctx, r.pull, r.listed, r.receipts); err != nil {
		return r.pull, fmt.Errorf("recording the end of the pull: %w", err)
	}
	r.log.DebugContext(ctx, "pull ended", "outcome", string(r.pull.Outcome), "rows", r.pull.Rows, "tables", len(r.pull.Tables))
	return r.pull, nil
}

func (r *run) outcome(whole error, stopped bool) integration.Outcome {
	read := 0
	for _, result := range r.pull.Tables {
		if result.Code == "" {
			read++
		}
	}
	switch {
	case stopped:
		return integration.Interrupted
	case whole != nil:
		return integration.Failed
	case r.failed > 0 && read == 0:
		return integration.Failed
	case r.failed > 0:
		return integration.Partly
	default:
		return integration.Succeeded
	}
}
