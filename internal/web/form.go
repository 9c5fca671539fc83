package web

import (
	"net/http"
	"slices"
	"strings"

	"github.com/regrant/regrant/connector"
	"github.com/regrant/regrant/internal/integration"
)

// acceptHostKey is the field by which a person accepts a server's new key. It
// is never typed: it is offered beside the old and the new fingerprint.
const acceptHostKey = "ssh_accept_host_key"

// formView is a connector's form, ready to be drawn.
type formView struct {
	Form     connector.Form
	Forms    []connector.Form // all ways to authorize, when there are several
	Groups   []groupView
	Problems []problem
	Guide    []connector.Instruction
	Kept     bool // some secrets are sealed already
	Hosts    *hostKeys
	Accepted bool
	First    bool // the first connecting, not a re-authorization
	Partial  bool // offer to pause what cannot be read
}

// problem is a field with what to do about it.
type problem struct{ Name, Label, Text string }

// groupView is fields under one heading.
type groupView struct {
	Name    string
	Hidden  bool
	Folded  bool   // nothing in it is likely to need a person
	Summary string // of a folded group: its values
	Fields  []fieldView
}

// fieldView is one field with its value. Of a secret it has none.
type fieldView struct {
	connector.Field
	Value  string
	Hint   string // in an empty secret field
	Kept   bool   // a sealed value exists and stays when nothing is entered
	Public string // public half of a generated secret
	Error  string
	Hidden bool
	// Optional is said of fields that may stay empty, and only of those.
	Optional bool
	Steers   bool // other fields show or hide by it
	Changed  bool // an identity field that may not change now
}

// formValues are the values the form opens with: the defaults, what is in
// force, what was typed before the first success, what was just typed.
func formValues(form connector.Form, in integration.Integration, typed map[string]string) map[string]string {
	values := make(map[string]string, len(form.Fields))
	for _, f := range form.Fields {
		if f.Secret {
			continue
		}
		values[f.Name] = f.Default
	}
	layers := []map[string]string{in.Authorization.Settings}
	if in.Draft != nil {
		layers = append(layers, in.Draft.Settings)
	}
	for _, layer := range append(layers, typed) {
		for name, value := range layer {
			if f, ok := form.Field(name); ok && !f.Secret {
				values[name] = value
			}
		}
	}
	return values
}

// publicHalves are the generated public keys by field.
func publicHalves(in integration.Integration) map[string]string {
	public := make(map[string]string)
	if in.Draft != nil {
		for k, v := range in.Draft.Public {
			public[k] = v
		}
	}
	for k, v := range in.Authorization.Public {
		public[k] = v
	}
	return public
}

func newFormView(d connector.Definition, form connector.Form, in integration.Integration, typed, wrong map[string]string, hosts *hostKeys) formView {
	values, public := formValues(form, in, typed), publicHalves(in)
	v := formView{Form: form, Hosts: hosts, First: !in.Finished(), Problems: problems(wrong, form.Fields)}
	v.Accepted = hosts != nil && typed[acceptHostKey] == hosts.New
	if len(d.Forms) > 1 {
		v.Forms = d.Forms
	}
	sealed := in.Finished() && in.Authorization.Form == form.ID
	steers := make(map[string]bool)
	for _, f := range form.Fields {
		steers[f.Show.Field] = true
	}
	for _, f := range form.Fields {
		if f.Name == acceptHostKey {
			continue
		}
		fv := fieldView{
			Field: f, Error: wrong[f.Name], Hidden: !f.Show.Holds(values), Steers: steers[f.Name],
			Public: public[f.Name], Changed: f.Identity && in.Finished(),
			Optional: !f.Required && f.Default == "" && f.Kind != connector.Choice && f.Kind != connector.Toggle && public[f.Name] == "",
		}
		if f.Secret {
			if fv.Kept = sealed || fv.Public != ""; fv.Kept {
				fv.Hint = "kept; leave empty to keep it"
			}
			v.Kept = v.Kept || sealed
		} else {
			fv.Value = values[f.Name]
		}
		v.put(fv)
	}
	v.Guide = guideOf(form, values, public)
	if in.Finished() && typed == nil {
		v.fold()
	}
	return v
}

