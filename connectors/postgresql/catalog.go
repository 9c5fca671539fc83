package postgresql

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/regrant/regrant/connector"
)

// table is what the catalog says about a relation, as far as reading needs it.
type table struct {
	oid, schema, name string
	kind              string // pg_class.relkind
	rows              int64
	schemaOK          bool // USAGE on the schema
	allColumns        bool // SELECT on the table
	someColumns       bool
	filtered          bool // row-level security applies to this role
	heap              bool // rows carry the number of the transaction that wrote them (xmin)
	columns           []col
	key               []int           // attribute numbers
	leading           map[int]bool    // first columns of indexes
	byName            map[string]*col // points into columns
}

// col is a column.
type col struct {
	number   int
	name     string
	source   sourceType
	form     form
	castType string // qualified base type, for literals
	notNull  bool
	counted  bool // numbered by the server: identity or a sequence's nextval
	readable bool
	bytewise bool // the source compares its text by bytes
}

// full is the table's name outside.
func (t *table) full() string { return tableName(t.schema, t.name) }

// from is the table in a FROM clause.
func (t *table) from() string { return ident(t.schema) + "." + ident(t.name) + " t" }

// catalog reads the relations that where selects, in one round trip.
func (s *source) catalog(ctx context.Context, where string, step connector.Step, name string) ([]*table, error) {
	c, err := s.take(ctx)
	if err != nil {
		return nil, err
	}
	defer func() { s.put(c) }()
	return s.catalogOn(ctx, c, where, step, name)
}

func (s *source) catalogOn(ctx context.Context, c *session, where string, step connector.Step, name string) ([]*table, error) {
	major := c.major()
	sql := prologue + catalogOnly + relationsSQL(where) + "; " + columnsSQL(where, major) + "; " + indexesSQL(where, major) + "; COMMIT"
	results, err := c.conn.Exec(ctx, sql).ReadAll()
	if err != nil {
		c.recover(ctx)
		return nil, s.classify(ctx, err, step, name)
	}
	var sets [][][][]byte
	for _, r := range results {
		if r.CommandTag.Select() { // a result without rows has no field descriptions either
			sets = append(sets, r.Rows)
		}
	}
	if len(sets) != 3 {
		return nil, s.classify(ctx, fmt.Errorf("the catalog gave %d results instead of 3", len(sets)), step, name)
	}
	tables := scanRelations(sets[0])
	byOID := make(map[string]*table, len(tables))
	for _, t := range tables {
		byOID[t.oid] = t
	}
	scanColumns(sets[1], byOID)
	scanIndexes(sets[2], byOID)
	return tables, nil
}

// anyRelation selects what people think of as tables: no partitions (their
// parent is read), no catalogs, nothing that belongs to an extension.
const anyRelation = `n.nspname !~ '^pg_' AND n.nspname <> 'information_schema' AND c.relkind IN ('r', 'p', 'v', 'm', 'f') AND NOT c.relispartition ` +
	`AND NOT EXISTS (SELECT 1 FROM pg_depend x WHERE x.classid = 'pg_class'::regclass AND x.objid = c.oid AND x.deptype = 'e')`

func oneRelation(schema, name string) string {
	return `c.relkind IN ('r', 'p', 'v', 'm', 'f') AND n.nspname = ` + literal(schema) + ` AND c.relname = ` + literal(name)
}

// relationsSQL sums estimates over partitions and heirs; a table that was
// never analysed has -1 or, before PostgreSQL 14, 0 pages.
func relationsSQL(where string) string {
	const family = `(WITH RECURSIVE f(oid) AS (SELECT c.oid UNION ALL SELECT i.inhrelid FROM pg_inherits i JOIN f ON i.inhparent = f.oid) SELECT %s FROM f JOIN pg_class l ON l.oid = f.oid)`
	estimate := fmt.Sprintf(family, `sum(greatest(l.reltuples, pg_stat_get_live_tuples(l.oid), 0))`)
	unknown := fmt.Sprintf(family, `bool_and(l.relkind NOT IN ('r', 'm') OR (l.relpages = 0 AND l.reltuples <= 0 AND pg_stat_get_live_tuples(l.oid) = 0 AND pg_relation_size(l.oid) > 0))`)
	heap := fmt.Sprintf(family, `bool_and(l.relkind = 'p' OR (l.relkind IN ('r', 'm') AND l.relam IN (0, 2)))`)
	return `SELECT c.oid, n.nspname, c.relname, c.relkind, ` +
		`CASE WHEN c.relkind IN ('v', 'f') OR ` + unknown + ` THEN -1 ELSE ` + estimate + `::bigint END, ` +
		`has_schema_privilege(n.oid, 'USAGE'), has_table_privilege(c.oid, 'SELECT'), has_any_column_privilege(c.oid, 'SELECT'), ` +
		`row_security_active(c.oid), ` + heap +
		` FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE ` + where + ` ORDER BY n.nspname, c.relname`
}

