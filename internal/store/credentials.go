package store

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"github.com/regrant/regrant/internal/credential"
	"github.com/regrant/regrant/internal/integration"
)

var _ credential.Records = (*Store)(nil)

// AddSealed stores the next version of an integration's credential.
func (s *Store) AddSealed(ctx context.Context, integrationID string, seal func(int64) ([]byte, error)) (version int64, err error) {
	err = s.inTx(ctx, func(tx *sql.Tx) error {
		err := tx.QueryRowContext(ctx, `SELECT coalesce(max(version), 0) + 1 FROM credentials WHERE integration = $1`, integrationID).Scan(&version)
		if err != nil {
			return err
		}
		sealed, err := seal(version)
		if err != nil {
			return err
		}
		_, err = tx.ExecContext(ctx, `INSERT INTO credentials (integration, version, sealed, created) VALUES ($1, $2, $3, $4)`,
			integrationID, version, sealed, time.Now().UnixMicro())
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("store a sealed version: %w", err)
	}
	return version, nil
}

// TakeSealed returns a sealed version and stores the event with it.
func (s *Store) TakeSealed(ctx context.Context, integrationID string, version int64, event integration.Event) (sealed []byte, err error) {
	err = s.inTx(ctx, func(tx *sql.Tx) error {
		err := tx.QueryRowContext(ctx, `SELECT sealed FROM credentials WHERE integration = $1 AND version = $2 AND sealed IS NOT NULL`,
			integrationID, version).Scan(&sealed)
		if err != nil {
			return noRow(err)
		}
		return s.addEvent(ctx, tx, event)
	})
	if err != nil {
		return nil, fmt.Errorf("take a sealed version: %w", err)
	}
	return sealed, nil
}

// DropSealed overwrites versions for good; their rows stay, so that their
// numbers are not given again.
func (s *Store) DropSealed(ctx context.Context, integrationID string, versions ...int64) error {
	return s.inTx(ctx, func(tx *sql.Tx) error {
		for _, version := range versions {
			_, err := tx.ExecContext(ctx, `UPDATE credentials SET sealed = NULL, destroyed = $3
				WHERE integration = $1 AND version = $2 AND sealed IS NOT NULL`, integrationID, version, time.Now().UnixMicro())
			if err != nil {
				return fmt.Errorf("drop a sealed version: %w", err)
			}
		}
		return nil
	})
}

// ListSealed returns up to limit versions after the given one.
func (s *Store) ListSealed(ctx context.Context, after credential.Sealed, limit int) ([]credential.Sealed, error) {
	all, err := collect(ctx, s.read, func(row scanner) (one credential.Sealed, err error) {
		err = row.Scan(&one.Integration, &one.Version, &one.Bytes)
		return one, err
	}, `SELECT integration, version, sealed FROM credentials WHERE sealed IS NOT NULL
		AND (integration > $1 OR integration = $1 AND version > $2) ORDER BY integration, version LIMIT $3`,
		after.Integration, after.Version, limit)
	if err != nil {
		return nil, fmt.Errorf("list sealed versions: %w", err)
	}
	return all, nil
}

// SwapSealed replaces sealed bytes that are still the old ones.
func (s *Store) SwapSealed(ctx context.Context, old credential.Sealed, replacement []byte) (bool, error) {
	result, err := s.write.ExecContext(ctx, `UPDATE credentials SET sealed = $3 WHERE integration = $1 AND version = $2 AND sealed = $4`,
		old.Integration, old.Version, replacement, old.Bytes)
	if err != nil {
		return false, fmt.Errorf("swap a sealed version: %w", err)
	}
	n, err := result.RowsAffected()
	return n == 1, err
}

// Scrub removes what replaced bytes left behind.
func (s *Store) Scrub(ctx context.Context) error { return s.engine.Scrub(ctx) }
