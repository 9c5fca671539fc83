package store

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"github.com/regrant/regrant/internal/integration"
	"github.com/regrant/regrant/internal/people"
)

// AddToken stores an API token.
func (s *Store) AddToken(ctx context.Context, t people.Token, hash string, event integration.Event) error {
	return s.inTx(ctx, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `INSERT INTO api_tokens (id, name, role, hash, made_by, created) VALUES ($1, $2, $3, $4, $5, $6)`,
			t.ID, t.Name, string(t.Role), hash, t.MadeBy, t.Created.UnixMicro())
		if err != nil {
			return fmt.Errorf("add a token: %w", err)
		}
		return s.addEvent(ctx, tx, event)
	})
}

const tokenColumns = `id, name, role, made_by, created, last_used`

func scanToken(row scanner) (t people.Token, err error) {
	err = row.Scan(&t.ID, &t.Name, &t.Role, &t.MadeBy, at(&t.Created), at(&t.LastUsed))
	return t, err
}

// Tokens lists all API tokens, the newest first.
func (s *Store) Tokens(ctx context.Context) ([]people.Token, error) {
	all, err := collect(ctx, s.read, scanToken, `SELECT `+tokenColumns+` FROM api_tokens ORDER BY created DESC, id`)
	if err != nil {
		return nil, fmt.Errorf("list tokens: %w", err)
	}
	return all, nil
}

// Token finds an API token by its hash.
func (s *Store) Token(ctx context.Context, hash string) (people.Token, error) {
	t, err := scanToken(s.read.QueryRowContext(ctx, `SELECT `+tokenColumns+` FROM api_tokens WHERE hash = $1`, hash))
	if err != nil {
		return people.Token{}, fmt.Errorf("find a token: %w", noRow(err))
	}
	return t, nil
}

// TouchToken says when an API token was last used.
func (s *Store) TouchToken(ctx context.Context, id string, used time.Time) error {
	_, err := s.write.ExecContext(ctx, `UPDATE api_tokens SET last_used = $2 WHERE id = $1`, id, used.UnixMicro())
	return err
}

// DropToken revokes an API token.
func (s *Store) DropToken(ctx context.Context, id string, event integration.Event) error {
	return s.inTx(ctx, func(tx *sql.Tx) error {
		if err := changed(tx.ExecContext(ctx, `DELETE FROM api_tokens WHERE id = $1`, id)); err != nil {
			return err
		}
		return s.addEvent(ctx, tx, event)
	})
}
