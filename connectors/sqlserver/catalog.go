package sqlserver

import (
	"context"
	"database/sql/driver"
	"fmt"
	"slices"
	"strings"

	"github.com/regrant/regrant/connector"
)

// table is what the catalog says about a table or view, as far as reading
// needs it.
type table struct {
	id           int64
	schema, name string
	kind         string // sys.objects.type: U, V
	rows         int64
	whole        bool // SELECT on the table
	columns      []col
	key          []int64         // column ids
	leading      map[int64]bool  // first columns of indexes
	byName       map[string]*col // points into columns
}

// col is a column, or something that is read beside one.
type col struct {
	number   int64
	name     string
	source   sourceType
	written  string // the type as people write it
	form     form
	notNull  bool
	counted  bool // IDENTITY
	readable bool
	of       string // the column it is read from, where that has another name
}

// ref is the column in a statement.
func (c *col) ref() string {
	if c.of != "" {
		return "t." + ident(c.of)
	}
	return "t." + ident(c.name)
}

// literal is a value of the column's type in a statement.
func (c *col) literal(text string) string { return strings.ReplaceAll(c.form.cast, "$", literal(text)) }

// full is the table's name outside.
func (t *table) full() string { return tableName(t.schema, t.name) }

// from is the table in a FROM clause.
func (t *table) from() string { return ident(t.schema) + "." + ident(t.name) + " AS t" }

// relationsSQL lists what people think of as tables. HAS_PERMS_BY_NAME is 1,
// 0, or NULL for what cannot be seen. The catalog itself hides what the login
// has no permission on at all. sys.partitions counts rows for free.
const relationsSQL = `SELECT CONVERT(bigint, o.object_id), s.name, o.name, RTRIM(o.type), ` +
	`CASE WHEN o.type = 'U' THEN (SELECT SUM(p.rows) FROM sys.partitions AS p WHERE p.object_id = o.object_id AND p.index_id IN (0, 1)) END, ` +
	`HAS_PERMS_BY_NAME(QUOTENAME(s.name) + N'.' + QUOTENAME(o.name), N'OBJECT', N'SELECT') ` +
	`FROM sys.objects AS o JOIN sys.schemas AS s ON s.schema_id = o.schema_id ` +
	`WHERE o.type IN ('U', 'V') AND o.is_ms_shipped = 0 AND s.name NOT IN (N'sys', N'INFORMATION_SCHEMA', N'cdc')`

// columnsSQL resolves alias types to what travels on the wire; CLR types have
// no system type of their own and keep their name.
const columnsSQL = `SELECT CONVERT(bigint, c.object_id), CONVERT(bigint, c.column_id), c.name, COALESCE(b.name, u.name), CONVERT(bigint, c.max_length), ` +
	`CONVERT(bigint, c.precision), CONVERT(bigint, c.scale), COALESCE(c.collation_name, N''), c.is_nullable, c.is_identity, ` +
	`HAS_PERMS_BY_NAME(QUOTENAME(s.name) + N'.' + QUOTENAME(o.name), N'OBJECT', N'SELECT', c.name, N'COLUMN'), ` +
	`CASE WHEN COLUMNPROPERTY(c.object_id, c.name, 'IsHidden') = 1 THEN 1 ELSE 0 END, CASE WHEN c.encryption_type IS NULL THEN 0 ELSE 1 END ` +
	`FROM sys.columns AS c JOIN sys.objects AS o ON o.object_id = c.object_id JOIN sys.schemas AS s ON s.schema_id = o.schema_id ` +
	`JOIN sys.types AS u ON u.user_type_id = c.user_type_id LEFT JOIN sys.types AS b ON b.user_type_id = u.system_type_id AND b.system_type_id = b.user_type_id ` +
	`WHERE o.type IN ('U', 'V') AND o.is_ms_shipped = 0 AND c.is_column_set = 0`

