package connectortest

import (
	"github.com/regrant/regrant/connector"
)

// canary is what the suite plants; it grows a name so that each is unlike.
func canary(field string) string { return "canary-" + field + "-9f3b6c1e7a" }

// canarySecrets plants canaries beside the good secrets and then looks at
// everything that can be printed. All other checks look as well; this one adds
// what no program should print and some do.
func (s *suite) canarySecrets(t runner) {
	form, _ := s.h.form()
	env := s.h.Env(t)
	if len(env.Secrets) == 0 && hasSecrets(form) {
		t.Fatalf("the harness gives no secrets, so nothing can be looked for")
	}
	x := s.open(t, env)
	for what, v := range map[string]any{"Env": env, "Env.Settings": env.Settings, "Env.Secrets": env.Secrets} {
		if field := s.watch.findInValue(v); field != "" {
			t.Errorf("printing %s shows the secret of field %q", what, field)
		}
	}
	s.printSource(t, x, "an opened source")
	x.identity()
	s.readEverything(x)
	x.close()
	s.printSource(t, x, "a closed source")
	if x.log.text() == "" {
		t.Logf("the connector logged nothing, so nothing was seen there")
	}
}

func hasSecrets(form connector.Form) bool {
	for _, f := range form.Fields {
		if f.Secret {
			return true
		}
	}
	return false
}

func (s *suite) printSource(t runner, x *session, what string) {
	t.Helper()
	if field := s.watch.findInValue(x.source); field != "" {
		t.Errorf("printing %s shows the secret of field %q; keep it in a connector.Secret", what, field)
	}
}

// wrongSecrets puts a canary in the place of each secret in turn. At least one
// must be refused; each refusal blames the credential and hides the canary.
func (s *suite) wrongSecrets(t runner) {
	form, _ := s.h.form()
	if !hasSecrets(form) {
		t.Skipf("the form has no secrets")
	}
	refused := 0
	for _, f := range form.Fields {
		if f.Secret {
			t.run(f.Name, func(t runner) { refused += s.wrongSecret(t, f) })
		}
	}
	if refused == 0 {
		t.Errorf("whatever secret is given, Check passes; it proves nothing about the authorization")
	}
}

func (s *suite) wrongSecret(t runner, f connector.Field) (refused int) {
	env := s.h.Env(t)
	s.equip(env) // the good secrets must not show either
	x, err := s.tryOpen(t, with(env, f, canary(f.Name)))
	if err == nil {
		_, err = x.check(t.Context())
	}
	if err == nil {
		return 0 // a secret that this account does not use
	}
	got := connector.FaultOf(err)
	if !asksPerson(got) {
		t.Errorf("a wrong %s gives cause %s, want invalid, access_changed or expired (evidence: %s)", f.Name, got.Cause, s.printable(err))
	}
	if got.Step != connector.StepForm && got.Step != connector.StepSignIn {
		t.Errorf("a wrong %s gives step %s, want form or sign_in", f.Name, got.Step)
	}
	if got.Scope != connector.WholeAuthorization {
		t.Errorf("a wrong %s gives scope one table", f.Name)
	}
	return 1
}
