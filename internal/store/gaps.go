package store

import (
	"context"
	"database/sql"
	"fmt"

	"github.com/regrant/regrant/internal/integration"
)

func putGap(ctx context.Context, tx *sql.Tx, g integration.Gap) error {
	_, err := tx.ExecContext(ctx, `INSERT INTO gaps
		(id, integration, table_name, incident, from_at, position, to_at, closed, receipt)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
		ON CONFLICT (id) DO UPDATE SET table_name = excluded.table_name, incident = excluded.incident, from_at = excluded.from_at,
			position = excluded.position, to_at = excluded.to_at, closed = excluded.closed, receipt = excluded.receipt`,
		g.ID, g.Integration, g.Table, g.Incident, micros(g.From), string(g.Position), micros(g.To), micros(g.Closed), asJSON(g.Receipt))
	return err
}

const gapColumns = `id, integration, table_name, incident, from_at, position, to_at, closed, receipt`

func scanGap(row scanner) (integration.Gap, error) {
	var g integration.Gap
	err := row.Scan(&g.ID, &g.Integration, &g.Table, &g.Incident, at(&g.From), &g.Position, at(&g.To), at(&g.Closed), fromJSON(&g.Receipt))
	return g, err
}

// Gaps returns gaps, newest first: by when they were noticed, because From
// may lie long before that.
func (s *Store) Gaps(ctx context.Context, filter integration.Filter) ([]integration.Gap, error) {
	w := where{}
	w.integration(filter)
	if filter.OpenOnly {
		w.add("closed IS NULL")
	}
	all, err := collect(ctx, s.read, scanGap, `SELECT `+gapColumns+` FROM gaps`+w.newest("seq", filter), w.args...)
	if err != nil {
		return nil, fmt.Errorf("list gaps: %w", err)
	}
	return all, nil
}
