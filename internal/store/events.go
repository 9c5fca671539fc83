package store

import (
	"context"
	"database/sql"
	"fmt"

	"github.com/regrant/regrant/internal/integration"
)

// auditOnly says whether events of the kind are kept out of the timeline.
func auditOnly(kind integration.EventKind) bool {
	return kind == integration.EventSecretOpened || kind == integration.EventSignedIn
}

func putEvent(ctx context.Context, tx *sql.Tx, e integration.Event) error {
	_, err := tx.ExecContext(ctx, `INSERT INTO events
		(id, integration, happened, kind, audit_only, by_whom, said, facts)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
		ON CONFLICT (id) DO UPDATE SET happened = excluded.happened, kind = excluded.kind, audit_only = excluded.audit_only,
			by_whom = excluded.by_whom, said = excluded.said, facts = excluded.facts`,
		e.ID, e.Integration, micros(e.At), string(e.Kind), flag(auditOnly(e.Kind)), e.By, e.Text, asJSON(e.Facts))
	return err
}

// addEvent stores one event outside of an integration's change.
func (s *Store) addEvent(ctx context.Context, tx *sql.Tx, e integration.Event) error {
	if err := putEvent(ctx, tx, e); err != nil {
		return err
	}
	if s.prune() {
		return s.pruneHistory(ctx, tx, e.Integration)
	}
	return nil
}

func scanEvent(row scanner) (integration.Event, error) {
	var e integration.Event
	err := row.Scan(&e.ID, &e.Integration, at(&e.At), &e.Kind, &e.By, &e.Text, fromJSON(&e.Facts))
	return e, err
}

// Events returns events, newest first.
func (s *Store) Events(ctx context.Context, filter integration.Filter) ([]integration.Event, error) {
	w := where{}
	w.integration(filter)
	if !filter.Audit {
		w.add("audit_only = 0")
	}
	all, err := collect(ctx, s.read, scanEvent,
		`SELECT id, integration, happened, kind, by_whom, said, facts FROM events`+w.newest("happened", filter), w.args...)
	if err != nil {
		return nil, fmt.Errorf("list events: %w", err)
	}
	return all, nil
}
