package tds

import (
	"strings"
)

// catalog answers what the connector asks of the server itself. These few
// statements join catalog views, which the engine does not do: they are told
// by what they select from, and answered with the columns that they ask for.
func (d *Database) catalog(s *Session, sql string, params []any) (Reply, bool) {
	switch {
	case strings.Contains(sql, "'ProductVersion'") && strings.Contains(sql, "FROM sys.databases"):
		return reply(columnsOf("version nvarchar", "edition int", "snapshot int"), []any{d.Version, d.Edition, flag(d.Snapshot)}), true
	case strings.Contains(sql, "SUSER_SNAME()") && strings.Contains(sql, "FROM sys.databases"):
		return d.who(s), true
	case strings.Contains(sql, "'DaysUntilExpiration'"):
		return d.expiry(s), true
	case strings.Contains(sql, "FROM sys.security_predicates"):
		return Reply{Columns: columnsOf("filters int"), Rows: [][]any{{d.Filters}}}, true
	case strings.Contains(sql, "FROM sys.objects AS o"):
		return d.relations(params), true
	case strings.Contains(sql, "FROM sys.columns AS c"):
		return d.columnsOfAll(params), true
	case strings.Contains(sql, "FROM sys.indexes AS i"):
		return d.indexes(params), true
	}
	return Reply{}, false
}

func columnsOf(list ...string) []Column {
	out := make([]Column, len(list))
	for i, text := range list {
		name, kind, _ := strings.Cut(text, " ")
		out[i] = Column{name, Type{Name: kind, Size: 256}}
	}
	return out
}

func reply(columns []Column, rows ...[]any) Reply { return Reply{Columns: columns, Rows: rows} }

func flag(yes bool) int64 {
	if yes {
		return 1
	}
	return 0
}

func (d *Database) who(s *Session) Reply {
	var broker any
	if d.Broker != "" {
		broker = d.Broker
	}
	return reply(columnsOf("login nvarchar", "db nvarchar", "server nvarchar", "updateability nvarchar", "broker nvarchar", "admin int", "owner int", "edition nvarchar", "snapshot int", "rcsi int"),
		[]any{s.Login.User, d.Name, d.Server, "READ_WRITE", broker, int64(0), int64(0), "Fake Edition", flag(d.Snapshot), int64(0)})
}

func (d *Database) expiry(s *Session) Reply {
	var days any
	if u := d.users[s.Login.User]; u != nil {
		days = u.ExpiresIn
	}
	return reply(columnsOf("days int"), []any{days})
}

// shown lists the tables that the catalog shows, or the one asked for.
func (d *Database) shown(params []any) map[int64]*Table {
	out := map[int64]*Table{}
	for i, t := range d.tables {
		asked := len(params) != 2 || strings.EqualFold(t.Schema, text(params[0])) && strings.EqualFold(t.Name, text(params[1]))
		if !t.Hidden && asked {
			out[int64(i+100)] = t
		}
	}
	return out
}

func text(v any) string { s, _ := v.(string); return s }

func (d *Database) each(params []any, f func(id int64, t *Table)) {
	shown := d.shown(params)
	for id := range int64(len(d.tables)) {
		if t := shown[id+100]; t != nil {
			f(id+100, t)
		}
	}
}

func (d *Database) relations(params []any) Reply {
	r := reply(columnsOf("id bigint", "schema nvarchar", "name nvarchar", "type nvarchar", "rows bigint", "may int"))
	d.each(params, func(id int64, t *Table) {
		kind, rows := "U", any(int64(len(t.Rows)))
		if t.View {
			kind, rows = "V", nil
		}
		r.Rows = append(r.Rows, []any{id, t.Schema, t.Name, kind, rows, flag(!t.Denied)})
	})
	return r
}

func (d *Database) columnsOfAll(params []any) Reply {
	r := reply(columnsOf("id bigint", "column bigint", "name nvarchar", "type nvarchar", "length bigint", "precision bigint", "scale bigint", "collation nvarchar",
		"nullable bit", "identity bit", "may int", "hidden int", "encrypted int"))
	d.each(params, func(id int64, t *Table) {
		for i, c := range t.Columns {
			collation := c.Collation
			if collation == "" && isText(c.Type) && c.Type.Name != "xml" {
				collation = "Latin1_General_CI_AS"
			}
			length := int64(c.Type.Size)
			if strings.HasPrefix(c.Type.Name, "n") && length > 0 {
				length *= 2
			}
			r.Rows = append(r.Rows, []any{id, int64(i + 1), c.Name, c.Type.Name, length, int64(c.Type.Prec), int64(c.Type.Scale), collation,
				!c.NotNull, c.Identity, flag(!t.Denied && !c.Denied), int64(0), flag(c.Encrypted)})
		}
	})
	return r
}

func (d *Database) indexes(params []any) Reply {
	r := reply(columnsOf("id bigint", "index bigint", "column bigint", "unique int", "whole int"))
	d.each(params, func(id int64, t *Table) {
		if len(t.Key) > 0 {
			r.Rows = append(r.Rows, t.index(id, 1, t.Key, true)...)
		}
		for i, list := range t.Indexes {
			r.Rows = append(r.Rows, t.index(id, int64(i+2), list, false)...)
		}
	})
	return r
}

func (t *Table) index(id, number int64, names []string, unique bool) [][]any {
	var rows [][]any
	for _, name := range names {
		for i, c := range t.Columns {
			if c.Name == name {
				rows = append(rows, []any{id, number, int64(i + 1), flag(unique), int64(1)})
			}
		}
	}
	return rows
}
