package apitest

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/regrant/regrant/internal/integration"
	"github.com/regrant/regrant/internal/people"
)

// Tokens keeps API tokens in memory. They open nothing.
type Tokens struct {
	mu  sync.Mutex
	all []people.Token
}

// People is one admin.
func (t *Tokens) People(context.Context, integration.Person) ([]people.Account, error) {
	return []people.Account{{ID: "1", Email: "ada@example.com", Role: integration.Admin, Password: "$argon2id$hash", Created: time.Now()}}, nil
}

// Tokens returns them.
func (t *Tokens) Tokens(context.Context, integration.Person) ([]people.Token, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return slices.Clone(t.all), nil
}

// CreateToken makes one.
func (t *Tokens) CreateToken(_ context.Context, who integration.Person, name string, role integration.Role) (people.Token, string, error) {
	if name == " " {
		return people.Token{}, "", &people.InputError{Field: "name", Text: "say what the token is for"}
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	made := people.Token{ID: fmt.Sprint(len(t.all) + 1), Name: name, Role: role, MadeBy: who.Name, Created: time.Now()}
	t.all = append(t.all, made)
	return made, "rgt_text_" + made.ID, nil
}

// RevokeToken ends one.
func (t *Tokens) RevokeToken(_ context.Context, _ integration.Person, id string) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	before := len(t.all)
	t.all = slices.DeleteFunc(t.all, func(one people.Token) bool { return one.ID == id })
	if len(t.all) == before {
		return integration.ErrNotFound
	}
	return nil
}
