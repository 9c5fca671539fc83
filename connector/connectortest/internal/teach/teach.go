package teach

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"

	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/regrant/regrant/connector"
)

// Definition is the connector, building its records with the allocator.
func Definition(mem memory.Allocator) connector.Definition {
	return connector.Definition{
		ID:      "teach",
		Title:   "Teach",
		Kind:    connector.Account,
		Summary: "An imaginary shop that shows how a connector is written.",
		Docs:    "https://teach.example/docs/tokens",
		Forms:   []connector.Form{tokenForm()},
		Open: func(_ context.Context, env connector.Env) (connector.Source, error) {
			return open(env, mem)
		},
	}
}

func tokenForm() connector.Form {
	return connector.Form{
		ID:    "token",
		Title: "API token",
		Fields: []connector.Field{
			{Name: "region", Label: "Region", Help: "Where the account was made.", Group: "Account", Kind: connector.Choice, Default: "eu",
				Choices: []connector.Option{{Value: "eu", Label: "Europe"}, {Value: "own", Label: "Own server"}}},
			{Name: "base_url", Label: "Address", Help: "The address of your own server.", Group: "Account", Required: true, Identity: true,
				Show: connector.Condition{Field: "region", Values: []string{"own"}}},
			{Name: "page_size", Label: "Rows per page", Help: "Smaller pages are gentler, larger ones faster.", Group: "Reading", Kind: connector.Number, Default: "100"},
			{Name: "token", Label: "Token", Help: "Made under Settings, API, with the right to read.", Group: "Account", Secret: true, Required: true, MaxBytes: 1 << 10},
		},
		Guide: func(values map[string]string) []connector.Instruction {
			return []connector.Instruction{{Title: "Make a token", Text: "Open Settings, API, and make a token that may read.", Code: values["base_url"] + "/settings/api", Lang: "text"}}
		},
	}
}

// source is one connection to an account.
type source struct {
	base  string
	token connector.Secret
	page  int
	mem   memory.Allocator
	http  *http.Client
}

func open(env connector.Env, mem memory.Allocator) (connector.Source, error) {
	base := "https://api.teach.example"
	switch env.Settings["region"] {
	case "", "eu":
	case "own":
		if base = env.Settings["base_url"]; base == "" {
			return nil, formFault("base_url", "the address is missing")
		}
	default:
		return nil, formFault("region", "there is no such region")
	}
	page, err := pageSize(env.Settings["page_size"])
	if err != nil {
		return nil, err
	}
	if env.Secrets["token"].Empty() {
		return nil, formFault("token", "the token is missing")
	}
	return &source{
		base:  env.Endpoint(base),
		token: env.Secrets["token"],
		page:  page,
		mem:   mem,
		http:  &http.Client{Transport: &http.Transport{DialContext: env.Dial}},
	}, nil
}

func pageSize(text string) (int, error) {
	if text == "" {
		return 100, nil
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 || n > 10_000 {
		return 0, formFault("page_size", "the page size is a number from 1 to 10000")
	}
	return n, nil
}

func formFault(field, what string) error {
	return &connector.Fault{Cause: connector.Invalid, Code: "teach.form", Step: connector.StepForm,
		Public: "Please look at the form again: " + what + ".", Err: fmt.Errorf("field %s: %w", field, errors.New(what))}
}

// Check asks whose token it is.
func (s *source) Check(ctx context.Context) (connector.Identity, error) {
	defer s.http.CloseIdleConnections() // the next Check proves a fresh one
	var account struct{ ID, Name string }
	if err := s.get(ctx, "/account", nil, connector.StepSignIn, &account); err != nil {
		return connector.Identity{}, err
	}
	return connector.Identity{Fingerprint: "account " + account.ID, Account: account.Name, User: "API token"}, nil
}

// Tables asks for the tables; all have the same columns.
func (s *source) Tables(ctx context.Context) ([]connector.Table, error) {
	var list []apiTable
	if err := s.get(ctx, "/tables", nil, connector.StepPrivileges, &list); err != nil {
		return nil, err
	}
	tables := make([]connector.Table, len(list))
	for i, t := range list {
		tables[i] = table(t)
	}
	return tables, nil
}

// Close ends idle connections; there are no others between calls.
func (s *source) Close() error {
	s.http.CloseIdleConnections()
	return nil
}
