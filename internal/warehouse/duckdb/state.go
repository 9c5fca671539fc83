package duckdb

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/regrant/regrant/connector"
	"github.com/regrant/regrant/internal/warehouse"
)

// Describe returns what is held of the table.
func (e *engine) Describe(ctx context.Context, name warehouse.Name) (warehouse.State, error) {
	var s warehouse.State
	err := e.reading(ctx, func(q querier) error {
		t, err := e.find(ctx, q, name)
		if err != nil {
			return err
		}
		if s.Position, s.Moved, err = e.position(ctx, q, name); err != nil || len(t.columns) == 0 {
			return err
		}
		s.Exists, s.Columns = true, t.columns
		var last sql.NullTime
		err = q.QueryRowContext(ctx, fmt.Sprintf("SELECT count(*) - count(%[1]s), count(%[1]s), max(%[2]s) FROM %[3]s",
			quote(warehouse.DeletedAt), quote(warehouse.PulledAt), t.sql())).Scan(&s.Rows, &s.Deleted, &last)
		s.LastPoint = last.Time
		return err
	})
	if err != nil {
		return warehouse.State{}, e.failed(fmt.Errorf("describe %s.%s: %w", name.Schema, name.Table, err))
	}
	return s, nil
}

// reading runs f on one snapshot.
func (e *engine) reading(ctx context.Context, f func(querier) error) error {
	c, err := e.conn(ctx)
	if err != nil {
		return err
	}
	defer c.Close()
	tx, err := c.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback() }()
	return f(tx)
}

func (e *engine) position(ctx context.Context, q querier, name warehouse.Name) (connector.Position, time.Time, error) {
	var p string
	var moved time.Time
	err := q.QueryRowContext(ctx, "SELECT position, moved_at FROM "+e.own("positions")+" WHERE schema_name = ? AND table_name = ?", name.Schema, name.Table).Scan(&p, &moved)
	if errors.Is(err, sql.ErrNoRows) {
		return "", time.Time{}, nil
	}
	return connector.Position(p), moved, err
}

// alive counts the rows of a table that are not marked as deleted.
func (e *engine) alive(ctx context.Context, q querier, name warehouse.Name) (n int64, err error) {
	t, err := e.find(ctx, q, name)
	if err != nil || len(t.columns) == 0 {
		return 0, err
	}
	err = q.QueryRowContext(ctx, fmt.Sprintf("SELECT count(*) - count(%s) FROM %s", quote(warehouse.DeletedAt), t.sql())).Scan(&n)
	return n, err
}

// SetPosition replaces the position without rows.
func (e *engine) SetPosition(ctx context.Context, name warehouse.Name, position connector.Position) error {
	if err := checkName(name); err != nil {
		return err
	}
	return e.changing(ctx, "set position", func(q querier) error {
		return movePosition(ctx, q, e.own("positions"), name, position, time.Now().UTC())
	})
}

// Drop removes a table and its position, once no load of it is going on.
func (e *engine) Drop(ctx context.Context, name warehouse.Name) error {
	if err := checkName(name); err != nil {
		return err
	}
	unlock, err := e.tables.acquire(ctx, lockKey(name))
	if err != nil {
		return err
	}
	defer unlock()
	return e.changing(ctx, "drop table", func(q querier) error {
		t, err := e.find(ctx, q, name)
		if err != nil {
			return err
		}
		shadow := *t
		shadow.shadow = true
		return execAll(ctx, q, "DROP TABLE IF EXISTS "+t.sql(), "DROP TABLE IF EXISTS "+shadow.sql(),
			"DELETE FROM "+e.own("positions")+ofTable(name), "DELETE FROM "+e.own("tables")+ofTable(name))
	})
}

func ofTable(name warehouse.Name) string {
	return " WHERE schema_name = " + text(name.Schema) + " AND table_name = " + text(name.Table)
}

// DropSchema removes all tables and positions of an integration.
func (e *engine) DropSchema(ctx context.Context, schema string) error {
	if err := checkName(warehouse.Name{Schema: schema, Table: "any"}); err != nil {
		return err
	}
	return e.changing(ctx, "drop schema", func(q querier) error {
		drop := "DROP SCHEMA IF EXISTS " + quote(e.name) + "." + quote(schema) + " CASCADE"
		if strings.EqualFold(schema, "main") {
			return errors.New("the schema main cannot be dropped")
		}
		where := " WHERE lower(schema_name) = lower(" + text(schema) + ")"
		return execAll(ctx, q, drop, "DELETE FROM "+e.own("positions")+where, "DELETE FROM "+e.own("tables")+where)
	})
}

// Check proves that something can be written, by writing it.
func (e *engine) Check(ctx context.Context) error {
	layout := quote(e.name) + "." + quote(ownSchema) + ".layout"
	return e.changing(ctx, "write a trial row", func(q querier) error {
		return execAll(ctx, q, "UPDATE "+layout+" SET version = version")
	})
}

// changing runs f in a transaction of its own.
func (e *engine) changing(ctx context.Context, what string, f func(querier) error) error {
	release, err := acquire(ctx, e.commits)
	if err != nil {
		return err
	}
	defer release()
	c, err := e.conn(ctx)
	if err != nil {
		return err
	}
	defer c.Close()
	tx, err := c.BeginTx(ctx, nil)
	if err != nil {
		return e.failed(fmt.Errorf("%s: %w", what, err))
	}
	defer func() { _ = tx.Rollback() }()
	if err := f(tx); err != nil {
		return e.failed(fmt.Errorf("%s: %w", what, err))
	}
	if err := tx.Commit(); err != nil {
		return e.failed(fmt.Errorf("%s: %w", what, err))
	}
	return nil
}

func execAll(ctx context.Context, q querier, statements ...string) error {
	for _, s := range statements {
		if _, err := q.ExecContext(ctx, s); err != nil {
			return err
		}
	}
	return nil
}