// hint says of required secrets that a new one is awaited, when the server
// refuses the one that is kept.
func (v *formView) hint(open []integration.Incident) {
	refused := slices.ContainsFunc(open, func(i integration.Incident) bool {
		return i.Table == "" && i.Actor() == integration.Somebody && i.Step == connector.StepSignIn
	})
	for g := range v.Groups {
		for n := range v.Groups[g].Fields {
			if f := &v.Groups[g].Fields[n]; refused && f.Kept && f.Required {
				f.Hint = "enter the new one"
			}
		}
	}
}

// fold closes the groups that a re-authorization seldom changes: those in
// which no secret has to be entered. The values stay readable in one line.
func (v *formView) fold() {
	for n := range v.Groups {
		g := &v.Groups[n]
		g.Folded = len(v.Groups) > 1
		var values []string
		for _, f := range g.Fields {
			if f.Hidden {
				continue
			}
			if f.Secret && f.Required || f.Error != "" {
				g.Folded = false
			}
			if text := f.short(); text != "" {
				values = append(values, text)
			}
		}
		g.Summary = strings.Join(values, " · ")
	}
}

// short is a field's value in one line, or "".
func (f fieldView) short() string {
	for _, o := range f.Choices {
		if o.Value == f.Value {
			return o.Label
		}
	}
	switch {
	case f.Kind == connector.Toggle && f.Value == "true":
		return f.Label
	case f.Kind == connector.Toggle, f.Secret:
		return ""
	case f.Kind == connector.Block && f.Value != "":
		return f.Label + " given"
	default:
		return f.Value
	}
}

func (v *formView) put(f fieldView) {
	n := slices.IndexFunc(v.Groups, func(g groupView) bool { return g.Name == f.Group })
	if n < 0 {
		v.Groups = append(v.Groups, groupView{Name: f.Group, Hidden: true})
		n = len(v.Groups) - 1
	}
	v.Groups[n].Fields = append(v.Groups[n].Fields, f)
	v.Groups[n].Hidden = v.Groups[n].Hidden && f.Hidden
}

// guideOf asks the form for its instructions. Public keys join the values:
// they are no secrets.
func guideOf(form connector.Form, values, public map[string]string) []connector.Instruction {
	if form.Guide == nil {
		return nil
	}
	all := make(map[string]string, len(values)+len(public))
	for k, v := range values {
		all[k] = v
	}
	for field, key := range public {
		all[field] = key // of a generated secret a guide sees the public half
	}
	return form.Guide(all)
}

// problems orders what is wrong as the form is ordered; what names no field
// comes first.
func problems(wrong map[string]string, fields []connector.Field) []problem {
	out := make([]problem, 0, len(wrong))
	place := make(map[string]int, len(fields))
	for n, f := range fields {
		place[f.Name] = n + 1
		if text, ok := wrong[f.Name]; ok {
			out = append(out, problem{f.Name, f.Label, text})
		}
	}
	for name, text := range wrong {
		if place[name] == 0 {
			out = append(out, problem{"", strings.ReplaceAll(name, "_", " "), text})
		}
	}
	slices.SortStableFunc(out, func(a, b problem) int { return place[a.Name] - place[b.Name] })
	return out
}

// readForm takes what was typed, for the fields of the form only. Fields that
// do not show are left out: their values mean nothing.
func readForm(r *http.Request, form connector.Form) (integration.Submission, error) {
	if err := r.ParseForm(); err != nil {
		return integration.Submission{}, badRequest("Regrant could not read the form. Load the page again and repeat it.", err)
	}
	sub := integration.Submission{
		Form: form.ID, Settings: make(map[string]string), Secrets: make(map[string]connector.Secret),
		PauseUnreadable: r.PostForm.Get("pause_unreadable") == "true",
	}
	typed := make(map[string]string)
	for _, f := range form.Fields {
		if values := r.PostForm["f."+f.Name]; len(values) > 0 {
			typed[f.Name] = values[len(values)-1] // a ticked box follows its hidden "false"
		} else if !f.Secret {
			typed[f.Name] = f.Default
		}
	}
	for _, f := range form.Fields {
		value, sent := typed[f.Name], r.PostForm.Has("f."+f.Name)
		if f.Kind == connector.Block {
			value = strings.ReplaceAll(value, "\r\n", "\n")
		}
		switch {
		case !sent || !f.Show.Holds(typed):
		case f.Secret && value != "":
			sub.Secrets[f.Name] = connector.NewSecret(value)
		case !f.Secret:
			sub.Settings[f.Name] = value
		}
	}
	return sub, nil
}
