package store

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"github.com/regrant/regrant/connector"
	"github.com/regrant/regrant/internal/integration"
)

// incidentDetail is the part of a stored incident that nothing selects by.
type incidentDetail struct {
	Public     string                 `json:"public"`
	Step       connector.Step         `json:"step"`
	Facts      map[string]string      `json:"facts"`
	Confidence integration.Confidence `json:"confidence"`
	Evidence   []integration.Evidence `json:"evidence"`
	Last       time.Time              `json:"last,omitzero"`
	Count      int                    `json:"count"`
	RetryAt    time.Time              `json:"retry_at,omitzero"`
	Resolution integration.Resolution `json:"resolution,omitempty"`
}

func putIncident(ctx context.Context, tx *sql.Tx, i integration.Incident) error {
	detail := incidentDetail{
		Public: i.Public, Step: i.Step, Facts: i.Facts, Confidence: i.Confidence, Evidence: i.Evidence,
		Last: i.Last, Count: i.Count, RetryAt: i.RetryAt, Resolution: i.Resolution,
	}
	_, err := tx.ExecContext(ctx, `INSERT INTO incidents
		(id, integration, table_name, cause, code, opened, closed, shared, detail)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
		ON CONFLICT (id) DO UPDATE SET table_name = excluded.table_name, cause = excluded.cause, code = excluded.code,
			opened = excluded.opened, closed = excluded.closed, shared = excluded.shared, detail = excluded.detail`,
		i.ID, i.Integration, i.Table, i.Cause.String(), i.Code, micros(i.Opened), micros(i.Closed), i.Shared, asJSON(detail))
	return err
}

const incidentColumns = `id, integration, table_name, cause, code, opened, closed, shared, detail`

func scanIncident(row scanner) (integration.Incident, error) {
	var i integration.Incident
	var d incidentDetail
	var cause string
	err := row.Scan(&i.ID, &i.Integration, &i.Table, &cause, &i.Code, at(&i.Opened), at(&i.Closed), &i.Shared, fromJSON(&d))
	if err != nil {
		return i, err
	}
	i.Public, i.Step, i.Facts, i.Confidence, i.Evidence = d.Public, d.Step, d.Facts, d.Confidence, d.Evidence
	i.Last, i.Count, i.RetryAt, i.Resolution = d.Last, d.Count, d.RetryAt, d.Resolution
	i.Cause, err = connector.ParseCause(cause)
	return i, err
}

// Incidents returns incidents, newest first.
func (s *Store) Incidents(ctx context.Context, filter integration.Filter) ([]integration.Incident, error) {
	w := where{}
	w.integration(filter)
	if filter.OpenOnly {
		w.add("closed IS NULL")
	}
	all, err := collect(ctx, s.read, scanIncident,
		`SELECT `+incidentColumns+` FROM incidents`+w.newest("opened", filter), w.args...)
	if err != nil {
		return nil, fmt.Errorf("list incidents: %w", err)
	}
	return all, nil
}
