package api

import (
	"github.com/regrant/regrant/client"
	"github.com/regrant/regrant/connector"
)

func connectorView(d connector.Definition) client.Connector {
	out := client.Connector{
		ID: d.ID, Title: d.Title, Kind: "database", Summary: d.Summary, Docs: d.Docs, Retired: d.Retired,
		Forms: make([]client.Form, 0, len(d.Forms)),
	}
	if d.Kind == connector.Account {
		out.Kind = "account"
	}
	for _, f := range d.Forms {
		out.Forms = append(out.Forms, formView(f))
	}
	return out
}

func formView(f connector.Form) client.Form {
	out := client.Form{ID: f.ID, Title: f.Title, Fields: make([]client.Field, 0, len(f.Fields)), Guide: guideView(f, defaults(f))}
	for _, field := range f.Fields {
		out.Fields = append(out.Fields, fieldView(field))
	}
	return out
}

func fieldView(f connector.Field) client.Field {
	kinds := map[connector.FieldKind]string{
		connector.Text: "text", connector.Number: "number", connector.Choice: "choice", connector.Toggle: "toggle", connector.Block: "block",
	}
	out := client.Field{
		Name: f.Name, Label: f.Label, Help: f.Help, Group: f.Group, Kind: kinds[f.Kind], Secret: f.Secret, Required: f.Required,
		Default: f.Default, MaxBytes: f.MaxBytes, Identity: f.Identity, Generate: f.Generate,
	}
	if out.MaxBytes == 0 {
		out.MaxBytes = connector.DefaultMaxBytes
	}
	for _, o := range f.Choices {
		out.Choices = append(out.Choices, client.Option{Value: o.Value, Label: o.Label})
	}
	if f.Show.Field != "" {
		out.Show = &client.Condition{Field: f.Show.Field, Values: f.Show.Values}
	}
	return out
}

func defaults(f connector.Form) map[string]string {
	out := make(map[string]string, len(f.Fields))
	for _, field := range f.Fields {
		if field.Default != "" && !field.Secret {
			out[field.Name] = field.Default
		}
	}
	return out
}

func guideView(f connector.Form, values map[string]string) []client.Instruction {
	if f.Guide == nil {
		return nil
	}
	var out []client.Instruction
	for _, i := range f.Guide(values) {
		out = append(out, client.Instruction{Title: i.Title, Text: i.Text, Code: i.Code, Lang: i.Lang})
	}
	return out
}
