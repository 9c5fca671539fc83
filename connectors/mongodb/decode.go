package mongodb

import (
	"errors"
	"fmt"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"go.mongodb.org/mongo-driver/v2/x/bsonx/bsoncore"

	"github.com/regrant/regrant/connector"
)

// restColumn takes whatever has no column of its own: fields that no sample
// showed, and values that do not fit their column's type. So no value is lost,
// and no document is refused, however a collection changes.
const restColumn = "_rest"

// keyColumn is the only key that MongoDB knows.
const keyColumn = "_id"

// Bounds of a record.
const (
	recordRows  = 10_000
	recordBytes = 32 << 20
)

var errDocument = errors.New("a document that is no BSON") //nolint:gochecknoglobals // a sentinel

// decoder fills columns straight from documents.
type decoder struct {
	schema *arrow.Schema
	kinds  []kind
	into   []column
	filled []bool
	top    map[string]place
	rest   int // column of the rest; -1: not asked for
	key    int // column of the key; -1: none
	learn  func(path string, k kind)

	rows  int
	bytes int64
	odd   []byte // the rest of the present document
	some  bool
	total int64
}

// place is where a field of a document goes.
type place struct {
	column int // -1: none of its own
	below  map[string]int
}

func newDecoder(table connector.Table, names []string, learn func(string, kind)) (*decoder, error) {
	d := &decoder{schema: table.Schema(names), top: map[string]place{}, rest: -1, key: -1, learn: learn}
	if d.schema.NumFields() != len(names) {
		return nil, fmt.Errorf("some of %d columns are not of the table", len(names))
	}
	for i, name := range names {
		c, _ := table.Column(name)
		k := kindNamed(c.SourceType)
		if !arrow.TypeEqual(k.form().arrow, c.Type) {
			return nil, fmt.Errorf("column %s is %s, which does not arrive as %s", name, c.SourceType, c.Type)
		}
		d.kinds, d.into = append(d.kinds, k), append(d.into, columnOf(k))
		switch name {
		case restColumn:
			d.rest = i
			continue
		case keyColumn:
			d.key = i
		}
		d.place(i, name)
	}
	d.filled = make([]bool, len(names))
	return d, nil
}

// place finds where a column's values stand. A name with a dot is a field
// within a field, or, rarely, a field with a dot in its name.
func (d *decoder) place(i int, name string) {
	whole := d.top[name]
	d.top[name] = place{i, whole.below}
	above, below, inside := strings.Cut(name, ".")
	if !inside {
		return
	}
	p, known := d.top[above]
	if !known {
		p.column = -1
	}
	if p.below == nil {
		p.below = map[string]int{}
	}
	p.below[below] = i
	d.top[above] = p
}

// add takes a document in, whole or, if it is damaged, not at all.
func (d *decoder) add(raw []byte) error {
	if !sound(raw, 0) {
		return fmt.Errorf("%w, of %d bytes", errDocument, len(raw))
	}
	clear(d.filled)
	d.odd, d.some = d.odd[:0], false
	eachElement(raw, func(key []byte, v bsoncore.Value) bool {
		d.field(key, v)
		return true
	})
	if d.key >= 0 && !d.filled[d.key] {
		return errKeyKind
	}
	for i, filled := range d.filled {
		if !filled && i != d.rest {
			d.into[i].AppendNull()
		}
	}
	if d.rest >= 0 {
		d.addRest()
	}
	d.rows++
	d.total++
	d.bytes += int64(len(raw))
	return nil
}

func (d *decoder) field(key []byte, v bsoncore.Value) {
	p, known := d.top[string(key)]
	switch {
	case known && p.column >= 0 && d.fill(p.column, v):
	case known && p.below != nil && v.Type == bsoncore.TypeEmbeddedDocument && d.inside(key, p.below, v):
	case kindOf(v) == nothing:
	default:
		d.keep(key, v)
		if d.rest >= 0 {
			d.learn(string(key), kindOf(v))
		}
	}
}

// fill gives a value to its column; false if it does not fit or the column has
// one already (a field may stand twice in a document).
func (d *decoder) fill(i int, v bsoncore.Value) bool {
	if d.filled[i] {
		return false
	}
	if kindOf(v) == nothing {
		return true
	}
	d.filled[i] = d.into[i].add(v)
	return d.filled[i]
}

// inside spreads a document over the columns of its fields; what has none goes
// to the rest. An empty one has nothing to spread.
func (d *decoder) inside(key []byte, below map[string]int, v bsoncore.Value) bool {
	some, odd := false, []byte(nil)
	eachElement(v.Data, func(name []byte, item bsoncore.Value) bool {
		some = true
		i, known := below[string(name)]
		if known && d.fill(i, item) || kindOf(item) == nothing {
			return true
		}
		if d.rest >= 0 {
			d.learn(string(key)+"."+string(name), kindOf(item))
		}
		odd = append(odd, ',')
		odd = append(appendText(odd, string(name)), ':')
		odd = appendJSON(odd, item, 0)
		return true
	})
	if len(odd) > 0 && d.rest >= 0 {
		d.begin(key)
		odd[0] = '{'
		d.odd = append(append(d.odd, odd...), '}')
	}
	return some
}

// keep writes a field into the rest.
func (d *decoder) keep(key []byte, v bsoncore.Value) {
	if d.rest < 0 {
		return
	}
	d.begin(key)
	d.odd = appendJSON(d.odd, v, 0)
}

func (d *decoder) begin(key []byte) {
	separator := byte(',')
	if !d.some {
		separator = '{'
	}
	d.some = true
	d.odd = append(appendText(append(d.odd, separator), string(key)), ':')
}

func (d *decoder) addRest() {
	c := d.into[d.rest].(*textColumn)
	if !d.some {
		c.AppendNull()
		return
	}
	d.odd = append(d.odd, '}')
	c.Append(d.odd)
}

// full says whether it is time for the next record.
func (d *decoder) full(rows int) bool { return d.rows >= rows || d.bytes >= recordBytes }

// finish gives the record and begins anew; nil when there are no rows.
func (d *decoder) finish() (arrow.RecordBatch, int64) {
	if d.rows == 0 {
		return nil, 0
	}
	columns := make([]arrow.Array, len(d.into))
	for i, c := range d.into {
		columns[i] = c.Finish()
	}
	record := array.NewRecordBatch(d.schema, columns, int64(d.rows))
	for _, c := range columns {
		c.Release()
	}
	bytes := d.bytes
	d.rows, d.bytes = 0, 0
	return record, bytes
}

// lost is how many values became NULL, by column.
func (d *decoder) lost() map[string]int64 {
	lost := map[string]int64{}
	for i, c := range d.into {
		if n := c.Lost(); n > 0 {
			lost[d.schema.Field(i).Name] = n
		}
	}
	return lost
}
