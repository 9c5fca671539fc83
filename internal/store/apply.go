package store

import (
	"context"
	"database/sql"
	"fmt"

	"github.com/regrant/regrant/internal/integration"
)

// Apply writes all of a change or nothing.
func (s *Store) Apply(ctx context.Context, change *integration.Change) error {
	err := s.inTx(ctx, func(tx *sql.Tx) error { return s.apply(ctx, tx, change) })
	if err != nil {
		return fmt.Errorf("store a change: %w", err)
	}
	if change.Integration != nil {
		change.Integration.Revision++
	}
	return nil
}

func (s *Store) apply(ctx context.Context, tx *sql.Tx, c *integration.Change) error {
	if c.Remove != "" {
		if err := remove(ctx, tx, c.Remove); err != nil {
			return err
		}
	}
	if c.Integration != nil {
		if err := s.putIntegration(ctx, tx, c.Integration); err != nil {
			return err
		}
	}
	if err := putParts(ctx, tx, c); err != nil {
		return err
	}
	for _, e := range c.Events {
		if err := putEvent(ctx, tx, e); err != nil {
			return err
		}
	}
	return s.touch(ctx, tx, c)
}

func putParts(ctx context.Context, tx *sql.Tx, c *integration.Change) error {
	for _, t := range c.Tables {
		if err := putTable(ctx, tx, t); err != nil {
			return err
		}
	}
	for _, i := range c.Incidents {
		if err := putIncident(ctx, tx, i); err != nil {
			return err
		}
	}
	for _, g := range c.Gaps {
		if err := putGap(ctx, tx, g); err != nil {
			return err
		}
	}
	if c.Pull != nil {
		return putPull(ctx, tx, *c.Pull)
	}
	return nil
}

// touch stamps every integration that the change is about with the advanced
// clock, by which caches know what is new, and now and then prunes its history.
func (s *Store) touch(ctx context.Context, tx *sql.Tx, c *integration.Change) error {
	var now int64
	if err := tx.QueryRowContext(ctx, `UPDATE state_clock SET now = now + 1 RETURNING now`).Scan(&now); err != nil {
		return fmt.Errorf("advance the clock of changes: %w", err)
	}
	prune := s.prune()
	for id := range concerned(c) {
		if _, err := tx.ExecContext(ctx, `UPDATE integrations SET stamp = $2 WHERE id = $1`, id, now); err != nil {
			return err
		}
		if !prune {
			continue
		}
		if err := s.pruneHistory(ctx, tx, id); err != nil {
			return err
		}
	}
	return nil
}

func concerned(c *integration.Change) map[string]bool {
	ids := make(map[string]bool, 1)
	if c.Integration != nil {
		ids[c.Integration.ID] = true
	}
	for _, t := range c.Tables {
		ids[t.Integration] = true
	}
	for _, i := range c.Incidents {
		ids[i.Integration] = true
	}
	for _, g := range c.Gaps {
		ids[g.Integration] = true
	}
	if c.Pull != nil {
		ids[c.Pull.Integration] = true
	}
	for _, e := range c.Events {
		ids[e.Integration] = true
	}
	return ids
}

// remove deletes the integration with all that belongs to it. What somebody
// did stays in the audit; what the product did by itself goes.
func remove(ctx context.Context, tx *sql.Tx, id string) error {
	if err := changed(tx.ExecContext(ctx, `DELETE FROM integrations WHERE id = $1`, id)); err != nil {
		return err
	}
	if _, err := tx.ExecContext(ctx, `DELETE FROM credentials WHERE integration = $1`, id); err != nil {
		return err
	}
	_, err := tx.ExecContext(ctx, `DELETE FROM events WHERE integration = $1
		AND kind IN ('incident_opened', 'incident_closed', 'pulled', 'gap_opened', 'gap_closed', 'probed')`, id)
	return err
}

// pruneHistory keeps the newest of everything, and whatever is open. Audit lines are counted by
// themselves, so that frequent ones do not push the timeline out.
func (s *Store) pruneHistory(ctx context.Context, tx *sql.Tx, id string) error {
	for audit := range 2 {
		_, err := tx.ExecContext(ctx, `DELETE FROM events WHERE integration = $1 AND audit_only = $2 AND seq <= (
			SELECT seq FROM events WHERE integration = $1 AND audit_only = $2 ORDER BY seq DESC LIMIT 1 OFFSET $3)`,
			id, audit, s.limits.events)
		if err != nil {
			return fmt.Errorf("prune events: %w", err)
		}
	}
	_, err := tx.ExecContext(ctx, `DELETE FROM pulls WHERE integration = $1
		AND id NOT IN (SELECT last_pull FROM integrations WHERE id = $1 AND last_pull IS NOT NULL
			UNION SELECT last_good FROM integrations WHERE id = $1 AND last_good IS NOT NULL)
		AND seq <= (SELECT seq FROM pulls WHERE integration = $1 ORDER BY seq DESC LIMIT 1 OFFSET $2)`,
		id, s.limits.pulls)
	if err != nil {
		return fmt.Errorf("prune pulls: %w", err)
	}
	for _, table := range []string{"incidents", "gaps"} {
		_, err := tx.ExecContext(ctx, `DELETE FROM `+table+` WHERE integration = $1 AND closed IS NOT NULL AND seq <= (
			SELECT seq FROM `+table+` WHERE integration = $1 ORDER BY seq DESC LIMIT 1 OFFSET $2)`, id, s.limits.events)
		if err != nil {
			return fmt.Errorf("prune %s: %w", table, err)
		}
	}
	return nil
}
