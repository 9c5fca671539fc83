package integration

import (
	"context"
	"fmt"
	"time"

	"github.com/regrant/regrant/connector"
)

// Check is one line of the live checklist of a verification.
type Check struct {
	Step  connector.Step
	Table string // of the privileges and read steps; empty: the whole step
	State CheckState
	Text  string
	Fault *connector.Fault // of a failed check
}

// CheckState is how far a check is.
type CheckState string

// The states of a check.
const (
	CheckRunning CheckState = "running"
	CheckPassed  CheckState = "passed"
	CheckFailed  CheckState = "failed"
	CheckSkipped CheckState = "skipped" // could not be made because an earlier one failed
)

// verifyLimit bounds a verification; a person is waiting for it.
const verifyLimit = 90 * time.Second

// proof is what a passed verification found out.
type proof struct {
	identity connector.Identity
	tables   []connector.Table
	enabled  []string // that were read
	paused   []string // enabled ones that cannot be read and were given up
}

// verification runs the checks of one candidate; nothing of it is stored.
type verification struct {
	attempt
	source connector.Source
	checks []Check
	failed bool
}

// firstFault is what the timeline tells of a refused attempt.
func (v *verification) firstFault() *connector.Fault {
	for _, c := range v.checks {
		if c.State == CheckFailed {
			return c.Fault
		}
	}
	return nil
}

func (v *verification) say(c Check) {
	if c.State != CheckRunning {
		v.checks = append(v.checks, c)
	}
	v.failed = v.failed || c.State == CheckFailed
	if v.report != nil {
		v.report(c)
	}
}

// run makes all checks and reports all failures at once: a step is skipped
// only when it makes no sense after an earlier failure.
func (v *verification) run(ctx context.Context) proof {
	var p proof
	identity, ok := v.checkSource(ctx)
	if !ok {
		v.skipAfter(connector.StepSignIn)
		return p
	}
	p.identity = identity
	if !v.checkAccount(identity) {
		// Privileges and rows of another account say nothing of this one.
		v.skipAfter(connector.StepAccount)
		return p
	}
	p.tables, ok = v.listTables(ctx)
	if !ok {
		v.skipAfter(connector.StepPrivileges)
		return p
	}
	p.enabled, p.paused = v.checkPrivileges(p.tables)
	v.checkRows(ctx, p)
	return p
}

var stepTexts = map[connector.Step]string{
	connector.StepReach:  "The server answers.",
	connector.StepTrust:  "The server is the one that is trusted.",
	connector.StepSignIn: "Signing in works.",
}

// checkSource covers reach, trust and sign-in: one call of Check tells how far it came.
func (v *verification) checkSource(ctx context.Context) (connector.Identity, bool) {
	v.say(Check{Step: connector.StepReach, State: CheckRunning, Text: "Reaching the server."})
	identity, err := v.source.Check(ctx)
	fault := connector.FaultOf(err)
	for step := connector.StepReach; step <= connector.StepSignIn; step++ {
		switch {
		case fault == nil || step < fault.Step:
			v.say(Check{Step: step, State: CheckPassed, Text: stepTexts[step]})
		case step == fault.Step || fault.Step < connector.StepReach && step == connector.StepReach ||
			fault.Step > connector.StepSignIn && step == connector.StepSignIn:
			v.say(Check{Step: step, State: CheckFailed, Text: fault.Public, Fault: fault})
		default:
			v.say(Check{Step: step, State: CheckSkipped, Text: "Not checked."})
		}
	}
	return identity, err == nil
}

// checkAccount is the same-account guard.
func (v *verification) checkAccount(identity connector.Identity) bool {
	fault := SameAccount(v.record.Integration.Authorization.Identity, identity)
	if fault == nil {
		v.say(Check{Step: connector.StepAccount, State: CheckPassed, Text: "The account is " + identity.Account + "."})
		return true
	}
	v.say(Check{Step: connector.StepAccount, State: CheckFailed, Text: fault.Public, Fault: fault})
	return false
}

func (v *verification) listTables(ctx context.Context) ([]connector.Table, bool) {
	v.say(Check{Step: connector.StepPrivileges, State: CheckRunning, Text: "Looking at what it may read."})
	tables, err := v.source.Tables(ctx)
	if err == nil {
		return tables, true
	}
	fault := connector.FaultOf(err)
	v.say(Check{Step: connector.StepPrivileges, State: CheckFailed, Text: fault.Public, Fault: fault})
	return nil, false
}

