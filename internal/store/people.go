package store

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"github.com/regrant/regrant/internal/integration"
	"github.com/regrant/regrant/internal/people"
)

var _ people.Storage = (*Store)(nil)

const accountColumns = `p.id, p.email, p.role, p.password, p.created`

func accountFields(a *people.Account) []any {
	return []any{&a.ID, &a.Email, &a.Role, &a.Password, at(&a.Created)}
}

func scanAccount(row scanner) (a people.Account, err error) {
	err = row.Scan(accountFields(&a)...)
	return a, err
}

// Accounts lists all people, by email.
func (s *Store) Accounts(ctx context.Context) ([]people.Account, error) {
	all, err := collect(ctx, s.read, scanAccount, `SELECT `+accountColumns+` FROM people p ORDER BY p.email`)
	if err != nil {
		return nil, fmt.Errorf("list people: %w", err)
	}
	return all, nil
}

// Account finds a person by email.
func (s *Store) Account(ctx context.Context, email string) (people.Account, error) {
	a, err := scanAccount(s.read.QueryRowContext(ctx, `SELECT `+accountColumns+` FROM people p WHERE p.email = $1`, email))
	if err != nil {
		return people.Account{}, fmt.Errorf("find a person: %w", noRow(err))
	}
	return a, nil
}

// SetPassword replaces a person's password and ends all other sessions.
func (s *Store) SetPassword(ctx context.Context, personID, password, keepSession string, event integration.Event) error {
	return s.inTx(ctx, func(tx *sql.Tx) error {
		err := changed(tx.ExecContext(ctx, `UPDATE people SET password = $2 WHERE id = $1`, personID, password))
		if err != nil {
			return fmt.Errorf("replace a password: %w", err)
		}
		_, err = tx.ExecContext(ctx, `DELETE FROM sessions WHERE person = $1 AND hash <> $2`, personID, keepSession)
		if err != nil {
			return fmt.Errorf("end other sessions: %w", err)
		}
		return s.addEvent(ctx, tx, event)
	})
}

// PutSetUpLink replaces all earlier set-up links.
func (s *Store) PutSetUpLink(ctx context.Context, hash string, expires time.Time) error {
	return s.inTx(ctx, func(tx *sql.Tx) error {
		if _, err := tx.ExecContext(ctx, `DELETE FROM setup_links`); err != nil {
			return fmt.Errorf("replace set-up links: %w", err)
		}
		_, err := tx.ExecContext(ctx, `INSERT INTO setup_links (hash, expires) VALUES ($1, $2)`, hash, expires.UnixMicro())
		return err
	})
}

// UseSetUpLink adds the first admin and spends the link together.
func (s *Store) UseSetUpLink(ctx context.Context, hash string, now time.Time, a people.Account, event integration.Event) error {
	return s.inTx(ctx, func(tx *sql.Tx) error {
		err := changed(tx.ExecContext(ctx, `DELETE FROM setup_links WHERE hash = $1 AND expires > $2
			AND NOT EXISTS (SELECT 1 FROM people WHERE role = 'admin')`, hash, now.UnixMicro()))
		if err != nil {
			return fmt.Errorf("spend a set-up link: %w", err)
		}
		_, err = tx.ExecContext(ctx, `INSERT INTO people (id, email, role, password, created) VALUES ($1, $2, $3, $4, $5)`,
			a.ID, a.Email, string(a.Role), a.Password, a.Created.UnixMicro())
		if err != nil {
			return fmt.Errorf("add a person: %w", err)
		}
		return s.addEvent(ctx, tx, event)
	})
}

// AddEvent stores an event by itself.
func (s *Store) AddEvent(ctx context.Context, event integration.Event) error {
	return s.inTx(ctx, func(tx *sql.Tx) error { return s.addEvent(ctx, tx, event) })
}
