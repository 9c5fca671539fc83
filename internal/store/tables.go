package store

import (
	"context"
	"database/sql"
	"time"

	"github.com/regrant/regrant/connector"
	"github.com/regrant/regrant/internal/integration"
)

// tableDetail is the structured part of a stored table.
type tableDetail struct {
	Replication connector.Replication          `json:"replication"`
	ByPerson    bool                           `json:"by_person,omitempty"`
	Excluded    []string                       `json:"excluded"`
	Rechecks    map[string]integration.Recheck `json:"rechecks"`
	Key         []string                       `json:"key"`
	Columns     []integration.TableColumn      `json:"columns"`
	Offers      []connector.Replication        `json:"offers"`
	Estimated   int64                          `json:"estimated"`
	Seen        time.Time                      `json:"seen,omitzero"`
	Gone        bool                           `json:"gone,omitempty"`
	AllowEmpty  bool                           `json:"allow_empty,omitempty"`
}

func detailOf(t integration.Table) tableDetail {
	return tableDetail{
		Replication: t.Replication, ByPerson: t.ByPerson, Excluded: t.Excluded, Rechecks: t.Rechecks, Key: t.Key,
		Columns: t.Columns, Offers: t.Offers, Estimated: t.Estimated, Seen: t.Seen, Gone: t.Gone, AllowEmpty: t.AllowEmpty,
	}
}

func (d tableDetail) into(t *integration.Table) {
	t.Replication, t.ByPerson, t.Excluded, t.Rechecks, t.Key = d.Replication, d.ByPerson, d.Excluded, d.Rechecks, d.Key
	t.Columns, t.Offers, t.Estimated, t.Seen, t.Gone, t.AllowEmpty = d.Columns, d.Offers, d.Estimated, d.Seen, d.Gone, d.AllowEmpty
}

func putTable(ctx context.Context, tx *sql.Tx, t integration.Table) error {
	_, err := tx.ExecContext(ctx, `INSERT INTO integration_tables
		(integration, name, target, enabled, last_read, last_point, last_rows, detail)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
		ON CONFLICT (integration, name) DO UPDATE SET target = excluded.target, enabled = excluded.enabled,
			last_read = excluded.last_read, last_point = excluded.last_point, last_rows = excluded.last_rows, detail = excluded.detail`,
		t.Integration, t.Name, t.Target, flag(t.Enabled), micros(t.LastRead), micros(t.LastPoint), t.LastRows, asJSON(detailOf(t)))
	return err
}

const tableColumns = `integration, name, target, enabled, last_read, last_point, last_rows, detail`

func scanTable(row scanner) (integration.Table, error) {
	var t integration.Table
	var d tableDetail
	err := row.Scan(&t.Integration, &t.Name, &t.Target, &t.Enabled, at(&t.LastRead), at(&t.LastPoint), &t.LastRows, fromJSON(&d))
	d.into(&t)
	return t, err
}
