package store

import (
	"cmp"
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/regrant/regrant/internal/integration"
)

// cache keeps decoded records for Records. The page over all integrations is
// loaded far more often than they change, and decoding 10,000 of them takes
// long; so each call asks only for what changed since the one before.
type cache struct {
	mu      sync.Mutex
	clock   int64
	filled  bool
	entries map[string]*entry
	records []integration.Record // by name; replaced, never changed
}

type entry struct {
	name   string // to sort by
	record *integration.Record
}

// loadAllFrom is the number of changed records from which one pass over all
// is cheaper than some queries for each.
const loadAllFrom = 50

// Records loads all integrations, by name. The result is shared between
// calls: anyone may read it and nobody may change it.
func (s *Store) Records(ctx context.Context) ([]integration.Record, error) {
	s.cache.mu.Lock()
	defer s.cache.mu.Unlock()
	err := s.inSnapshot(ctx, func(tx *sql.Tx) error { return s.cache.refresh(ctx, tx) })
	if err != nil {
		return nil, fmt.Errorf("load all integrations: %w", err)
	}
	return slices.Clip(s.cache.records), nil
}

func (c *cache) refresh(ctx context.Context, tx *sql.Tx) error {
	var clock int64
	if err := tx.QueryRowContext(ctx, `SELECT now FROM state_clock`).Scan(&clock); err != nil {
		return err
	}
	if c.filled && clock == c.clock {
		return nil
	}
	changed, err := collect(ctx, tx, scanID, `SELECT id FROM integrations WHERE stamp > $1`, c.clock)
	if err != nil {
		return err
	}
	if err := c.renew(ctx, tx, changed); err != nil {
		c.filled, c.clock, c.entries = false, 0, nil // begin again with the next call
		return err
	}
	c.clock, c.filled = clock, true
	c.sort()
	return nil
}

// renew loads what changed and forgets what was removed.
func (c *cache) renew(ctx context.Context, tx *sql.Tx, changed []string) error {
	fresh, err := loadEach(ctx, tx, changed)
	if err != nil {
		return err
	}
	if c.entries == nil {
		c.entries = make(map[string]*entry, len(fresh))
	}
	for _, id := range changed {
		c.entries[id] = &entry{strings.ToLower(fresh[id].Integration.Name), fresh[id]}
	}
	var count int
	if err := tx.QueryRowContext(ctx, `SELECT count(*) FROM integrations`).Scan(&count); err != nil || count == len(c.entries) {
		return err
	}
	return c.forget(ctx, tx)
}

func (c *cache) forget(ctx context.Context, tx *sql.Tx) error {
	ids, err := collect(ctx, tx, scanID, `SELECT id FROM integrations`)
	if err != nil {
		return err
	}
	there := make(map[string]*entry, len(ids))
	for _, id := range ids {
		there[id] = c.entries[id]
	}
	c.entries = there
	return nil
}

func loadEach(ctx context.Context, tx *sql.Tx, ids []string) (map[string]*integration.Record, error) {
	if len(ids) >= loadAllFrom {
		return load(ctx, tx, which{})
	}
	all := make(map[string]*integration.Record, len(ids))
	for _, id := range ids {
		found, err := load(ctx, tx, only(id))
		if err != nil {
			return nil, err
		}
		all[id] = found[id]
	}
	return all, nil
}

func (c *cache) sort() {
	sorted := make([]*entry, 0, len(c.entries))
	for _, e := range c.entries {
		sorted = append(sorted, e)
	}
	slices.SortFunc(sorted, func(a, b *entry) int {
		return cmp.Or(strings.Compare(a.name, b.name), strings.Compare(a.record.Integration.ID, b.record.Integration.ID))
	})
	c.records = make([]integration.Record, len(sorted))
	for n, e := range sorted {
		c.records[n] = *e.record
	}
}

func scanID(row scanner) (id string, err error) {
	err = row.Scan(&id)
	return id, err
}
