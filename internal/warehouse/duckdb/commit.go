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

// Commit writes what is pending and the position in one transaction.
func (l *load) Commit(ctx context.Context, position connector.Position) (warehouse.Counts, error) {
	return l.commit(ctx, position, false)
}

// Finish is the last Commit; with Replace the new table takes the name.
func (l *load) Finish(ctx context.Context, position connector.Position) (warehouse.Counts, error) {
	counts, err := l.commit(ctx, position, true)
	if err == nil {
		l.done = true
	}
	return counts, err
}

// commit ends a load by its failure: rows were lost, so that a later position
// must not be written. The caller reads on from the one in the warehouse.
func (l *load) commit(ctx context.Context, position connector.Position, last bool) (warehouse.Counts, error) {
	if err := l.usable(); err != nil {
		return warehouse.Counts{}, err
	}
	release, err := acquire(ctx, l.e.commits)
	if err != nil {
		return warehouse.Counts{}, err
	}
	defer release()
	counts, err := l.write(ctx, position, last)
	// By key, rows can be written again without doubling any; else the next
	// load profits.
	for isOutOfMemory(err) && ctx.Err() == nil && l.e.makeMoreRoom(ctx, l.conn) && len(l.spec.Key) > 0 {
		counts, err = l.write(ctx, position, last)
	}
	l.forget(context.WithoutCancel(ctx))
	if err != nil {
		l.failed = true
		return warehouse.Counts{}, l.e.failed(fmt.Errorf("commit %s.%s: %w", l.spec.Name.Schema, l.spec.Name.Table, err))
	}
	return counts, nil
}

func (l *load) write(ctx context.Context, position connector.Position, last bool) (warehouse.Counts, error) {
	prepared, err := l.prepareAll(ctx)
	defer func() {
		for _, p := range prepared {
			p.release()
		}
	}()
	if err != nil {
		return warehouse.Counts{}, err
	}
	tx, err := l.conn.BeginTx(ctx, nil)
	if err != nil {
		return warehouse.Counts{}, err
	}
	defer func() { _ = tx.Rollback() }()
	now := time.Now().UTC()
	var counts warehouse.Counts
	for _, p := range prepared {
		c, err := p.run(ctx, tx, l.table, now)
		if err != nil {
			return warehouse.Counts{}, err
		}
		counts = counts.Add(c)
	}
	written := l.written + counts.Inserted - counts.Deleted
	if counts, err = l.settle(ctx, tx, counts, written, position, last, now); err != nil {
		return warehouse.Counts{}, err
	}
	if err := tx.Commit(); err != nil {
		return warehouse.Counts{}, err
	}
	l.written = written
	if l.spec.Replace && last {
		l.table.shadow = false
	}
	return counts, nil
}

// settle ends a commit: the position, and with Replace the swap. Counts of a
// Replace are what the table grew or shrank by; the rest was rewritten.
func (l *load) settle(ctx context.Context, tx *sql.Tx, counts warehouse.Counts, written int64, position connector.Position, last bool, now time.Time) (warehouse.Counts, error) {
	if l.spec.Replace {
		if !last {
			return warehouse.Counts{}, nil // nothing is visible yet
		}
		if err := l.swap(ctx, tx); err != nil {
			return counts, err
		}
		counts = warehouse.Counts{
			Inserted: max(written-l.before, 0),
			Updated:  min(written, l.before),
			Deleted:  max(l.before-written, 0),
		}
	}
	return counts, movePosition(ctx, tx, l.e.own("positions"), l.spec.Name, position, now)
}

// swap gives the new table the name. Views bind by name at each query, so
// they go on working.
func (l *load) swap(ctx context.Context, tx *sql.Tx) error {
	old := *l.table
	old.shadow = false
	for _, s := range []string{
		"DROP TABLE IF EXISTS " + old.sql(),
		"ALTER TABLE " + l.table.sql() + " RENAME TO " + quote(l.table.physical),
		l.e.register(l.table),
	} {
		if _, err := tx.ExecContext(ctx, s); err != nil {
			return fmt.Errorf("swap the new table in: %w", err)
		}
	}
	return nil
}

