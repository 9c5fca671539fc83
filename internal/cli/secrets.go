package cli

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/regrant/regrant/client"
	"github.com/regrant/regrant/internal/settings"
)

// filling is what a person gives for a form.
type filling struct {
	Form   string   `placeholder:"ID" help:"The way to authorize; connectors ID lists them."`
	Set    []string `sep:"none" placeholder:"K=V" help:"A value of the form that is no secret."`
	Secret []string `sep:"none" placeholder:"K=SOURCE" help:"A secret: env:VAR, file:PATH, or - for standard input."`
}

// submission reads the values and checks their names against the form.
func (f filling) submission(a *app, form client.Form) (client.Submission, error) {
	out := client.Submission{Form: form.ID, Settings: map[string]string{}, Secrets: map[string]client.Secret{}}
	for _, given := range f.Set {
		name, text, ok := strings.Cut(given, "=")
		if !ok {
			return out, usage(errors.New("--set takes NAME=VALUE"))
		}
		field, err := fieldOf(form, name)
		if err != nil {
			return out, usage(err)
		}
		if field.Secret {
			return out, usage(fmt.Errorf("%s is a secret and does not belong on a command line, where others can read it: use --secret %s=env:VAR, --secret %s=file:PATH or --secret %s=-", name, name, name, name))
		}
		if _, twice := out.Settings[name]; twice {
			return out, usage(fmt.Errorf("--set %s is given twice", name))
		}
		out.Settings[name] = text
	}
	return out, f.secrets(a, form, &out)
}

func (f filling) secrets(a *app, form client.Form, out *client.Submission) error {
	stdin := ""
	for _, given := range f.Secret {
		name, source, ok := strings.Cut(given, "=")
		if !ok {
			return usage(errors.New("--secret takes NAME=env:VAR, NAME=file:PATH or NAME=-"))
		}
		field, err := fieldOf(form, name)
		if err != nil {
			return usage(err)
		}
		if !field.Secret {
			return usage(fmt.Errorf("%s is no secret: use --set %s=VALUE", name, name))
		}
		if _, twice := out.Secrets[name]; twice {
			return usage(fmt.Errorf("--secret %s is given twice", name))
		}
		if source == "-" {
			if stdin != "" {
				return usage(fmt.Errorf("%s and %s cannot both come from standard input", stdin, name))
			}
			stdin = name
		}
		plain, err := a.secret(source, field.Kind == "block")
		if err != nil {
			return usage(fmt.Errorf("secret %s: %w", name, err))
		}
		out.Secrets[name] = client.Secret(plain)
	}
	return nil
}

// secret reads from where the person says. What is no source may be the
// secret itself, so it is not repeated.
func (a *app) secret(source string, block bool) (string, error) {
	kind, rest, _ := strings.Cut(source, ":")
	switch {
	case source == "-":
		if a.env.Stdin == nil {
			return "", errors.New("there is no standard input")
		}
		return settings.Trimmed(a.env.Stdin, block)
	case kind == "env" && rest != "":
		plain := a.env.Getenv(rest)
		if plain == "" {
			return "", fmt.Errorf("the environment variable %s is not set", rest)
		}
		return settings.Trimmed(strings.NewReader(plain), block)
	case kind == "file" && rest != "":
		f, err := os.Open(rest) //nolint:gosec // the person names it
		if err != nil {
			return "", fmt.Errorf("the file cannot be opened: %w", err)
		}
		defer func() { _ = f.Close() }()
		return settings.Trimmed(f, block)
	}
	return "", errors.New("say where it comes from: env:VAR, file:PATH, or - for standard input")
}

func fieldOf(form client.Form, name string) (client.Field, error) {
	names := make([]string, 0, len(form.Fields))
	for _, f := range form.Fields {
		if f.Name == name {
			return f, nil
		}
		names = append(names, f.Name)
	}
	hint := ""
	if near := settings.Nearest(name, names); near != "" {
		hint = "did you mean " + near + "? "
	}
	return client.Field{}, fmt.Errorf("there is no field %q: %sthe fields are %s", printable(name), hint, strings.Join(names, ", "))
}

// missing lists the required fields that show and were not given.
func missing(form client.Form, s client.Submission, generated map[string]string) []string {
	values := make(map[string]string)
	for _, f := range form.Fields {
		if !f.Secret {
			values[f.Name] = f.Default
		}
	}
	for name, v := range s.Settings {
		values[name] = v
	}
	var out []string
	for _, f := range form.Fields {
		if !f.Required || !f.Show.Holds(values) || values[f.Name] != "" || f.Generate != "" {
			continue
		}
		if s.Secrets[f.Name] != "" || generated[f.Name] != "" {
			continue
		}
		if f.Secret {
			out = append(out, "--secret "+f.Name+"=…")
		} else {
			out = append(out, "--set "+f.Name+"=…")
		}
	}
	slices.Sort(out)
	return out
}

// formOf chooses the form asked for, else the one in force, else the first.
func formOf(c client.Connector, asked string, inForce ...string) (client.Form, error) {
	ids := make([]string, 0, len(c.Forms))
	for _, f := range c.Forms {
		ids = append(ids, f.ID)
	}
	for _, id := range append([]string{asked}, inForce...) {
		if id == "" {
			continue
		}
		if n := slices.Index(ids, id); n >= 0 {
			return c.Forms[n], nil
		}
		if id == asked {
			return client.Form{}, usage(fmt.Errorf("%s has no form %q: there are %s", c.Title, printable(id), strings.Join(ids, ", ")))
		}
	}
	if len(c.Forms) == 0 {
		return client.Form{}, fmt.Errorf("%s cannot be connected: %s", c.Title, c.Retired)
	}
	return c.Forms[0], nil
}
