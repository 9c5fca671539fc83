package connectortest

import (
	"github.com/regrant/regrant/connector"
)

// unreachable refuses every connection.
func (s *suite) unreachable(t runner) {
	x := s.open(t, s.h.Env(t))
	x.gate.refuse.Store(true)
	_, err := x.check(t.Context())
	if err == nil {
		t.Fatalf("Check passes although every connection is refused; it must connect through Env.Dial")
	}
	f := connector.FaultOf(err)
	if f.Cause != connector.Outage || f.Step != connector.StepReach || f.Scope != connector.WholeAuthorization {
		t.Errorf("a refused connection gives cause %s at step %s, scope %s; want outage at reach, whole authorization (evidence: %s)",
			f.Cause, f.Step, scopeName(f.Scope), s.printable(err))
	}
	x.gate.up()
	if _, err := x.check(t.Context()); err != nil {
		t.Errorf("when connections are taken again, Check still fails: %s", s.printable(err))
	}
}

// connectionCut resets every connection after the first batch and refuses new
// ones until the read has ended. A read that has
// everything by then may finish; one that fails must not ask anybody to
// re-authorize; either way a new source goes on without loss.
func (s *suite) connectionCut(t runner) {
	x := s.open(t, s.h.Env(t))
	table, how := s.longest(x)
	req := rowsRequest(table, how)
	whole := mirrorOf(x.mustRead(req))

	var begun []piece
	done := false
	err := x.read(t.Context(), req, func(p piece) bool {
		begun = append(begun, p)
		if !done && len(p.rows) > 0 {
			done = true
			x.gate.down()
		}
		return true
	})
	x.gate.up()
	if err != nil {
		s.networkFault(t, err)
	}
	if _, err := x.check(t.Context()); err != nil {
		t.Errorf("after a cut, Check of the same source fails: %s", s.printable(err))
	}
	x.close()
	rest := s.open(t, s.h.Env(t)).mustRead(at(req, begun))
	if diff := mirrorOf(begun, rest).difference(whole); diff != "" {
		t.Errorf("after a cut connection, %s goes on with loss: %s", describe(req), diff)
	}
}

func (s *suite) networkFault(t runner, err error) {
	f := connector.FaultOf(err)
	if asksPerson(f) || f.Cause == connector.Throttled {
		t.Errorf("a cut connection gives cause %s (evidence: %s)", f.Cause, s.printable(err))
	}
	if f.Scope != connector.WholeAuthorization {
		t.Errorf("a cut connection gives scope one table; it is about all of them")
	}
}
