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
// long; so each call asks only for stamps and loads what has another one.
type cache struct {
	mu      sync.Mutex
	records map[string]*stamped
}

// loadAllFrom is the number of changed records from which one pass over all
// is cheaper than a query for each.
const loadAllFrom = 50

// Records loads all integrations, by name. What the records point to is
// shared between calls: it may be read by anyone and changed by nobody.
func (s *Store) Records(ctx context.Context) ([]integration.Record, error) {
	s.cache.mu.Lock()
	defer s.cache.mu.Unlock()
	var records []integration.Record
	err := s.inSnapshot(ctx, func(tx *sql.Tx) (err error) {
		if err := s.cache.refresh(ctx, tx); err != nil {
			return err
		}
		records = s.cache.byName()
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("load all integrations: %w", err)
	}
	return records, nil
}

type idStamp struct {
	id    string
	stamp int64
}

func (c *cache) refresh(ctx context.Context, tx *sql.Tx) error {
	stamps, err := collect(ctx, tx, func(row scanner) (one idStamp, err error) {
		err = row.Scan(&one.id, &one.stamp)
		return one, err
	}, `SELECT id, stamp FROM integrations ORDER BY id, stamp`)
	if err != nil {
		return err
	}
	fresh := make(map[string]*stamped, len(stamps))
	var old []string
	for _, is := range stamps {
		if have := c.records[is.id]; have != nil && have.stamp == is.stamp {
			fresh[is.id] = have
		} else {
			old = append(old, is.id)
		}
	}
	if err := reload(ctx, tx, old, fresh); err != nil {
		return err
	}
	c.records = fresh
	return nil
}

func reload(ctx context.Context, tx *sql.Tx, old []string, into map[string]*stamped) error {
	if len(old) >= loadAllFrom {
		all, err := load(ctx, tx, which{})
		for _, id := range old {
			into[id] = all[id]
		}
		return err
	}
	for _, id := range old {
		found, err := load(ctx, tx, only(id))
		if err != nil {
			return err
		}
		into[id] = found[id]
	}
	return nil
}

func (c *cache) byName() []integration.Record {
	type named struct {
		name string
		*stamped
	}
	all := make([]named, 0, len(c.records))
	for _, one := range c.records {
		all = append(all, named{strings.ToLower(one.record.Integration.Name), one})
	}
	slices.SortFunc(all, func(a, b named) int {
		return cmp.Or(strings.Compare(a.name, b.name), strings.Compare(a.record.Integration.ID, b.record.Integration.ID))
	})
	records := make([]integration.Record, len(all))
	for n, one := range all {
		records[n] = one.record
	}
	return records
}
