package connectortest_test

import (
	"slices"
	"strings"
	"testing"

	. "github.com/regrant/regrant/connector/connectortest"
)

// flaw is one way to break the teaching connector or its harness, the check
// that must notice, and what that check must say.
type flaw struct {
	name  string
	check Check
	says  string
	harm  func(t *testing.T, s *shop, h *Harness)
}

func allFlaws() []flaw {
	return slices.Concat(definitionFlaws(), accountFlaws(), failureFlaws(), secretFlaws(), rowFlaws(),
		passFlaws(), positionFlaws(), lifeFlaws(), pagingFlaws())
}

// TestEveryCheckCanFail is the proof that the suite is worth something: each
// flaw is noticed by its check, in words that name it.
func TestEveryCheckCanFail(t *testing.T) {
	t.Parallel()
	for _, f := range allFlaws() {
		t.Run(string(f.check)+"/"+f.name, func(t *testing.T) {
			t.Parallel()
			s := newShop(t)
			h := s.harness()
			f.harm(t, s, &h)
			said := RunRecorded(t, h, f.check)
			if !slices.ContainsFunc(said, func(c string) bool { return strings.Contains(c, f.says) }) {
				t.Errorf("the check %q does not say %q, but: %s", f.check, f.says, strings.Join(said, "\n"))
			}
		})
	}
}

// TestEveryCheckHasAFlaw keeps the proof complete when a check is added.
func TestEveryCheckHasAFlaw(t *testing.T) {
	t.Parallel()
	for _, check := range AllChecks() {
		if !slices.ContainsFunc(allFlaws(), func(f flaw) bool { return f.check == check }) {
			t.Errorf("nothing proves that the check %q can fail", check)
		}
	}
}