// indexesSQL lists the columns of indexes, the primary key's first, the
// narrower unique ones before the wider.
const indexesSQL = `SELECT CONVERT(bigint, i.object_id), CONVERT(bigint, i.index_id), CONVERT(bigint, x.column_id), ` +
	`CASE WHEN i.is_unique = 1 AND i.has_filter = 0 THEN 1 ELSE 0 END, CASE WHEN i.has_filter = 0 THEN 1 ELSE 0 END ` +
	`FROM sys.indexes AS i JOIN sys.index_columns AS x ON x.object_id = i.object_id AND x.index_id = i.index_id ` +
	`JOIN sys.objects AS o ON o.object_id = i.object_id JOIN sys.schemas AS s ON s.schema_id = o.schema_id ` +
	`WHERE o.type IN ('U', 'V') AND o.is_ms_shipped = 0 AND i.is_disabled = 0 AND i.is_hypothetical = 0 AND i.type IN (1, 2, 7) AND x.key_ordinal > 0`

const (
	relationsOrder = ` ORDER BY s.name, o.name`
	columnsOrder   = ` ORDER BY c.object_id, c.column_id`
	indexesOrder   = ` ORDER BY i.object_id, i.is_primary_key DESC, i.index_id, x.key_ordinal`
	oneRelation    = ` AND s.name = @p1 AND o.name = @p2`
)

// catalogOn reads all tables, or the one named by schema and name.
func (s *source) catalogOn(ctx context.Context, c *session, args ...any) ([]*table, error) {
	only := ""
	if len(args) > 0 {
		only = oneRelation
	}
	relations, err := c.rows(ctx, relationsSQL+only+relationsOrder, args...)
	if err != nil {
		return nil, err
	}
	columns, err := c.rows(ctx, columnsSQL+only+columnsOrder, args...)
	if err != nil {
		return nil, err
	}
	indexes, err := c.rows(ctx, indexesSQL+only+indexesOrder, args...)
	if err != nil {
		return nil, err
	}
	tables := scanRelations(relations)
	byID := make(map[int64]*table, len(tables))
	for _, t := range tables {
		byID[t.id] = t
	}
	scanColumns(columns, byID)
	scanIndexes(indexes, byID)
	return tables, nil
}

func scanRelations(rows [][]driver.Value) []*table {
	tables := make([]*table, 0, len(rows))
	for _, r := range rows {
		t := &table{id: number64(r[0]), schema: textOf(r[1]), name: textOf(r[2]), kind: textOf(r[3]), rows: -1, whole: yes(r[5]),
			leading: map[int64]bool{}, byName: map[string]*col{}}
		if r[4] != nil {
			t.rows = number64(r[4])
		}
		tables = append(tables, t)
	}
	return tables
}

func scanColumns(rows [][]driver.Value, tables map[int64]*table) {
	for _, r := range rows {
		t := tables[number64(r[0])]
		if t == nil || yes(r[11]) { // hidden ones are of the server's own making
			continue
		}
		src := sourceType{base: textOf(r[3]), length: number64(r[4]), precision: number64(r[5]), scale: number64(r[6]), collation: textOf(r[7])}
		c := col{number: number64(r[1]), name: textOf(r[2]), source: src, written: written(src), form: formOf(src), notNull: !yes(r[8]), counted: yes(r[9]), readable: yes(r[10])}
		if encrypted := yes(r[12]); encrypted {
			c.form, c.written = encryptedForm(), c.written+" (encrypted)"
		}
		t.columns = append(t.columns, c)
	}
	for _, t := range tables {
		t.addCompanions()
		for i := range t.columns {
			t.byName[t.columns[i].name] = &t.columns[i]
		}
	}
}

// encryptedForm takes Always Encrypted values as they are: without the column's
// key, which the source's owner keeps, there is nothing else to have.
func encryptedForm() form {
	f := binaryForm(sourceType{base: "varbinary", length: -1})
	// The server takes no expression of such a column, so a change in it alone
	// is not seen by comparing hashes.
	f.hash, f.lossy = "N''", "encrypted at the source; the bytes arrive as they are"
	return f
}

