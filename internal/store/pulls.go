package store

import (
	"context"
	"database/sql"
	"fmt"

	"github.com/regrant/regrant/internal/integration"
)

func putPull(ctx context.Context, tx *sql.Tx, p integration.Pull) error {
	_, err := tx.ExecContext(ctx, `INSERT INTO pulls
		(id, integration, begun_by, person, started, ended, outcome, row_count, byte_count, results)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
		ON CONFLICT (id) DO UPDATE SET begun_by = excluded.begun_by, person = excluded.person, started = excluded.started,
			ended = excluded.ended, outcome = excluded.outcome, row_count = excluded.row_count, byte_count = excluded.byte_count,
			results = excluded.results`,
		p.ID, p.Integration, string(p.Trigger), p.By, micros(p.Started), micros(p.Ended), string(p.Outcome), p.Rows, p.Bytes, asJSON(p.Tables))
	if err != nil {
		return err
	}
	return markNewest(ctx, tx, p.Integration)
}

// markNewest keeps beside the integration which pulls its record needs.
func markNewest(ctx context.Context, tx *sql.Tx, id string) error {
	_, err := tx.ExecContext(ctx, `UPDATE integrations SET
		last_pull = (SELECT id FROM pulls WHERE integration = $1 ORDER BY started DESC, seq DESC LIMIT 1),
		last_good = (SELECT id FROM pulls WHERE integration = $1 AND outcome IN ('succeeded', 'partly') ORDER BY started DESC, seq DESC LIMIT 1)
		WHERE id = $1`, id)
	if err != nil {
		return fmt.Errorf("mark the newest pull: %w", err)
	}
	return nil
}

const pullColumns = `p.id, p.integration, p.begun_by, p.person, p.started, p.ended, p.outcome, p.row_count, p.byte_count, p.results`

func scanPull(row scanner) (integration.Pull, error) {
	var p integration.Pull
	err := row.Scan(&p.ID, &p.Integration, &p.Trigger, &p.By, at(&p.Started), at(&p.Ended), &p.Outcome, &p.Rows, &p.Bytes, fromJSON(&p.Tables))
	return p, err
}

// Pulls returns pulls, newest first; open ones are those that still run.
func (s *Store) Pulls(ctx context.Context, filter integration.Filter) ([]integration.Pull, error) {
	w := where{}
	w.integration(filter)
	if filter.OpenOnly {
		w.add("outcome = 'running'")
	}
	all, err := collect(ctx, s.read, scanPull, `SELECT `+pullColumns+` FROM pulls p`+w.newest("started", filter), w.args...)
	if err != nil {
		return nil, fmt.Errorf("list pulls: %w", err)
	}
	return all, nil
}
