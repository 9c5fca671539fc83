package connectortest

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/regrant/regrant/connector"
)

// Run makes all checks on a connector, each as a subtest. Failures change what
// the third party answers, so the checks are made one after the other.
func Run(t *testing.T, h Harness) {
	t.Helper()
	run(live{t}, h)
}

// runner is what the suite needs of a test: the usual, and subtests. The
// suite's own tests put a recorder here, to prove that checks can fail.
type runner interface {
	testing.TB
	run(name string, f func(runner))
}

// live is a real test.
type live struct{ *testing.T }

func (l live) run(name string, f func(runner)) {
	l.T.Run(name, func(t *testing.T) { f(live{t}) })
}

// check is one check of the suite.
type check struct {
	name Check
	// needs names what the harness lacks for it; empty: nothing.
	needs func(Harness) string
	make  func(*suite, runner)
}

// checks is the suite, in order.
func checks() []check {
	return []check{
		{DefinitionComplete, nothing, (*suite).definition},
		{FormValues, nothing, (*suite).formValues},
		{GoodCheck, nothing, (*suite).goodCheck},
		{TablesListed, nothing, (*suite).tablesListed},
		{ReadOnly, needWrites, (*suite).readOnly},
		{Failures, needFailures, (*suite).failures},
		{FailureCauses, nothing, (*suite).failureCauses},
		{WrongSecrets, nothing, (*suite).wrongSecrets},
		{Unreachable, nothing, (*suite).unreachable},
		{Cancelled, nothing, (*suite).cancelled},
		{CanarySecrets, nothing, (*suite).canarySecrets},
		{Records, nothing, (*suite).records},
		{Resume, nothing, (*suite).resume},
		{ColumnPass, nothing, (*suite).columnPass},
		{KeyPass, nothing, (*suite).keyPass},
		{ConnectionCut, nothing, (*suite).connectionCut},
		{OldPositions, nothing, (*suite).oldPositions},
		{UnknownFields, nothing, (*suite).unknownFields},
		{GarbagePositions, nothing, (*suite).garbagePositions},
		{RotatedCredentials, needRotated, (*suite).rotated},
		{OtherAccount, needOther, (*suite).otherAccount},
		{CancelSoon, nothing, (*suite).cancelSoon},
		{Leaks, nothing, (*suite).leaks},
		{TwoSources, nothing, (*suite).twoSources},
		{Paging, needSizes, (*suite).paging},
		{RowsMove, needChanges, (*suite).rowsMove},
		{Memory, needAllocator, (*suite).memory},
		{Powers, nothing, (*suite).powers},
	}
}

func nothing(Harness) string { return "" }

func need(absent bool, field string) string {
	if absent {
		return field
	}
	return ""
}

func needWrites(h Harness) string    { return need(h.Writes == nil, "Writes") }
func needFailures(h Harness) string  { return need(len(h.Failures) == 0, "Failures") }
func needRotated(h Harness) string   { return need(h.Rotated == nil, "Rotated") }
func needOther(h Harness) string     { return need(h.Other == nil, "Other") }
func needSizes(h Harness) string     { return need(len(h.Sizes) == 0, "Sizes") }
func needChanges(h Harness) string   { return need(len(h.Changes) == 0, "Changes") }
func needAllocator(h Harness) string { return need(h.Allocator == nil, "Allocator") }

// run makes the checks named, or all.
func run(t runner, h Harness, only ...Check) {
	t.Helper()
	if problem := h.problem(); problem != "" {
		t.Fatalf("the harness cannot be used: %s", problem)
	}
	long := &choice{}
	for _, c := range checks() {
		if len(only) > 0 && !slices.Contains(only, c.name) {
			continue
		}
		t.run(string(c.name), func(t runner) { h.attempt(t, c, long) })
	}
}

// attempt makes one check or says why it is left out.
func (h Harness) attempt(t runner, c check, long *choice) {
	if reason, skip := h.Skip[c.name]; skip {
		t.Skipf("left out: %s", reason)
	}
	if field := c.needs(h); field != "" {
		t.Fatalf("the harness has no %s: fill it, or say in Skip[%q] why that cannot be", field, c.name)
	}
	c.make(newSuite(h, long), t)
}

// problem says what makes the harness unusable; empty: nothing.
func (h Harness) problem() string {
	if h.Definition.Open == nil {
		return "Definition.Open is nil"
	}
	if h.Env == nil {
		return "Env is nil"
	}
	if _, ok := h.form(); !ok {
		return fmt.Sprintf("the definition has no form %q", h.Form)
	}
	for name, reason := range h.Skip {
		if !slices.ContainsFunc(checks(), func(c check) bool { return c.name == name }) {
			return fmt.Sprintf("Skip names %q, which is no check", name)
		}
		if strings.TrimSpace(reason) == "" {
			return fmt.Sprintf("Skip[%q] gives no reason", name)
		}
	}
	return ""
}

// form is the form that Env fills.
func (h Harness) form() (connector.Form, bool) {
	if h.Form == "" && len(h.Definition.Forms) > 0 {
		return h.Definition.Forms[0], true
	}
	return h.Definition.Form(h.Form)
}
