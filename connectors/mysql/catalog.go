package mysql

import (
	"context"
	"slices"
	"strconv"
	"strings"

	"github.com/regrant/regrant/connector"
)

// table is what the catalog says about a table, as far as reading needs it.
type table struct {
	schema, name string
	view         bool
	rows         int64 // as estimated by the server; -1: not known
	columns      []col
	key          []*col
	leading      map[string]bool // first columns of indexes
	byName       map[string]*col // points into columns
	fault        *connector.Fault
}

// col is a column.
type col struct {
	name     string
	source   sourceType
	form     form
	notNull  bool
	counted  bool // AUTO_INCREMENT
	touched  bool // ON UPDATE CURRENT_TIMESTAMP
	readable bool
}

// full is the table's name outside.
func (t *table) full() string { return tableName(t.schema, t.name) }

// from is the table in a FROM clause.
func (t *table) from() string { return ident(t.schema) + "." + ident(t.name) + " t" }

// catalog reads the tables of the databases that the user may see, or the one
// named. information_schema shows only what the user has a privilege for, and
// of a column the privileges themselves.
func (s *source) catalog(ctx context.Context, c *session, schema, name string) ([]*table, error) {
	where := s.where(schema, name)
	// MyISAM and its like know the number of rows, InnoDB estimates it.
	rows, err := c.All(ctx, "SELECT table_schema, table_name, table_type, table_rows FROM information_schema.tables WHERE "+where+
		" AND table_type IN ('BASE TABLE', 'VIEW', 'SYSTEM VERSIONED') ORDER BY table_schema, table_name")
	if err != nil {
		return nil, err
	}
	tables, byName := scanTables(rows, schema, name)
	if len(tables) == 0 {
		return nil, nil
	}
	rows, err = c.All(ctx, "SELECT table_schema, table_name, column_name, column_type, data_type, is_nullable, extra, character_set_name, collation_name, "+
		"numeric_precision, numeric_scale, privileges FROM information_schema.columns WHERE "+where+" ORDER BY table_schema, table_name, ordinal_position")
	if err != nil {
		return nil, err
	}
	jsons, err := c.jsonColumns(ctx, where)
	if err != nil {
		return nil, err
	}
	scanColumns(rows, byName, jsons)
	rows, err = c.All(ctx, "SELECT table_schema, table_name, index_name, non_unique, column_name, sub_part FROM information_schema.statistics WHERE "+where+
		" ORDER BY table_schema, table_name, index_name <> 'PRIMARY', non_unique, index_name, seq_in_index")
	if err != nil {
		return nil, err
	}
	scanIndexes(rows, byName)
	return tables, nil
}

func (s *source) where(schema, name string) string {
	switch {
	case name != "":
		return "table_schema = " + literal(schema) + " AND table_name = " + literal(name)
	case s.settings["database"] != "":
		return "table_schema = " + literal(s.settings["database"])
	default:
		return "table_schema NOT IN (" + literals(systemSchemas()) + ")"
	}
}

// jsonColumns finds MariaDB's JSON: it is a text that a check holds to JSON.
func (c *session) jsonColumns(ctx context.Context, where string) (map[[3]string]bool, error) {
	found := map[[3]string]bool{}
	if !c.MariaDB() {
		return found, nil
	}
	rows, err := c.All(ctx, "SELECT constraint_schema, table_name, check_clause FROM information_schema.check_constraints WHERE "+
		strings.Replace(where, "table_schema", "constraint_schema", 1)+" AND check_clause LIKE 'json_valid(%'")
	if err != nil {
		if isServerError(err) { // before 10.2.22; a text it is in any case
			return found, nil
		}
		return nil, err
	}
	for _, r := range rows {
		clause := strings.TrimSuffix(strings.TrimPrefix(strings.ToLower(string(r[2])), "json_valid("), ")")
		column := strings.ReplaceAll(strings.Trim(clause, "`"), "``", "`")
		found[[3]string{string(r[0]), string(r[1]), column}] = true
	}
	return found, nil
}

func number64(b []byte) int64 {
	n, _ := strconv.ParseInt(string(b), 10, 64)
	return n
}

// scanTables leaves out what is called alike in another case only: the catalog
// compares names without regard to it.
func scanTables(rows [][][]byte, schema, name string) ([]*table, map[[2]string]*table) {
	tables := make([]*table, 0, len(rows))
	byName := make(map[[2]string]*table, len(rows))
	for _, r := range rows {
		t := &table{schema: string(r[0]), name: string(r[1]), view: string(r[2]) == "VIEW", rows: -1, leading: map[string]bool{}, byName: map[string]*col{}}
		if name != "" && (t.schema != schema || t.name != name) && len(rows) > 1 {
			continue
		}
		if r[3] != nil && !t.view {
			t.rows = number64(r[3])
		}
		tables = append(tables, t)
		byName[[2]string{t.schema, t.name}] = t
	}
	return tables, byName
}

func scanColumns(rows [][][]byte, tables map[[2]string]*table, jsons map[[3]string]bool) {
	for _, r := range rows {
		t := tables[[2]string{string(r[0]), string(r[1])}]
		if t == nil {
			continue
		}
		src := sourceType{written: string(r[3]), base: strings.ToLower(string(r[4])), charset: string(r[7]), collation: string(r[8]),
			precision: int(number64(r[9])), scale: int(number64(r[10]))}
		if jsons[[3]string{t.schema, t.name, strings.ToLower(string(r[2]))}] {
			src.written = "json"
		}
		extra := strings.ToLower(string(r[6]))
		t.columns = append(t.columns, col{
			name: string(r[2]), source: src, form: formOf(src), notNull: string(r[5]) == "NO",
			counted: strings.Contains(extra, "auto_increment"), touched: strings.Contains(extra, "on update"),
			readable: slices.Contains(strings.Split(string(r[11]), ","), "select"),
		})
	}
	for _, t := range tables {
		for i := range t.columns {
			t.byName[t.columns[i].name] = &t.columns[i]
		}
	}
}

// scanIndexes takes the primary key, or else the first unique index that can
// stand in for it.
func scanIndexes(rows [][][]byte, tables map[[2]string]*table) {
	for i := 0; i < len(rows); {
		end := i + 1
		for end < len(rows) && sameIndex(rows[i], rows[end]) {
			end++
		}
		if t := tables[[2]string{string(rows[i][0]), string(rows[i][1])}]; t != nil {
			t.take(rows[i:end])
		}
		i = end
	}
}

func sameIndex(a, b [][]byte) bool {
	return string(a[0]) == string(b[0]) && string(a[1]) == string(b[1]) && string(a[2]) == string(b[2])
}

func (t *table) take(index [][][]byte) {
	t.leading[string(index[0][4])] = true
	if t.key != nil || string(index[0][3]) != "0" {
		return
	}
	key := make([]*col, 0, len(index))
	for _, r := range index {
		// A prefix or an expression does not give the rows' own order.
		c := t.byName[string(r[4])]
		if r[5] != nil || r[4] == nil || c == nil || !c.canBeKey() {
			return
		}
		key = append(key, c)
	}
	t.key = key
}

// canBeKey wants values that are never NULL, may be read, and can be written
// down in a position.
func (c *col) canBeKey() bool { return c.notNull && c.readable && c.form.key.text != nil }

// expr is what is selected for the column.
func (c *col) expr() string {
	name := "t." + ident(c.name)
	if c.form.wrap != nil {
		return c.form.wrap(name)
	}
	return name
}
