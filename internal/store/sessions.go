package store

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"github.com/regrant/regrant/internal/integration"
	"github.com/regrant/regrant/internal/people"
)

// AddSession stores a session and forgets old ones.
func (s *Store) AddSession(ctx context.Context, session people.StoredSession, old time.Time, event integration.Event) error {
	return s.inTx(ctx, func(tx *sql.Tx) error {
		if _, err := tx.ExecContext(ctx, `DELETE FROM sessions WHERE created < $1`, old.UnixMicro()); err != nil {
			return fmt.Errorf("forget old sessions: %w", err)
		}
		_, err := tx.ExecContext(ctx, `INSERT INTO sessions (hash, person, created, seen, remote) VALUES ($1, $2, $3, $4, $5)`,
			session.Hash, session.PersonID, session.Created.UnixMicro(), session.Seen.UnixMicro(), session.Remote)
		if err != nil {
			return fmt.Errorf("add a session: %w", err)
		}
		return s.addEvent(ctx, tx, event)
	})
}

// Session finds a session with its person.
func (s *Store) Session(ctx context.Context, hash string) (people.StoredSession, people.Account, error) {
	var session people.StoredSession
	var a people.Account
	row := s.read.QueryRowContext(ctx, `SELECT s.hash, s.person, s.created, s.seen, s.remote, `+accountColumns+`
		FROM sessions s JOIN people p ON p.id = s.person WHERE s.hash = $1`, hash)
	err := row.Scan(append([]any{&session.Hash, &session.PersonID, at(&session.Created), at(&session.Seen), &session.Remote}, accountFields(&a)...)...)
	if err != nil {
		return people.StoredSession{}, people.Account{}, fmt.Errorf("find a session: %w", noRow(err))
	}
	return session, a, nil
}

// TouchSession says when a session was last used.
func (s *Store) TouchSession(ctx context.Context, hash string, seen time.Time) error {
	_, err := s.write.ExecContext(ctx, `UPDATE sessions SET seen = $2 WHERE hash = $1`, hash, seen.UnixMicro())
	return err
}

// DropSession forgets a session.
func (s *Store) DropSession(ctx context.Context, hash string) error {
	_, err := s.write.ExecContext(ctx, `DELETE FROM sessions WHERE hash = $1`, hash)
	return err
}
