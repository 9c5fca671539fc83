package connectortest

import (
	"context"
	"errors"
	"slices"
	"sync"

	"github.com/regrant/regrant/connector"
)

// failures brings about each failure of the harness and compares the fault.
func (s *suite) failures(t runner) {
	for _, f := range s.h.Failures {
		t.run(f.Name, func(t runner) { newSuite(s.h, s.long).failure(t, f) })
	}
}

func (s *suite) failure(t runner, f Failure) {
	if problem := f.problem(); problem != "" {
		t.Fatalf("the harness's failure cannot be used: %s", problem)
	}
	env := s.h.Env
	if f.Env != nil {
		env = f.Env
	}
	p := provocation{suite: s, t: t, f: f, env: env(t)}
	defer p.repair()
	err := p.provoke()
	if err == nil {
		t.Fatalf("nothing failed, want %s", f.Want)
	}
	var got *connector.Fault
	if !errors.As(err, &got) {
		t.Fatalf("the error is no *connector.Fault: %s", s.printable(err))
	}
	if wrong := f.mismatch(got); wrong != "" {
		t.Errorf("%s (evidence: %s)", wrong, s.printable(err))
	}
	p.recover()
}

func (f Failure) problem() string {
	switch {
	case f.Name == "":
		return "it has no Name"
	case f.Code == "" && f.Want != connector.Unknown:
		return "it names no Code"
	case f.Table == "" && (f.At == OnRead || f.At == MidRead || f.Scope == connector.OneTable):
		return "it names no Table"
	case f.Break != nil && f.Repair == nil:
		return "it has a Break and no Repair"
	case f.At == MidRead && f.Break == nil:
		return "it is to happen in mid-read and has no Break"
	}
	return ""
}

// provocation is one failure being brought about and undone.
type provocation struct {
	*suite
	t      runner
	f      Failure
	env    connector.Env
	broken bool
	once   sync.Once

	// of MidRead: what was read before, and what an uncut read gives
	req   connector.Request
	begun []piece
	whole []piece
}

func (p *provocation) breakIt() {
	if p.f.Break != nil {
		p.broken = true
		p.f.Break(p.t)
	}
}

func (p *provocation) repair() {
	if p.broken {
		p.once.Do(func() { p.f.Repair(p.t) })
	}
}

// provoke gives the error at the failure's moment.
func (p *provocation) provoke() error {
	switch p.f.At {
	case OnOpen:
		p.breakIt()
		_, err := p.tryOpen(p.t, p.env)
		return err
	case OnTables:
		p.breakIt()
		return p.onTables()
	case OnRead:
		return p.onRead()
	case MidRead:
		return p.midRead()
	}
	p.breakIt()
	x := p.open(p.t, p.env)
	_, err := x.check(p.t.Context())
	return err
}

func (p *provocation) onTables() error {
	x := p.open(p.t, p.env)
	tables, err := x.tables(p.t.Context())
	if err != nil || p.f.Scope != connector.OneTable {
		return err
	}
	i := slices.IndexFunc(tables, func(t connector.Table) bool { return t.Name == p.f.Table })
	if i < 0 {
		p.t.Fatalf("Tables does not list %q; a table that may not be read is listed with its Fault", p.f.Table)
	}
	if tables[i].Fault == nil {
		return nil
	}
	p.onlyThisTable(tables)
	return tables[i].Fault
}

// onlyThisTable proves that one dead table does not take its neighbours along.
func (p *provocation) onlyThisTable(tables []connector.Table) {
	for _, other := range tables {
		if other.Fault == nil {
			return
		}
	}
	p.t.Errorf("the failure of table %q makes every table unreadable", p.f.Table)
}

func (p *provocation) onRead() error {
	req := p.request(p.listed())
	p.breakIt()
	x := p.open(p.t, p.env)
	return x.read(p.t.Context(), req, func(piece) bool { return true })
}

// listed is the table as a source saw it that is closed before the failure.
func (p *provocation) listed() connector.Table {
	before := p.open(p.t, p.env)
	table := before.table(p.f.Table)
	before.close()
	return table
}

func (p *provocation) request(table connector.Table) connector.Request {
	how := methods(table)
	if len(how) == 0 {
		p.t.Fatalf("table %q offers no replication method", table.Name)
	}
	return rowsRequest(table, how[0])
}

func (p *provocation) midRead() error {
	x := p.open(p.t, p.env)
	p.req = p.request(x.table(p.f.Table))
	p.whole = x.mustRead(p.req)
	if withRows(p.whole) < 2 {
		p.t.Fatalf("table %q comes in one batch, so nothing can fail in its middle", p.f.Table)
	}
	return x.read(p.t.Context(), p.req, func(got piece) bool {
		p.begun = append(p.begun, got)
		if !p.broken && len(got.rows) > 0 {
			p.breakIt()
		}
		return true
	})
}

// recover proves that after the repair everything works again, and that a read
// which was interrupted goes on without loss.
func (p *provocation) recover() {
	if !p.broken {
		return
	}
	p.repair()
	x := p.open(p.t, p.env)
	if _, err := x.check(p.t.Context()); err != nil {
		p.t.Errorf("after Repair, Check still fails: %s", p.printable(err))
		return
	}
	if p.f.At != MidRead || !resumable(p.req) {
		return
	}
	rest := x.mustRead(at(p.req, p.begun))
	if diff := mirrorOf(p.begun, rest).difference(mirrorOf(p.whole)); diff != "" {
		p.t.Errorf("after Repair, %s goes on with loss: %s", describe(p.req), diff)
	}
}

// failureCauses wants the causes proved that decide whom the product bothers.
func (s *suite) failureCauses(t runner) {
	for _, want := range []connector.Cause{connector.AccessChanged, connector.Outage, connector.Unknown} {
		if !slices.ContainsFunc(s.h.Failures, func(f Failure) bool { return f.Want == want }) {
			t.Errorf("no failure of the harness wants the cause %s", want)
		}
	}
}

// cancelled gives contexts that are over already: our doing, nobody's fault.
func (s *suite) cancelled(t runner) {
	x := s.open(t, s.h.Env(t))
	table, how := s.longest(x)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	calls := map[string]func() error{
		"Check":  func() error { _, err := x.check(ctx); return err },
		"Tables": func() error { _, err := x.tables(ctx); return err },
		"Read": func() error {
			return x.read(ctx, rowsRequest(table, how), func(piece) bool { return true })
		},
	}
	for name, call := range calls {
		ownFault(t, name, call())
	}
}

// ownFault wants an error that says cancelled and blames nobody.
func ownFault(t runner, call string, err error) {
	t.Helper()
	switch {
	case err == nil:
		t.Errorf("%s with a cancelled context gives no error", call)
	case !errors.Is(err, context.Canceled):
		t.Errorf("%s with a cancelled context gives an error that is not context.Canceled: %v", call, err)
	case blames(connector.FaultOf(err)):
		t.Errorf("%s with a cancelled context blames others: cause %s", call, connector.FaultOf(err).Cause)
	}
}
