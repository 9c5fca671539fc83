package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"github.com/regrant/regrant/internal/integration"
)

// Record loads an integration with all that is open, by ID or by slug.
func (s *Store) Record(ctx context.Context, idOrSlug string) (integration.Record, error) {
	var r integration.Record
	err := s.inSnapshot(ctx, func(tx *sql.Tx) error {
		id, err := find(ctx, tx, idOrSlug)
		if err != nil {
			return err
		}
		found, err := load(ctx, tx, only(id))
		if err != nil {
			return err
		}
		r = *found[id]
		return nil
	})
	if err != nil {
		return integration.Record{}, fmt.Errorf("load an integration: %w", err)
	}
	return r, nil
}

func find(ctx context.Context, tx *sql.Tx, idOrSlug string) (string, error) {
	var id string
	err := tx.QueryRowContext(ctx, `SELECT id FROM integrations WHERE id = $1`, idOrSlug).Scan(&id)
	if errors.Is(err, sql.ErrNoRows) {
		err = tx.QueryRowContext(ctx, `SELECT id FROM integrations WHERE slug = $1`, idOrSlug).Scan(&id)
	}
	return id, noRow(err)
}

// which selects integrations for load: all of them, or one.
type which struct {
	one string
}

func only(id string) which { return which{one: id} }

// and returns a query's condition on the column, and its arguments.
func (w which) and(column string) (string, []any) {
	if w.one == "" {
		return "", nil
	}
	return " AND " + column + " = $1", []any{w.one}
}

// load reads whole records in five queries, however many there are.
func load(ctx context.Context, tx *sql.Tx, w which) (map[string]*integration.Record, error) {
	found := make(map[string]*integration.Record)
	for _, step := range []func(context.Context, *sql.Tx, which, map[string]*integration.Record) error{
		loadIntegrations, loadTables, loadIncidents, loadGaps, loadPulls,
	} {
		if err := step(ctx, tx, w, found); err != nil {
			return nil, err
		}
	}
	return found, nil
}

func loadIntegrations(ctx context.Context, tx *sql.Tx, w which, found map[string]*integration.Record) error {
	condition, args := w.and("i.id")
	_, err := collect(ctx, tx, func(row scanner) (none struct{}, err error) {
		one := &integration.Record{}
		one.Integration, err = scanIntegration(row)
		found[one.Integration.ID] = one
		return none, err
	}, `SELECT `+integrationColumns+` FROM integrations i WHERE 1 = 1`+condition, args...)
	return err
}

func loadTables(ctx context.Context, tx *sql.Tx, w which, found map[string]*integration.Record) error {
	condition, args := w.and("integration")
	all, err := collect(ctx, tx, scanTable,
		`SELECT `+tableColumns+` FROM integration_tables WHERE 1 = 1`+condition+` ORDER BY integration, name`, args...)
	for _, t := range all {
		if one := found[t.Integration]; one != nil {
			one.Tables = append(one.Tables, t)
		}
	}
	return err
}

func loadIncidents(ctx context.Context, tx *sql.Tx, w which, found map[string]*integration.Record) error {
	condition, args := w.and("integration")
	all, err := collect(ctx, tx, scanIncident,
		`SELECT `+incidentColumns+` FROM incidents WHERE closed IS NULL`+condition+` ORDER BY integration, opened, seq`, args...)
	for _, i := range all {
		if one := found[i.Integration]; one != nil {
			one.Incidents = append(one.Incidents, i)
		}
	}
	return err
}

func loadGaps(ctx context.Context, tx *sql.Tx, w which, found map[string]*integration.Record) error {
	condition, args := w.and("integration")
	all, err := collect(ctx, tx, scanGap,
		`SELECT `+gapColumns+` FROM gaps WHERE closed IS NULL`+condition+` ORDER BY integration, seq`, args...)
	for _, g := range all {
		if one := found[g.Integration]; one != nil {
			one.Gaps = append(one.Gaps, g)
		}
	}
	return err
}

func loadPulls(ctx context.Context, tx *sql.Tx, w which, found map[string]*integration.Record) error {
	condition, args := w.and("i.id")
	for _, of := range []struct {
		mark string
		to   func(*integration.Record) **integration.Pull
	}{
		{"last_pull", func(r *integration.Record) **integration.Pull { return &r.LastPull }},
		{"last_good", func(r *integration.Record) **integration.Pull { return &r.LastGood }},
	} {
		all, err := collect(ctx, tx, scanPull,
			`SELECT `+pullColumns+` FROM integrations i JOIN pulls p ON p.id = i.`+of.mark+` WHERE 1 = 1`+condition, args...)
		if err != nil {
			return err
		}
		for n := range all {
			if one := found[all[n].Integration]; one != nil {
				*of.to(one) = &all[n]
			}
		}
	}
	return nil
}
