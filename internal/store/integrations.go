package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/regrant/regrant/internal/integration"
)

// putIntegration inserts an integration of revision 0 and replaces any other
// whose revision is the stored one. The caller's value is left as it is.
func (s *Store) putIntegration(ctx context.Context, tx *sql.Tx, in *integration.Integration) error {
	if err := slugIsFree(ctx, tx, in.ID, in.Slug); err != nil {
		return err
	}
	var err error
	if in.Revision == 0 {
		err = insertIntegration(ctx, tx, in)
	} else {
		err = updateIntegration(ctx, tx, in)
	}
	if err != nil && s.engine.Unique(err) {
		return fmt.Errorf("%w: %w", integration.ErrConflict, err)
	}
	return err
}

func slugIsFree(ctx context.Context, tx *sql.Tx, id, slug string) error {
	var owner string
	err := tx.QueryRowContext(ctx, `SELECT id FROM integrations WHERE slug = $1`, slug).Scan(&owner)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return nil
	case err != nil:
		return err
	case owner != id:
		return integration.ErrTaken
	}
	return nil
}

func insertIntegration(ctx context.Context, tx *sql.Tx, in *integration.Integration) error {
	_, err := tx.ExecContext(ctx, `INSERT INTO integrations (id, revision, slug, name, connector, created, created_by,
		paused, every_ns, next_pull, next_probe, attempts, granted, previous, draft)
		VALUES ($1, 1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)`, integrationValues(in)...)
	return err
}

func updateIntegration(ctx context.Context, tx *sql.Tx, in *integration.Integration) error {
	err := changed(tx.ExecContext(ctx, `UPDATE integrations SET revision = revision + 1, slug = $2, name = $3, connector = $4,
		created = $5, created_by = $6, paused = $7, every_ns = $8, next_pull = $9, next_probe = $10, attempts = $11,
		granted = $12, previous = $13, draft = $14 WHERE id = $1 AND revision = $15`,
		append(integrationValues(in), in.Revision)...))
	if errors.Is(err, integration.ErrNotFound) {
		return integration.ErrConflict
	}
	return err
}

func integrationValues(in *integration.Integration) []any {
	return []any{
		in.ID, in.Slug, in.Name, in.Connector, micros(in.Created), in.CreatedBy, flag(in.Paused), int64(in.Every),
		micros(in.NextPull), micros(in.NextProbe), in.Attempts, asJSON(in.Authorization), asJSON(in.Previous), asJSON(in.Draft),
	}
}

const integrationColumns = `i.id, i.revision, i.slug, i.name, i.connector, i.created, i.created_by, i.paused, i.every_ns,
	i.next_pull, i.next_probe, i.attempts, i.granted, i.previous, i.draft`

func scanIntegration(row scanner) (integration.Integration, error) {
	var in integration.Integration
	err := row.Scan(
		&in.ID, &in.Revision, &in.Slug, &in.Name, &in.Connector, at(&in.Created), &in.CreatedBy, &in.Paused, &in.Every,
		at(&in.NextPull), at(&in.NextProbe), &in.Attempts, fromJSON(&in.Authorization), fromJSON(&in.Previous), fromJSON(&in.Draft))
	return in, err
}

// scanner is *sql.Row or *sql.Rows.
type scanner interface{ Scan(...any) error }

// Due lists IDs whose NextPull or NextProbe has come, the longest due first.
func (s *Store) Due(ctx context.Context, now time.Time) (pulls, probes []string, err error) {
	pulls, err = s.ids(ctx, `SELECT id FROM integrations WHERE next_pull IS NOT NULL AND next_pull <= $1 ORDER BY next_pull, id`, now)
	if err != nil {
		return nil, nil, fmt.Errorf("list due pulls: %w", err)
	}
	probes, err = s.ids(ctx, `SELECT id FROM integrations WHERE next_probe IS NOT NULL AND next_probe <= $1 ORDER BY next_probe, id`, now)
	if err != nil {
		return nil, nil, fmt.Errorf("list due probes: %w", err)
	}
	return pulls, probes, nil
}

func (s *Store) ids(ctx context.Context, query string, now time.Time) ([]string, error) {
	return collect(ctx, s.read, scanID, query, now.UnixMicro())
}

// queryer is *sql.DB or *sql.Tx.
type queryer interface {
	QueryContext(context.Context, string, ...any) (*sql.Rows, error)
}

// collect runs a query and scans every row of its answer.
func collect[T any](ctx context.Context, q queryer, scan func(scanner) (T, error), query string, args ...any) ([]T, error) {
	rows, err := q.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }()
	var all []T
	for rows.Next() {
		one, err := scan(rows)
		if err != nil {
			return nil, err
		}
		all = append(all, one)
	}
	return all, rows.Err()
}