// wanted is which tables the authorization must be able to read.
func (v *verification) wanted(tables []connector.Table) []string {
	if !v.record.Integration.Finished() {
		if v.sub.Tables != nil {
			return v.sub.Tables
		}
		var readable []string
		for _, t := range tables {
			if t.Fault == nil && recommended(t).Method != connector.Paused {
				readable = append(readable, t.Name)
			}
		}
		return readable
	}
	var enabled []string
	for _, t := range v.record.Tables {
		if t.Enabled {
			enabled = append(enabled, t.Name)
		}
	}
	return enabled
}

func (v *verification) checkPrivileges(tables []connector.Table) (readable, paused []string) {
	found := make(map[string]connector.Table, len(tables))
	for _, t := range tables {
		found[t.Name] = t
	}
	wanted := v.wanted(tables)
	for _, name := range wanted {
		fault := missingPrivilege(found, name)
		switch {
		case fault == nil:
			readable = append(readable, name)
		case v.sub.PauseUnreadable:
			paused = append(paused, name)
			v.say(Check{Step: connector.StepPrivileges, Table: name, State: CheckSkipped, Text: "Will be paused. " + fault.Public})
		default:
			v.say(Check{Step: connector.StepPrivileges, Table: name, State: CheckFailed, Text: fault.Public, Fault: fault})
		}
	}
	if len(readable) == 0 && len(wanted) == len(paused) {
		fault := &connector.Fault{Cause: connector.AccessChanged, Code: "account.nothing_readable", Step: connector.StepPrivileges,
			Public: "Signing in works, but there is no table that this login may read. Grant it SELECT on the tables that are to be pulled.",
			Err:    fmt.Errorf("%d tables listed, none readable", len(tables))}
		v.say(Check{Step: connector.StepPrivileges, State: CheckFailed, Text: fault.Public, Fault: fault})
	}
	if len(readable) > 0 {
		v.say(Check{Step: connector.StepPrivileges, State: CheckPassed, Text: fmt.Sprintf("%s can be read.", count(len(readable), "table"))})
	}
	return readable, paused
}

func missingPrivilege(found map[string]connector.Table, name string) *connector.Fault {
	t, ok := found[name]
	if !ok {
		return &connector.Fault{Cause: connector.AccessChanged, Code: "table.missing", Step: connector.StepPrivileges, Scope: connector.OneTable, Table: name,
			Public: name + " is not there, or this login may not see it.", Err: fmt.Errorf("table %s is not listed", name)}
	}
	return t.Fault
}

// checkRows reads one row of each table: a privilege that the catalogue
// promises and the server then refuses is found here.
func (v *verification) checkRows(ctx context.Context, p proof) {
	found := make(map[string]connector.Table, len(p.tables))
	for _, t := range p.tables {
		found[t.Name] = t
	}
	passed := 0
	for _, name := range p.enabled {
		rows, err := sample(ctx, v.source, found[name])
		if err != nil {
			fault := connector.FaultOf(err)
			v.say(Check{Step: connector.StepRead, Table: name, State: CheckFailed, Text: fault.Public, Fault: fault})
			continue
		}
		passed++
		if rows == 0 {
			v.say(Check{Step: connector.StepRead, Table: name, State: CheckPassed, Text: name + " is empty."})
		}
	}
	if passed > 0 {
		v.say(Check{Step: connector.StepRead, State: CheckPassed, Text: fmt.Sprintf("One row of %s was read.", count(passed, "table"))})
	}
}

// sample reads at most one row and says how many there were.
func sample(ctx context.Context, source connector.Source, t connector.Table) (rows int64, err error) {
	request := connector.Request{Table: t, Columns: ReadableColumns(t, nil), Replication: connector.Replication{Method: connector.FullTable}, Limit: 1}
	for batch, err := range source.Read(ctx, request) {
		if err != nil {
			return rows, err
		}
		if batch.Record != nil {
			rows += batch.Record.NumRows()
		}
		batch.Release()
	}
	return rows, nil
}

// ReadableColumns is the names of the columns that may be and are to be read.
func ReadableColumns(t connector.Table, excluded []string) []string {
	skip := make(map[string]bool, len(excluded))
	for _, name := range excluded {
		skip[name] = true
	}
	for _, name := range t.Key {
		delete(skip, name) // without its key a row has no identity
	}
	names := make([]string, 0, len(t.Columns))
	for _, c := range t.Columns {
		if !c.Denied && !skip[c.Name] {
			names = append(names, c.Name)
		}
	}
	return names
}

// skipAfter reports the steps that could not be made.
func (v *verification) skipAfter(last connector.Step) {
	for step := last + 1; step <= connector.StepRead; step++ {
		v.say(Check{Step: step, State: CheckSkipped, Text: "Not checked."})
	}
}

func count(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}
