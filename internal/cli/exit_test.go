package cli

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/regrant/regrant/client"
)

func TestExitStatuses(t *testing.T) {
	t.Parallel()
	problem := func(status int, cause string) error {
		return fmt.Errorf("wrapped: %w", &client.Problem{Status: status, Cause: cause})
	}
	for _, c := range []struct {
		err  error
		want int
	}{
		{nil, 0},
		{errors.New("x"), 1},
		{&client.ConnectError{Err: errors.New("refused")}, 1},
		{problem(404, ""), 1},
		{problem(401, ""), 1},
		{problem(422, "invalid"), 1},
		{&client.Problem{Status: 422, Cause: "invalid", Errors: []client.FieldProblem{{Field: "host"}}}, 2},
		{usage(errors.New("x")), 2},
		{problem(409, "expired"), 3},
		{problem(409, "access_changed"), 3},
		{problem(502, "outage"), 4},
		{problem(429, "throttled"), 4},
		{problem(500, "ours"), 5},
		{problem(500, "unknown"), 5},
		{problem(503, ""), 5},
		{told(3), 3},
		{told(0), 0},
	} {
		if got := exitOf(c.err); got != c.want {
			t.Errorf("%v: %d, want %d", c.err, got, c.want)
		}
	}
}

func TestStatusOfStates(t *testing.T) {
	t.Parallel()
	for state, want := range map[string]int{
		"healthy": 0, "catching_up": 0, "checking": 0, "action_due": 0, "paused": 0, "blackout": 0,
		"needs_reauthorization": 3, "needs_configuration": 3, "not_finished": 3,
		"waiting": 4, "throttled": 4, "retired": 4, "our_fault": 5, "unknown": 5, "degraded": 1,
	} {
		if got := byState(client.Status{State: state}); got != want {
			t.Errorf("%s: %d, want %d", state, got, want)
		}
	}
	degraded := client.Status{State: "degraded", Incident: &client.Incident{Cause: "access_changed"}}
	if got := byState(degraded); got != 3 {
		t.Errorf("degraded by a lost grant: %d", got)
	}
	if worse(3, 5) != 5 || worse(4, 3) != 3 || worse(1, 0) != 1 || worse(4, 1) != 4 {
		t.Error("the worst is told wrongly")
	}
}

func TestGrids(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{"a\x1b[31mb": "a[31mb", "a\nb\tc": "a b c", "‮abc": "abc", "Grüße 漢字": "Grüße 漢字"} {
		if got := printable(in); got != want {
			t.Errorf("%q became %q", in, got)
		}
	}
	if got := count(-1234567); got != "-1,234,567" {
		t.Error(got)
	}
	if got := count(999); got != "999" {
		t.Error(got)
	}
	if got := size(165_000_000); got != "165.0 MB" {
		t.Error(got)
	}
	var out strings.Builder
	g := grid{fit: 36, head: []string{"A", "B"}}
	g.add("one", "a sentence that is longer than the terminal is wide")
	g.add("two", "")
	g.print(&out)
	if want := "A    B\none  a sentence that is longer than\n     the terminal is wide\ntwo\n"; out.String() != want {
		t.Errorf("%q", out.String())
	}
	if got := wrap("one two three", 7); len(got) != 2 || got[0] != "one two" {
		t.Error(got)
	}
}
