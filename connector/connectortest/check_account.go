package connectortest

import (
	"slices"
	"strings"
	"time"

	"github.com/regrant/regrant/connector"
)

// goodCheck proves that Check passes and always names the same account.
func (s *suite) goodCheck(t runner) {
	env := s.h.Env(t)
	x := s.open(t, env)
	id := x.identity()
	if x.gate.dialed.Load() == 0 {
		t.Errorf("Check did not connect through Env.Dial, so the operator's rules on addresses do not hold")
	}
	checkIdentity(t, id)
	if again := x.identity(); again.Fingerprint != id.Fingerprint {
		t.Errorf("a second Check gives the fingerprint %q, the first %q", again.Fingerprint, id.Fingerprint)
	}
	env.Trust = id.Trust
	fresh := s.open(t, env).identity()
	if fresh.Fingerprint != id.Fingerprint {
		t.Errorf("a fresh source gives the fingerprint %q, the first %q", fresh.Fingerprint, id.Fingerprint)
	}
}

func checkIdentity(t runner, id connector.Identity) {
	if id.Fingerprint == "" {
		t.Errorf("the Identity has no Fingerprint, so another account could not be refused")
	}
	if strings.TrimSpace(id.Account) == "" {
		t.Errorf("the Identity names no Account for people")
	}
	known := []connector.ExpirySource{connector.ReadFromCredential, connector.DeclaredByVendor, connector.InactivityRule,
		connector.Certificate, connector.PasswordValidity, connector.Sunset}
	for _, e := range id.Expiries {
		if e.What == "" || e.At.IsZero() || !slices.Contains(known, e.Source) {
			t.Errorf("an expiry must say what, when and how that is known: %+v", e)
		}
		if e.At.Before(time.Now().AddDate(-50, 0, 0)) {
			t.Errorf("an expiry was long ago: %+v", e)
		}
	}
	for _, w := range id.Warnings {
		if strings.TrimSpace(w) == "" {
			t.Errorf("a warning is empty")
		}
	}
}

// otherAccount proves that a different account is told apart.
func (s *suite) otherAccount(t runner) {
	one := s.open(t, s.h.Env(t)).identity()
	two := s.open(t, s.h.Other(t)).identity()
	if one.Fingerprint == two.Fingerprint {
		t.Errorf("two accounts have the same fingerprint %q", one.Fingerprint)
	}
}

// rotated proves that new credentials of the same account go on where the old
// ones were, with the fingerprint unchanged.
func (s *suite) rotated(t runner) {
	old := s.open(t, s.h.Env(t))
	before := old.identity()
	table, how := s.longest(old)
	req := rowsRequest(table, how)
	whole := old.mustRead(req)
	begun := old.first(req)
	old.close()

	fresh := s.open(t, s.h.Rotated(t))
	if after := fresh.identity(); after.Fingerprint != before.Fingerprint {
		t.Errorf("new credentials of the same account change the fingerprint from %q to %q", before.Fingerprint, after.Fingerprint)
	}
	rest := fresh.mustRead(at(req, begun))
	if diff := mirrorOf(begun, rest).difference(mirrorOf(whole)); diff != "" {
		t.Errorf("after new credentials in mid-run, %s: %s", describe(req), diff)
	}
}

// readOnly uses everything once and asks what the third party saw.
func (s *suite) readOnly(t runner) {
	x := s.open(t, s.h.Env(t))
	x.identity()
	s.readEverything(x)
	x.close()
	for _, write := range s.h.Writes(t) {
		t.Errorf("the third party saw a write: %s", write)
	}
}

// readEverything makes every pass over every table.
func (s *suite) readEverything(x *session) {
	for _, table := range x.chosen() {
		for _, how := range methods(table) {
			req := rowsRequest(table, how)
			pieces := x.mustRead(req)
			if how.Method == connector.FullTable || len(table.Key) == 0 || len(pieces) == 0 {
				continue
			}
			end := at(req, pieces).Position
			x.mustRead(columnsRequest(table, how, end))
			x.mustRead(keysRequest(table, how, end))
		}
	}
}
