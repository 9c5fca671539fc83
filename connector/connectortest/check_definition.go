package connectortest

import (
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/regrant/regrant/connector"
)

// maxField is the largest bound a field may have: a form is not an upload.
const maxField = 1 << 20

var (
	idShape    = regexp.MustCompile(`^[a-z][a-z0-9]*$`)
	fieldShape = regexp.MustCompile(`^[a-z][a-z0-9_]*$`)
)

// definition checks that the catalogue entry is complete.
func (s *suite) definition(t runner) {
	d := s.h.Definition
	if folder := s.folder(t); d.ID != folder {
		t.Errorf("the id is %q, but the folder is %q", d.ID, folder)
	}
	for _, problem := range definitionProblems(d) {
		t.Errorf("the definition %s", problem)
	}
	ids := map[string]bool{}
	for _, form := range d.Forms {
		if ids[form.ID] {
			t.Errorf("two forms are called %q", form.ID)
		}
		ids[form.ID] = true
		t.run("form "+form.ID, func(t runner) { checkForm(t, form) })
	}
	s.envFits(t)
}

func (s *suite) folder(t runner) string {
	if s.h.Folder != "" {
		return s.h.Folder
	}
	dir, err := os.Getwd()
	if err != nil {
		t.Fatalf("the folder's name: %v", err)
	}
	return filepath.Base(dir)
}

func definitionProblems(d connector.Definition) []string {
	var problems []string
	add := func(bad bool, format string, args ...any) {
		if bad {
			problems = append(problems, fmt.Sprintf(format, args...))
		}
	}
	docs, err := url.Parse(d.Docs)
	add(!idShape.MatchString(d.ID), "has the id %q; use lower-case letters and digits", d.ID)
	add(strings.TrimSpace(d.Title) == "", "has no Title")
	add(strings.TrimSpace(d.Summary) == "", "has no Summary for the catalogue")
	add(strings.Contains(d.Summary, "\n"), "has a Summary of several lines; it is one sentence")
	add(err != nil || docs.Scheme != "https" || docs.Host == "", "has Docs %q, want the https address of the third party's page on access", d.Docs)
	add(d.Kind > connector.Account, "has an undeclared Kind %d", d.Kind)
	add(len(d.Forms) == 0 && d.Retired == "", "has no form, so nobody can connect")
	return problems
}

// envFits checks that the harness fills the form it says it fills.
func (s *suite) envFits(t runner) {
	form, _ := s.h.form()
	env := s.h.Env(t)
	for name := range env.Settings {
		if f, ok := form.Field(name); !ok || f.Secret {
			t.Errorf("the harness gives the setting %q, which is no plain field of form %q", name, form.ID)
		}
	}
	for name, secret := range env.Secrets {
		if f, ok := form.Field(name); !ok || !f.Secret {
			t.Errorf("the harness gives the secret %q, which is no secret field of form %q", name, form.ID)
		}
		if n := len(secret.Reveal()); n > 0 && n < minSecret {
			t.Errorf("the harness gives a secret %q of %d characters; the suite cannot look for less than %d", name, n, minSecret)
		}
	}
}

func checkForm(t runner, form connector.Form) {
	if !fieldShape.MatchString(form.ID) {
		t.Errorf("the form's id is %q; use lower-case letters, digits and _", form.ID)
	}
	if strings.TrimSpace(form.Title) == "" {
		t.Errorf("the form has no Title")
	}
	names := map[string]bool{}
	for _, f := range form.Fields {
		if names[f.Name] {
			t.Errorf("two fields are called %q", f.Name)
		}
		names[f.Name] = true
		for _, problem := range slices.Concat(fieldProblems(f), showProblems(form, f)) {
			t.Errorf("field %q %s", f.Name, problem)
		}
	}
	checkGuide(t, form)
}

func fieldProblems(f connector.Field) []string {
	var problems []string
	add := func(bad bool, format string, args ...any) {
		if bad {
			problems = append(problems, fmt.Sprintf(format, args...))
		}
	}
	add(!fieldShape.MatchString(f.Name), "has a name that is not lower-case letters, digits and _")
	add(strings.TrimSpace(f.Label) == "", "has no Label")
	add(strings.TrimSpace(f.Help) == "", "has no Help")
	add(f.Help != "" && strings.TrimSpace(f.Help) == strings.TrimSpace(f.Label), "has a Help that repeats the Label")
	add(f.MaxBytes < 0 || f.MaxBytes > maxField, "has the bound %d, want 0 to %d", f.MaxBytes, maxField)
	add(f.Kind > connector.Block, "has an undeclared Kind %d", f.Kind)
	add(f.Secret && f.Default != "", "is a secret with a Default, which everybody would know")
	add(f.Secret && f.Identity, "is a secret that names the account; Identity is shown and compared")
	add(f.Generate != "" && !f.Secret, "is generated and not marked Secret")
	add(!f.Secret && looksSecret(f.Name), "sounds like a secret and is not marked Secret")
	add(f.Kind == connector.Toggle && f.Required, "is a required Toggle; it always has a value")
	return append(problems, kindProblems(f)...)
}

