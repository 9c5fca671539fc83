package connectortest

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/regrant/regrant/connector"
)

// codeShape is how a fault's code is written: "postgresql.login_refused".
const codeShape = `^[a-z][a-z0-9_]*(\.[a-z0-9_]+)+$`

// maxPublic bounds the text for people: a few sentences, not a page.
const maxPublic = 2000

// faultProblems says in which ways an error breaks the contract of Fault.
func faultProblems(err error) []string {
	var f *connector.Fault
	if !errors.As(err, &f) {
		return []string{"is no *connector.Fault"}
	}
	var problems []string
	add := func(bad bool, format string, args ...any) {
		if bad {
			problems = append(problems, fmt.Sprintf(format, args...))
		}
	}
	add(f.Err == nil, "has no Err, so no evidence")
	add(!regexp.MustCompile(codeShape).MatchString(f.Code), "has a Code %q that is not like %q", f.Code, "vendor.what_happened")
	add(strings.TrimSpace(f.Public) == "", "has no Public text for the person")
	add(len(f.Public) > maxPublic || !utf8.ValidString(f.Public), "has a Public text that cannot be shown")
	add(f.Err != nil && len(f.Err.Error()) > 20 && strings.Contains(f.Public, f.Err.Error()), "shows the raw error to the person")
	add(f.Scope == connector.OneTable && f.Table == "", "is about one table and does not name it")
	add(f.Retry < 0 || f.Retry > 366*24*time.Hour, "has an impossible Retry of %s", f.Retry)
	add(f.Cause > connector.Throttled, "has an undeclared cause %d", f.Cause)
	add(f.Step > connector.StepRead, "has an undeclared step %d", f.Step)
	return problems
}

// mismatch says how a fault differs from what a failure wants; empty: not.
func (f Failure) mismatch(got *connector.Fault) string {
	var wrong []string
	differs := func(bad bool, format string, args ...any) {
		if bad {
			wrong = append(wrong, fmt.Sprintf(format, args...))
		}
	}
	differs(got.Cause != f.Want, "cause %s, want %s", got.Cause, f.Want)
	differs(f.Code != "" && got.Code != f.Code, "code %q, want %q", got.Code, f.Code)
	differs(got.Step != f.Step, "step %s, want %s", got.Step, f.Step)
	differs(got.Scope != f.Scope, "scope %s, want %s", scopeName(got.Scope), scopeName(f.Scope))
	differs(f.Scope == connector.OneTable && got.Table != f.Table, "table %q, want %q", got.Table, f.Table)
	differs(f.Retry && got.Retry == 0, "no Retry, although the third party names a time")
	return strings.Join(wrong, "; ")
}

func scopeName(s connector.Scope) string {
	if s == connector.OneTable {
		return "one table"
	}
	return "whole authorization"
}

// blames says that a fault asks somebody at the customer or the third party to
// act, which is wrong for what happened on our side.
func blames(f *connector.Fault) bool {
	return f.Cause != connector.Unknown && f.Cause != connector.Ours
}

// asksPerson says that a fault would make a person re-authorize.
func asksPerson(f *connector.Fault) bool {
	return f.Cause == connector.Expired || f.Cause == connector.AccessChanged || f.Cause == connector.Invalid
}
