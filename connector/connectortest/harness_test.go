package connectortest_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/regrant/regrant/connector"
	. "github.com/regrant/regrant/connector/connectortest"
)

// TestHarnessNeedsReasons proves that nothing is left out in silence.
func TestHarnessNeedsReasons(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		check Check
		harm  func(*Harness)
		says  string // empty: nothing is said
	}{
		"a hook is missing":      {OtherAccount, func(h *Harness) { h.Other = nil }, "the harness has no Other"},
		"a hook with a reason":   {OtherAccount, func(h *Harness) { h.Other, h.Skip = nil, map[Check]string{OtherAccount: "one account only"} }, ""},
		"a reason that is empty": {OtherAccount, func(h *Harness) { h.Skip = map[Check]string{OtherAccount: " "} }, "gives no reason"},
		"a check that is none":   {OtherAccount, func(h *Harness) { h.Skip = map[Check]string{"everything": "no time"} }, "which is no check"},
		"no good authorization":  {GoodCheck, func(h *Harness) { h.Env = nil }, "Env is nil"},
		"a form that is none":    {GoodCheck, func(h *Harness) { h.Form = "oauth" }, "has no form"},
		"no failures":            {Failures, func(h *Harness) { h.Failures = nil }, "the harness has no Failures"},
		"no secrets":             {CanarySecrets, dropSecrets, "gives no secrets"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newShop(t).harness()
			test.harm(&h)
			said := RunRecorded(t, h, test.check)
			if test.says == "" && len(said) > 0 {
				t.Errorf("the suite complains: %s", strings.Join(said, "\n"))
			}
			if test.says != "" && !slices.ContainsFunc(said, func(c string) bool { return strings.Contains(c, test.says) }) {
				t.Errorf("the suite does not say %q, but: %s", test.says, strings.Join(said, "\n"))
			}
		})
	}
}

func dropSecrets(h *Harness) {
	env := h.Env
	h.Env = func(t testing.TB) connector.Env {
		e := env(t)
		e.Secrets = nil
		return e
	}
}