// looksSecret knows the names that secrets usually have.
func looksSecret(name string) bool {
	for _, part := range strings.Split(name, "_") {
		if slices.Contains([]string{"password", "passphrase", "secret", "token"}, part) {
			return true
		}
	}
	return strings.HasSuffix(name, "private_key") || strings.HasSuffix(name, "api_key")
}

func kindProblems(f connector.Field) []string {
	var problems []string
	values := optionValues(f)
	switch f.Kind {
	case connector.Choice:
		if len(values) < 2 {
			problems = append(problems, "is a Choice with nothing to choose")
		}
		if f.Default != "" && !slices.Contains(values, f.Default) {
			problems = append(problems, fmt.Sprintf("has the Default %q, which is no choice", f.Default))
		}
		for _, o := range f.Choices {
			if strings.TrimSpace(o.Label) == "" {
				problems = append(problems, fmt.Sprintf("has a choice %q without a label", o.Value))
			}
		}
		sorted := slices.Sorted(slices.Values(values))
		if len(slices.Compact(sorted)) != len(values) {
			problems = append(problems, "has the same choice twice")
		}
	case connector.Number:
		if _, err := strconv.ParseInt(f.Default, 10, 64); f.Default != "" && err != nil {
			problems = append(problems, fmt.Sprintf("is a Number with the Default %q", f.Default))
		}
	case connector.Toggle:
		if f.Default != "" && f.Default != "true" && f.Default != "false" {
			problems = append(problems, fmt.Sprintf("is a Toggle with the Default %q", f.Default))
		}
	}
	if f.Kind != connector.Choice && len(f.Choices) > 0 {
		problems = append(problems, "has choices and is no Choice")
	}
	return problems
}

func optionValues(f connector.Field) []string {
	if f.Kind == connector.Toggle {
		return []string{"true", "false"}
	}
	var values []string
	for _, o := range f.Choices {
		values = append(values, o.Value)
	}
	return values
}

// showProblems follows the conditions from field to field.
func showProblems(form connector.Form, f connector.Field) []string {
	if f.Show.Field == "" {
		return nil
	}
	if len(f.Show.Values) == 0 {
		return []string{"is never shown: its Show has no values"}
	}
	other, ok := form.Field(f.Show.Field)
	if !ok {
		return []string{fmt.Sprintf("is shown depending on %q, which is no field", f.Show.Field)}
	}
	if other.Secret {
		return []string{fmt.Sprintf("is shown depending on the secret %q, whose value no page knows", other.Name)}
	}
	if known := optionValues(other); len(known) > 0 {
		for _, v := range f.Show.Values {
			if !slices.Contains(known, v) {
				return []string{fmt.Sprintf("is shown when %q is %q, which cannot be chosen", other.Name, v)}
			}
		}
	}
	if showsItself(form, f) {
		return []string{"is shown depending on itself"}
	}
	return nil
}

func showsItself(form connector.Form, f connector.Field) bool {
	at := f
	for range form.Fields {
		next, ok := form.Field(at.Show.Field)
		if !ok {
			return false
		}
		if next.Name == f.Name {
			return true
		}
		at = next
	}
	return false
}

// checkGuide asks for the guide as pages do: early, late and with odd values.
func checkGuide(t runner, form connector.Form) {
	if form.Guide == nil {
		return
	}
	for name, values := range guideValues(form) {
		var steps []connector.Instruction
		_ = guard(t, "Guide with "+name, func() error {
			steps = form.Guide(values)
			return nil
		})
		if len(steps) == 0 {
			t.Errorf("the guide with %s says nothing", name)
		}
		for i, step := range steps {
			if strings.TrimSpace(step.Title) == "" {
				t.Errorf("step %d of the guide with %s has no Title", i+1, name)
			}
			if step.Code != "" && !slices.Contains([]string{"sql", "sh", "text"}, step.Lang) {
				t.Errorf("step %q of the guide has code in %q; want sql, sh or text", step.Title, step.Lang)
			}
		}
	}
}

func guideValues(form connector.Form) map[string]map[string]string {
	empty, full, odd := map[string]string{}, map[string]string{}, map[string]string{}
	for _, f := range form.Fields {
		if f.Secret {
			continue
		}
		full[f.Name] = f.Default
		if f.Default == "" {
			full[f.Name] = "shop"
		}
		odd[f.Name] = "o'dd\"; --\n`$(x)\\ é"
	}
	return map[string]map[string]string{"no values": nil, "empty values": empty, "full values": full, "odd values": odd}
}