func movePosition(ctx context.Context, q querier, positions string, name warehouse.Name, position connector.Position, now time.Time) error {
	res, err := q.ExecContext(ctx, "UPDATE "+positions+" SET position = ?, moved_at = ? WHERE schema_name = ? AND table_name = ?",
		string(position), now, name.Schema, name.Table)
	if err != nil {
		return fmt.Errorf("move the position: %w", err)
	}
	if n, err := res.RowsAffected(); err != nil || n > 0 {
		return err
	}
	_, err = q.ExecContext(ctx, "INSERT INTO "+positions+" VALUES (?, ?, ?, ?)", name.Schema, name.Table, string(position), now)
	if err != nil {
		return fmt.Errorf("set the position: %w", err)
	}
	return nil
}

// prepared is an operation whose rows DuckDB can see. A view of Arrow records
// can be read once, so each statement has its own.
type prepared struct {
	*operation
	rows, find, revive source
	keepsExtra         bool // the table has columns that the records lack
}

func (p *prepared) release() {
	for _, s := range []source{p.rows, p.find, p.revive} {
		if s.release != nil {
			s.release()
		}
	}
}

func (l *load) prepareAll(ctx context.Context) ([]*prepared, error) {
	all := make([]*prepared, 0, len(l.ops))
	for _, op := range l.ops {
		p := &prepared{operation: op, keepsExtra: op.kind == upsert && len(op.columns)+2 < len(l.table.columns)}
		all = append(all, p)
		if err := l.prepare(ctx, p); err != nil {
			return all, err
		}
	}
	return all, nil
}

func (l *load) prepare(ctx context.Context, p *prepared) (err error) {
	if p.spilled != "" {
		s := source{from: p.spilled}
		p.rows, p.find, p.revive = s, s, s
		return nil
	}
	p.distinct()
	if p.rows, err = l.views.view(ctx, p.columns, p.records); err != nil || p.kind != upsert || len(p.keys) == 0 {
		return err
	}
	found := p.keys
	if p.keepsExtra {
		found = p.columns
	}
	if p.find, err = l.views.view(ctx, found, p.records); err != nil {
		return err
	}
	p.revive, err = l.views.view(ctx, p.keys, p.records)
	return err
}

// match compares the keys of the aliases t and v. Plain equality is what
// DuckDB can use to skip the parts of a table without such keys.
func (p *prepared) match() string {
	equals := " = "
	if p.hasNulls {
		equals = " IS NOT DISTINCT FROM "
	}
	parts := make([]string, len(p.keys))
	for i, k := range p.keys {
		parts[i] = "t." + quote(k.name) + equals + k.expr()
	}
	return strings.Join(parts, " AND ")
}

func (p *prepared) run(ctx context.Context, tx *sql.Tx, t *table, now time.Time) (warehouse.Counts, error) {
	r := runner{ctx: ctx, tx: tx, table: t, now: now}
	var counts warehouse.Counts
	switch p.kind {
	case remove:
		counts.Deleted = r.exec("UPDATE "+t.sql()+" AS t SET "+quote(warehouse.DeletedAt)+" = ? FROM "+p.rows.from+" AS v WHERE "+
			p.match()+" AND t."+quote(warehouse.DeletedAt)+" IS NULL", now)
	case update:
		counts.Updated = r.exec(p.updateSQL(t), now)
	case upsert:
		counts = r.upsert(p)
	}
	return counts, r.err
}

// updateSQL changes the columns of rows that are alive and differ.
func (p *prepared) updateSQL(t *table) string {
	sets := []string{quote(warehouse.PulledAt) + " = ?"}
	var differs []string
	for _, c := range p.values() {
		sets = append(sets, quote(c.name)+" = "+c.expr())
		differs = append(differs, "t."+quote(c.name)+" IS DISTINCT FROM "+c.expr())
	}
	if differs == nil {
		differs = []string{"false"}
	}
	return "UPDATE " + t.sql() + " AS t SET " + strings.Join(sets, ", ") + " FROM " + p.rows.from + " AS v WHERE " + p.match() +
		" AND t." + quote(warehouse.DeletedAt) + " IS NULL AND (" + strings.Join(differs, " OR ") + ")"
}