// addCompanions puts columns beside those whose value alone does not say all:
// the offset of a datetimeoffset, the type inside a sql_variant.
func (t *table) addCompanions() {
	for _, c := range slices.Clone(t.columns) {
		var beside col
		switch c.source.base {
		case "datetimeoffset":
			beside = col{name: c.name + "__offset_min", written: "smallint (offset of " + c.name + ")", form: formOf(sourceType{base: "smallint"})}
			beside.form.ask = "CONVERT(smallint, DATEPART(tzoffset, $))"
		case "sql_variant":
			beside = col{name: c.name + "__type", written: "sysname (type of " + c.name + ")", form: formOf(sourceType{base: "nvarchar", length: 256})}
			beside.form.ask = "CONVERT(nvarchar(128), SQL_VARIANT_PROPERTY($, 'BaseType'))"
		default:
			continue
		}
		taken := slices.ContainsFunc(t.columns, func(o col) bool { return strings.EqualFold(o.name, beside.name) })
		if taken {
			continue
		}
		beside.form.hash = "CONVERT(nvarchar(max), " + beside.form.ask + ")"
		beside.form.text = nil
		beside.of, beside.readable, beside.notNull, beside.number = c.name, c.readable, c.notNull, -c.number
		t.columns = append(t.columns, beside)
	}
}

// written is a type as people write it.
func written(t sourceType) string {
	switch t.base {
	case "decimal", "numeric":
		return fmt.Sprintf("%s(%d,%d)", t.base, t.precision, t.scale)
	case "datetime2", "datetimeoffset", "time":
		return fmt.Sprintf("%s(%d)", t.base, t.scale)
	case "char", "varchar", "binary", "varbinary", "nchar", "nvarchar":
		n := t.length
		if strings.HasPrefix(t.base, "n") {
			n /= 2
		}
		if t.length == -1 {
			return t.base + "(max)"
		}
		return fmt.Sprintf("%s(%d)", t.base, n)
	case "timestamp":
		return "rowversion"
	}
	return t.base
}

func scanIndexes(rows [][]driver.Value, tables map[int64]*table) {
	for at := 0; at < len(rows); {
		end := at + 1
		for end < len(rows) && rows[end][0] == rows[at][0] && rows[end][1] == rows[at][1] {
			end++
		}
		if t := tables[number64(rows[at][0])]; t != nil {
			t.addIndex(rows[at:end])
		}
		at = end
	}
}

func (t *table) addIndex(rows [][]driver.Value) {
	numbers := make([]int64, len(rows))
	for i, r := range rows {
		numbers[i] = number64(r[2])
	}
	if whole := yes(rows[0][4]); whole {
		t.leading[numbers[0]] = true
	}
	if unique := yes(rows[0][3]); unique && t.key == nil && t.canBeKey(numbers) {
		t.key = numbers
	}
}

// canBeKey wants columns that are never NULL, may be read, and whose values
// can be written down in a position.
func (t *table) canBeKey(numbers []int64) bool {
	for _, n := range numbers {
		c := t.column(n)
		if c == nil || !c.notNull || !c.readable || c.form.text == nil {
			return false
		}
	}
	return true
}

func (t *table) column(number int64) *col {
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

// Tables lists tables and views, what may not be read marked so.
func (s *source) Tables(ctx context.Context) ([]connector.Table, error) {
	c, err := s.take(ctx)
	if err != nil {
		return nil, err
	}
	defer func() { s.put(c) }()
	found, err := s.catalogOn(ctx, c)
	if err != nil {
		return nil, s.classify(ctx, err, connector.StepPrivileges, "")
	}
	tables := make([]connector.Table, 0, len(found))
	for _, t := range found {
		tables = append(tables, t.public())
	}
	return tables, nil
}