// columnsSQL follows domains down to the type that travels on the wire. The
// modifier -1 gives names of types without a length: NULL would give
// "character", which as a cast means one character.
func columnsSQL(where string, major int) string {
	bytewise := `(SELECT datcollate IN ('C', 'POSIX') FROM pg_database WHERE datname = current_database())`
	if major >= 15 {
		bytewise = `(SELECT datcollate IN ('C', 'POSIX') AND datlocprovider = 'c' FROM pg_database WHERE datname = current_database())`
	}
	return `WITH RECURSIVE domain(root, base, typmod) AS (` +
		`SELECT oid, typbasetype, typtypmod FROM pg_type WHERE typtype = 'd' UNION ALL ` +
		`SELECT d.root, y.typbasetype, y.typtypmod FROM domain d JOIN pg_type y ON y.oid = d.base WHERE y.typtype = 'd') ` +
		`SELECT a.attrelid, a.attnum, a.attname, format_type(a.atttypid, a.atttypmod), b.typname, bn.nspname, b.typtype, ` +
		`coalesce(e.typname, ''), coalesce(en.nspname, ''), coalesce(d.typmod, a.atttypmod), a.attndims, format_type(b.oid, -1), ` +
		`a.attnotnull, a.attidentity <> '' OR coalesce(pg_get_expr(v.adbin, v.adrelid), '') LIKE 'nextval(%', ` +
		`has_column_privilege(c.oid, a.attnum, 'SELECT'), a.attcollation IN (950, 951) OR (a.attcollation = 100 AND ` + bytewise + `) ` +
		`FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid JOIN pg_namespace n ON n.oid = c.relnamespace ` +
		`LEFT JOIN (SELECT d.* FROM domain d JOIN pg_type y ON y.oid = d.base AND y.typtype <> 'd') d ON d.root = a.atttypid ` +
		`JOIN pg_type b ON b.oid = coalesce(d.base, a.atttypid) JOIN pg_namespace bn ON bn.oid = b.typnamespace ` +
		`LEFT JOIN pg_type e ON e.oid = b.typelem AND b.typcategory = 'A' LEFT JOIN pg_namespace en ON en.oid = e.typnamespace ` +
		`LEFT JOIN pg_attrdef v ON v.adrelid = a.attrelid AND v.adnum = a.attnum ` +
		`WHERE a.attnum > 0 AND NOT a.attisdropped AND ` + where + ` ORDER BY a.attrelid, a.attnum`
}

// indexesSQL lists the primary key first, then what else identifies rows.
func indexesSQL(where string, major int) string {
	keyColumns := "i.indnkeyatts"
	if major < 11 {
		keyColumns = "i.indnatts"
	}
	return `SELECT i.indrelid, i.indkey::text, ` + keyColumns + `, i.indisunique AND i.indimmediate AND i.indpred IS NULL AND i.indexprs IS NULL, i.indpred IS NULL ` +
		`FROM pg_index i JOIN pg_class c ON c.oid = i.indrelid JOIN pg_namespace n ON n.oid = c.relnamespace ` +
		`WHERE i.indisvalid AND ` + where + ` ORDER BY i.indrelid, i.indisprimary DESC, ` + keyColumns + `, i.indexrelid`
}

// scan helpers: the catalog's answers are texts.

func yes(b []byte) bool { return string(b) == "t" }

func number64(b []byte) int64 {
	n, _ := strconv.ParseInt(string(b), 10, 64)
	return n
}

func scanRelations(rows [][][]byte) []*table {
	tables := make([]*table, 0, len(rows))
	for _, r := range rows {
		tables = append(tables, &table{
			oid: string(r[0]), schema: string(r[1]), name: string(r[2]), kind: string(r[3]), rows: number64(r[4]),
			schemaOK: yes(r[5]), allColumns: yes(r[6]), someColumns: yes(r[7]), filtered: yes(r[8]), heap: yes(r[9]),
			leading: map[int]bool{}, byName: map[string]*col{},
		})
	}
	return tables
}

func scanColumns(rows [][][]byte, tables map[string]*table) {
	for _, r := range rows {
		t := tables[string(r[0])]
		if t == nil {
			continue
		}
		src := sourceType{written: string(r[3]), base: string(r[4]), namespace: string(r[5]), kind: string(r[6]),
			element: string(r[7]), elementNS: string(r[8]), typmod: int32(number64(r[9])), dimensions: int(number64(r[10]))}
		t.columns = append(t.columns, col{number: int(number64(r[1])), name: string(r[2]), source: src, form: formOf(src), castType: string(r[11]),
			notNull: yes(r[12]), counted: yes(r[13]), readable: yes(r[14]), bytewise: yes(r[15])})
	}
	for _, t := range tables {
		for i := range t.columns {
			t.byName[t.columns[i].name] = &t.columns[i]
		}
	}
}

func scanIndexes(rows [][][]byte, tables map[string]*table) {
	for _, r := range rows {
		t := tables[string(r[0])]
		if t == nil {
			continue
		}
		numbers := keyNumbers(string(r[1]), int(number64(r[2])))
		if len(numbers) == 0 {
			continue
		}
		if whole := yes(r[4]); whole {
			t.leading[numbers[0]] = true
		}
		if unique := yes(r[3]); unique && t.key == nil && t.canBeKey(numbers) {
			t.key = numbers
		}
	}
}

func keyNumbers(list string, n int) []int {
	parts := strings.Fields(list)
	numbers := make([]int, 0, n)
	for _, p := range parts[:min(n, len(parts))] {
		k, _ := strconv.Atoi(p)
		numbers = append(numbers, k)
	}
	return numbers
}

// canBeKey wants columns that are never NULL, may be read, and whose values
// can be written down in a position.
func (t *table) canBeKey(numbers []int) bool {
	for _, n := range numbers {
		c := t.column(n)
		if c == nil || !c.notNull || !c.readable || c.form.text == nil {
			return false
		}
	}
	return true
}

func (t *table) column(number int) *col {
	i := slices.IndexFunc(t.columns, func(c col) bool { return c.number == number })
	if i < 0 {
		return nil
	}
	return &t.columns[i]
}

// keyColumns are the columns of the key, in its order.
func (t *table) keyColumns() []*col {
	cols := make([]*col, len(t.key))
	for i, n := range t.key {
		cols[i] = t.column(n)
	}
	return cols
}
