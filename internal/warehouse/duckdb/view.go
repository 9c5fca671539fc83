package duckdb

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"fmt"
	"strconv"
	"sync/atomic"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	dk "github.com/duckdb/duckdb-go/v2"
)

// source is something that DuckDB can select columns c0, c1, … from, once.
type source struct {
	from    string // name in SQL
	release func()
}

// viewer registers Arrow records as views. DuckDB puts such a view into the
// catalog of the connection's database for good; ours goes to a database in
// memory, so that a pointer never reaches the file. And because a transaction
// may write to one database only, views are made before it begins.
type viewer struct {
	conn *sql.Conn
	next atomic.Int64
	id   uint64
}

func newViewer(ctx context.Context, conn *sql.Conn) (*viewer, error) {
	if _, err := conn.ExecContext(ctx, use(stage)); err != nil {
		return nil, fmt.Errorf("prepare connection: %w", err)
	}
	id, err := dk.ConnId(conn)
	if err != nil {
		return nil, fmt.Errorf("prepare connection: %w", err)
	}
	return &viewer{conn: conn, id: id}, nil
}

// view registers the records; release drops the view and lets go of them.
func (v *viewer) view(ctx context.Context, columns []column, records []arrow.RecordBatch) (source, error) {
	fields := make([]arrow.Field, len(columns))
	for i, c := range columns {
		fields[i] = c.wire
	}
	schema := arrow.NewSchema(fields, nil)
	wired := make([]arrow.RecordBatch, 0, len(records))
	defer func() {
		for _, r := range wired {
			r.Release() // the reader has its own reference
		}
	}()
	for _, r := range records {
		w, err := rewire(schema, columns, r)
		if err != nil {
			return source{}, err
		}
		wired = append(wired, w)
	}
	reader, err := array.NewRecordReader(schema, wired)
	if err != nil {
		return source{}, fmt.Errorf("read records: %w", err)
	}
	name := "v" + strconv.FormatUint(v.id, 10) + "_" + strconv.FormatInt(v.next.Add(1), 10)
	free, err := v.register(reader, name)
	if err != nil {
		reader.Release()
		return source{}, err
	}
	from := quote(stage) + ".main." + quote(name)
	return source{from: from, release: func() {
		_, _ = v.conn.ExecContext(context.WithoutCancel(ctx), "DROP VIEW IF EXISTS "+from)
		free()
		reader.Release()
	}}, nil
}

func (v *viewer) register(reader array.RecordReader, name string) (free func(), err error) {
	err = v.conn.Raw(func(c any) error {
		a, err := dk.NewArrowFromConn(c.(driver.Conn))
		if err != nil {
			return err
		}
		free, err = a.RegisterView(reader, name)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("hand records to the warehouse: %w", err)
	}
	return free, nil
}

// column is a column of a record on its way into the table.
type column struct {
	name  string      // in the table
	index int         // in the record
	field arrow.Field // in the record
	wire  arrow.Field // as DuckDB gets it: c0, c1, …
	into  string      // type in the table

	// convert makes of an array what DuckDB can read; nil: it can.
	convert func(arrow.Array) (arrow.Array, error)
}

// newColumn plans how column i of a record gets into the table's column.
func newColumn(i, position int, f arrow.Field, name, into string) column {
	c := column{name: name, index: i, field: f, into: into}
	c.wire = arrow.Field{Name: "c" + strconv.Itoa(position), Nullable: true}
	c.wire.Type, c.convert = conversion(c.plain())
	switch {
	case c.arrives() == tJSON:
		c.wire.Metadata = extension("arrow.json")
	case c.arrives() == tUUID && c.wire.Type.ID() == arrow.FIXED_SIZE_BINARY:
		c.wire.Metadata = extension("arrow.uuid")
	}
	return c
}

func (c column) plain() arrow.Field {
	return arrow.Field{Type: bare(c.field.Type), Metadata: c.field.Metadata}
}

func (c column) arrives() string { return arrives(c.plain()) }

// expr selects the column from the alias v in the table's type.
func (c column) expr() string {
	ref := "v." + quote(c.wire.Name)
	from := orText(c.arrives())
	switch {
	case from == c.into:
		return ref
	case c.into == tJSON && from == tText:
		// What no JSON parser takes is kept, as a JSON string.
		return fmt.Sprintf("CASE WHEN json_valid(%s) THEN %s::JSON ELSE to_json(%s) END", ref, ref, ref)
	}
	return fmt.Sprintf("CAST(%s AS %s)", ref, c.into)
}

func extension(name string) arrow.Metadata {
	return arrow.NewMetadata([]string{"ARROW:extension:name", "ARROW:extension:metadata"}, []string{name, ""})
}

// bare is the type without an extension around it.
func bare(t arrow.DataType) arrow.DataType {
	if e, ok := t.(arrow.ExtensionType); ok {
		return e.StorageType()
	}
	return t
}

// rewire gives the columns of the record their wire names and types without
// copying them; only types that DuckDB cannot read are turned into text.
func rewire(schema *arrow.Schema, columns []column, r arrow.RecordBatch) (arrow.RecordBatch, error) {
	arrays := make([]arrow.Array, len(columns))
	for i, c := range columns {
		if c.index >= int(r.NumCols()) {
			return nil, fmt.Errorf("a record lacks column %q", c.name)
		}
		a := r.Column(c.index)
		if e, ok := a.(array.ExtensionArray); ok {
			a = e.Storage()
		}
		if c.convert != nil {
			converted, err := c.convert(a)
			if err != nil {
				return nil, fmt.Errorf("convert column %q: %w", c.name, err)
			}
			defer converted.Release()
			a = converted
		}
		arrays[i] = a
	}
	return array.NewRecordBatch(schema, arrays, r.NumRows()), nil
}
