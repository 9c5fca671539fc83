package people

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/regrant/regrant/internal/integration"
)

// SignIn returns the person to whom email and password belong. It returns
// ErrSignIn when they do not, or *ThrottledError after too many attempts for
// the account or from the address. Begin a session for the person afterwards.
func (s *Service) SignIn(ctx context.Context, email, password, remote string) (integration.Person, error) {
	email = strings.ToLower(strings.TrimSpace(email))
	if len(email) > 254 || len(password) > MaxPassword {
		return integration.Person{}, ErrSignIn
	}
	if err := s.admit(email, remote); err != nil {
		return integration.Person{}, err
	}
	account, err := s.proven(ctx, email, password)
	if errors.Is(err, ErrSignIn) {
		s.log.InfoContext(ctx, "a sign-in failed", "remote", remote)
		return integration.Person{}, err
	}
	if err != nil { // not the person's fault
		s.accounts.undo(email)
		s.remotes.undo(remote)
		return integration.Person{}, fmt.Errorf("sign in: %w", err)
	}
	s.forgive(email, remote)
	return account.Person(), nil
}

// proven hashes a password even when there is no such account, so that the
// answer takes as long and does not tell which emails exist.
func (s *Service) proven(ctx context.Context, email, password string) (Account, error) {
	account, err := s.storage.Account(ctx, email)
	stored, known := account.Password, err == nil
	if errors.Is(err, integration.ErrNotFound) {
		stored, err = s.decoy, nil
	}
	if err != nil {
		return Account{}, err
	}
	same := false
	err = s.hashed(ctx, func() (err error) {
		same, err = samePassword(password, stored)
		return err
	})
	if err != nil {
		return Account{}, err
	}
	if !same || !known {
		return Account{}, ErrSignIn
	}
	return account, nil
}

// admit counts an attempt before it is known how it ends: attempts that come
// all at once are counted, too.
func (s *Service) admit(email, remote string) error {
	now := s.now()
	if until := s.remotes.attempt(remote, now); !until.IsZero() {
		return &ThrottledError{until}
	}
	if until := s.accounts.attempt(email, now); !until.IsZero() {
		return &ThrottledError{until}
	}
	return nil
}

// forgive begins again for the account. The address only gets this attempt
// back: who has one account could otherwise guess at others forever.
func (s *Service) forgive(email, remote string) {
	s.accounts.forget(email)
	s.remotes.undo(remote)
}

// ChangePassword replaces the person's own password and ends their other
// sessions; session is the token of the one that stays.
func (s *Service) ChangePassword(ctx context.Context, who integration.Person, old, replacement, session string) error {
	if err := checkPassword(replacement, who.Name); err != nil {
		return err
	}
	if err := s.admit(who.Name, "person:"+who.ID); err != nil {
		return err
	}
	account, err := s.proven(ctx, who.Name, old)
	if errors.Is(err, ErrSignIn) {
		return &InputError{"old_password", "this is not your present password"}
	}
	if err != nil {
		return fmt.Errorf("change a password: %w", err)
	}
	s.forgive(who.Name, "person:"+who.ID)
	var stored string
	err = s.hashed(ctx, func() (err error) {
		stored, err = hashPassword(replacement, s.cost)
		return err
	})
	if err != nil {
		return fmt.Errorf("hash a password: %w", err)
	}
	event := s.event(integration.EventSettings, who.Name, "The password was changed.", nil)
	if err := s.storage.SetPassword(ctx, account.ID, stored, hash(session), event); err != nil {
		return fmt.Errorf("store a password: %w", err)
	}
	return nil
}

// People lists everyone, by email, without their passwords.
func (s *Service) People(ctx context.Context, who integration.Person) ([]Account, error) {
	if !who.Role.May(integration.Admin) {
		return nil, integration.ErrForbidden
	}
	accounts, err := s.storage.Accounts(ctx)
	for n := range accounts {
		accounts[n].Password = ""
	}
	return accounts, err
}
