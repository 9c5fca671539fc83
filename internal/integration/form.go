package integration

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/regrant/regrant/connector"
)

// Submission is what a person entered in a form.
type Submission struct {
	Form     string // empty: the form in force, else the connector's first
	Settings map[string]string
	Secrets  map[string]connector.Secret // absent or empty: keep what is sealed
	Tables   []string                    // to enable when connecting; nil: all that can be read

	// PauseUnreadable accepts a credential that cannot read every enabled
	// table and pauses those tables. Without it such a credential is refused.
	PauseUnreadable bool
}

// FormError says what to do about each field that is not right.
type FormError struct{ Fields map[string]string }

func (e *FormError) Error() string {
	parts := make([]string, 0, len(e.Fields))
	for _, name := range slices.Sorted(maps.Keys(e.Fields)) {
		parts = append(parts, name+": "+e.Fields[name])
	}
	return strings.Join(parts, "; ")
}

// checkForm returns the complete settings (defaults filled in, fields that do
// not show left out) and the secrets, or a FormError with every problem at
// once. kept holds the secrets that stay when nothing is entered.
func checkForm(form connector.Form, sub Submission, kept map[string]connector.Secret) (map[string]string, map[string]connector.Secret, error) {
	problems := unknownFields(form, sub)
	settings := make(map[string]string, len(form.Fields))
	for _, f := range form.Fields {
		if f.Secret {
			continue
		}
		value := sub.Settings[f.Name]
		if f.Kind != connector.Block {
			value = strings.TrimSpace(value)
		}
		if value == "" {
			value = f.Default
		}
		settings[f.Name] = value
	}
	secrets := make(map[string]connector.Secret)
	for _, f := range form.Fields {
		shown := f.Show.Holds(settings)
		if !shown {
			delete(settings, f.Name) // values of hidden fields mean nothing
			continue
		}
		value := settings[f.Name]
		if f.Secret {
			secret := sub.Secrets[f.Name]
			if secret.Empty() {
				secret = kept[f.Name]
			}
			if !secret.Empty() {
				secrets[f.Name] = secret
			}
			value = secret.Reveal()
		}
		if problem := checkValue(f, value); problem != "" {
			problems[f.Name] = problem
		}
	}
	if len(problems) > 0 {
		return nil, nil, &FormError{problems}
	}
	return settings, secrets, nil
}

func unknownFields(form connector.Form, sub Submission) map[string]string {
	problems := make(map[string]string)
	report := func(name string, secret bool) {
		f, ok := form.Field(name)
		switch {
		case !ok:
			problems[name] = "there is no such field; the fields are " + fieldNames(form)
		case f.Secret && !secret:
			problems[name] = "this is a secret and must be given as one"
		case !f.Secret && secret:
			problems[name] = "this is not a secret; give it as a setting"
		}
	}
	for name := range sub.Settings {
		report(name, false)
	}
	for name := range sub.Secrets {
		report(name, true)
	}
	return problems
}

func fieldNames(form connector.Form) string {
	names := make([]string, 0, len(form.Fields))
	for _, f := range form.Fields {
		names = append(names, f.Name)
	}
	return strings.Join(names, ", ")
}

// checkValue says what is wrong with a value, or "".
func checkValue(f connector.Field, value string) string {
	limit := f.MaxBytes
	if limit == 0 {
		limit = connector.DefaultMaxBytes
	}
	switch {
	case value == "" && f.Required:
		return "fill this in"
	case value == "":
		return ""
	case len(value) > limit:
		return fmt.Sprintf("this is %d bytes long; at most %d are taken", len(value), limit)
	case strings.ContainsRune(value, 0):
		return "this holds a NUL character; remove it"
	case f.Kind != connector.Block && value != strings.TrimRight(value, "\r\n"):
		return "this ends with a line break; remove it (it was probably copied along)"
	case f.Kind != connector.Block && strings.ContainsAny(value, "\r\n"):
		return "this holds a line break; enter it on one line"
	}
	return checkKind(f, value)
}

func checkKind(f connector.Field, value string) string {
	switch f.Kind {
	case connector.Number:
		if n, err := strconv.Atoi(value); err != nil || n < 0 {
			return "enter a whole number"
		}
	case connector.Toggle:
		if value != "true" && value != "false" {
			return "enter true or false"
		}
	case connector.Choice:
		options := make([]string, 0, len(f.Choices))
		for _, o := range f.Choices {
			if o.Value == value {
				return ""
			}
			options = append(options, o.Value)
		}
		return "choose one of " + strings.Join(options, ", ")
	case connector.Text, connector.Block:
	}
	return ""
}
