package connectortest

import (
	"maps"

	"github.com/regrant/regrant/connector"
)

// formValues opens with one value missing or senseless at a time. What is
// missing must be refused at the form; a senseless value may pass Open, but if
// it is refused, then as the form's fault.
func (s *suite) formValues(t runner) {
	form, _ := s.h.form()
	good := s.h.Env(t)
	for _, f := range form.Fields {
		if f.Required && f.Show.Holds(withDefaults(form, good.Settings)) {
			t.run("without "+f.Name, func(t runner) { s.mustRefuse(t, without(good, f.Name)) })
		}
		if bad := senseless(f); bad != "" {
			t.run("senseless "+f.Name, func(t runner) { s.mayRefuse(t, with(good, f, bad)) })
		}
	}
	t.run("no values", func(t runner) {
		empty := good
		empty.Settings, empty.Secrets = nil, nil
		s.mayRefuse(t, empty)
	})
}

func withDefaults(form connector.Form, settings map[string]string) map[string]string {
	all := map[string]string{}
	for _, f := range form.Fields {
		all[f.Name] = f.Default
	}
	maps.Copy(all, settings)
	return all
}

func senseless(f connector.Field) string {
	switch f.Kind {
	case connector.Number:
		return "twelve"
	case connector.Choice, connector.Toggle:
		return "no such choice"
	}
	return ""
}

func without(env connector.Env, name string) connector.Env {
	env.Settings, env.Secrets = maps.Clone(env.Settings), maps.Clone(env.Secrets)
	delete(env.Settings, name)
	delete(env.Secrets, name)
	return env
}

// with sets one value, as a secret or as a setting.
func with(env connector.Env, f connector.Field, value string) connector.Env {
	env = without(env, f.Name)
	if env.Settings == nil {
		env.Settings = map[string]string{}
	}
	if env.Secrets == nil {
		env.Secrets = map[string]connector.Secret{}
	}
	if f.Secret {
		env.Secrets[f.Name] = connector.NewSecret(value)
		return env
	}
	env.Settings[f.Name] = value
	return env
}

func (s *suite) mustRefuse(t runner, env connector.Env) {
	_, err := s.tryOpen(t, env)
	if err == nil {
		t.Fatalf("Open accepts a form without a required value")
	}
	formFault(t, err)
}

func (s *suite) mayRefuse(t runner, env connector.Env) {
	if _, err := s.tryOpen(t, env); err != nil {
		formFault(t, err)
	}
}

func formFault(t runner, err error) {
	t.Helper()
	f := connector.FaultOf(err)
	if f.Cause != connector.Invalid || f.Step != connector.StepForm {
		t.Errorf("Open refuses the form with cause %s at step %s, want invalid at form", f.Cause, f.Step)
	}
}