// values are the columns that are not in the key.
func (p *prepared) values() []column {
	var out []column
	for _, c := range p.columns {
		if indexOf(p.keys, c.field.Name) < 0 {
			out = append(out, c)
		}
	}
	return out
}

// runner runs statements until one fails.
type runner struct {
	ctx   context.Context
	tx    *sql.Tx
	table *table
	now   time.Time
	err   error
}

func (r *runner) exec(statement string, args ...any) int64 {
	if r.err != nil {
		return 0
	}
	res, err := r.tx.ExecContext(r.ctx, statement, args...)
	if err != nil {
		r.err = err
		return 0
	}
	n, err := res.RowsAffected()
	r.err = err
	return n
}

// upsert puts the rows in the place of those with the same key. A row that
// was marked as deleted counts as inserted: it is alive again.
func (r *runner) upsert(p *prepared) warehouse.Counts {
	var replaced int64
	if len(p.keys) > 0 {
		if p.keepsExtra {
			return r.merge(p)
		}
		// Those marked as deleted go first, so that they are not counted; where
		// there are none, the count needs no look at that column.
		if r.hasDeleted() {
			r.exec(r.deleteSQL(p, p.revive) + " AND t." + quote(warehouse.DeletedAt) + " IS NOT NULL")
		}
		replaced = r.exec(r.deleteSQL(p, p.find))
	}
	inserted := r.exec(r.insertSQL(p, ""), r.now)
	return warehouse.Counts{Inserted: inserted - replaced, Updated: replaced}
}

// merge is the upsert of records that lack columns of the table: what those
// columns hold in rows that are there stays.
func (r *runner) merge(p *prepared) warehouse.Counts {
	sets := []string{quote(warehouse.PulledAt) + " = ?", quote(warehouse.DeletedAt) + " = NULL"}
	for _, c := range p.values() {
		sets = append(sets, quote(c.name)+" = "+c.expr())
	}
	var revived int64
	if r.hasDeleted() {
		revived = r.exec("UPDATE " + r.table.sql() + " AS t SET " + quote(warehouse.DeletedAt) + " = NULL FROM " + p.revive.from + " AS v WHERE " +
			p.match() + " AND t." + quote(warehouse.DeletedAt) + " IS NOT NULL")
	}
	updated := r.exec("UPDATE "+r.table.sql()+" AS t SET "+strings.Join(sets, ", ")+" FROM "+p.find.from+" AS v WHERE "+p.match(), r.now)
	inserted := r.exec(r.insertSQL(p, " WHERE NOT EXISTS (SELECT 1 FROM "+r.table.sql()+" AS t WHERE "+p.match()+")"), r.now)
	return warehouse.Counts{Inserted: inserted + revived, Updated: updated - revived}
}

func (r *runner) deleteSQL(p *prepared, keys source) string {
	return "DELETE FROM " + r.table.sql() + " AS t USING " + keys.from + " AS v WHERE " + p.match()
}

// hasDeleted says whether any row is marked as deleted; DuckDB answers from
// the statistics of the column where none is.
func (r *runner) hasDeleted() bool {
	if r.err != nil {
		return false
	}
	var one int
	err := r.tx.QueryRowContext(r.ctx, "SELECT 1 FROM "+r.table.sql()+" WHERE "+quote(warehouse.DeletedAt)+" IS NOT NULL LIMIT 1").Scan(&one)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		r.err = err
	}
	return err == nil
}

func (r *runner) insertSQL(p *prepared, where string) string {
	names := make([]string, 0, len(p.columns)+1)
	exprs := make([]string, 0, len(p.columns)+1)
	for _, c := range p.columns {
		names, exprs = append(names, quote(c.name)), append(exprs, c.expr())
	}
	names, exprs = append(names, quote(warehouse.PulledAt)), append(exprs, "?")
	return "INSERT INTO " + r.table.sql() + " (" + strings.Join(names, ", ") + ") SELECT " + strings.Join(exprs, ", ") + " FROM " + p.rows.from + " AS v" + where
}
