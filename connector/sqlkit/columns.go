package sqlkit

import (
	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/bitutil"
	"github.com/apache/arrow-go/v18/arrow/memory"
)

// Gaps remembers which values of a column are NULL. Most values are not, so a
// valid one costs nothing; the bitmap is made once per record. Arrow's own
// builders check capacity and set a bit for each value, which is half of the
// work of filling a column.
type Gaps struct {
	at   []int32
	lost int64
}

// Lost is how many values had no Arrow form and became NULL or were mended, ever.
func (g *Gaps) Lost() int64 { return g.lost }

// Lose counts a value that had no Arrow form.
func (g *Gaps) Lose() { g.lost++ }

// bitmap is nil when nothing is NULL, as Arrow allows.
func (g *Gaps) bitmap(n int) (bits *memory.Buffer, nulls int) {
	if len(g.at) == 0 {
		return nil, 0
	}
	b := make([]byte, bitutil.BytesForBits(int64(n)))
	for i := range b {
		b[i] = 0xff
	}
	for _, i := range g.at {
		bitutil.ClearBit(b, int(i))
	}
	nulls = len(g.at)
	g.at = g.at[:0]
	return memory.NewBufferBytes(b), nulls
}

func makeArray(kind arrow.DataType, n, nulls int, buffers ...*memory.Buffer) arrow.Array {
	data := array.NewData(kind, n, buffers, nil, nulls, 0)
	defer data.Release()
	return array.MakeFromData(data)
}

// Numbers gathers a column of fixed width until a record is full.
type Numbers[T arrow.FixedWidthType] struct {
	Gaps
	kind   arrow.DataType
	values []T
}

// NewNumbers makes a column of the type, whose values are kept as T.
func NewNumbers[T arrow.FixedWidthType](kind arrow.DataType) *Numbers[T] {
	return &Numbers[T]{kind: kind}
}

// Append adds a value.
func (c *Numbers[T]) Append(v T) { c.values = append(c.values, v) }

// AppendNull adds NULL.
func (c *Numbers[T]) AppendNull() {
	var none T
	c.at = append(c.at, int32(len(c.values)))
	c.values = append(c.values, none)
}

// Finish returns what was gathered and begins anew.
func (c *Numbers[T]) Finish() arrow.Array {
	n := len(c.values)
	bits, nulls := c.bitmap(n)
	data := memory.NewBufferBytes(arrow.GetBytes(c.values))
	c.values = make([]T, 0, n) // the next record will be about as long
	return makeArray(c.kind, n, nulls, bits, data)
}

// Bools gathers a column of truth values.
type Bools struct {
	Gaps
	values []bool
}

// Append adds a value.
func (c *Bools) Append(v bool) { c.values = append(c.values, v) }

// AppendNull adds NULL.
func (c *Bools) AppendNull() {
	c.at = append(c.at, int32(len(c.values)))
	c.values = append(c.values, false)
}

// Finish returns what was gathered and begins anew.
func (c *Bools) Finish() arrow.Array {
	n := len(c.values)
	bits, nulls := c.bitmap(n)
	packed := make([]byte, bitutil.BytesForBits(int64(n)))
	for i, v := range c.values {
		if v {
			bitutil.SetBit(packed, i)
		}
	}
	c.values = c.values[:0]
	return makeArray(arrow.FixedWidthTypes.Boolean, n, nulls, bits, memory.NewBufferBytes(packed))
}

// Texts gathers a column of strings or bytes.
type Texts struct {
	Gaps
	kind    arrow.DataType
	offsets []int32
	data    []byte
}

// NewTexts makes a column of type String or Binary.
func NewTexts(kind arrow.DataType) *Texts { return &Texts{kind: kind, offsets: make([]int32, 1, 64)} }

// Append adds a value, which is copied.
func (c *Texts) Append(v []byte) {
	c.data = append(c.data, v...)
	c.offsets = append(c.offsets, int32(len(c.data)))
}

// AppendNull adds NULL.
func (c *Texts) AppendNull() {
	c.at = append(c.at, int32(len(c.offsets)-1))
	c.offsets = append(c.offsets, int32(len(c.data)))
}

// Finish returns what was gathered and begins anew.
func (c *Texts) Finish() arrow.Array {
	n, size := len(c.offsets)-1, len(c.data)
	bits, nulls := c.bitmap(n)
	a := makeArray(c.kind, n, nulls, bits, memory.NewBufferBytes(arrow.GetBytes(c.offsets)), memory.NewBufferBytes(c.data))
	c.offsets = make([]int32, 1, n+1)
	c.data = make([]byte, 0, size+size/16)
	return a
}

// TextLists gathers a column of lists of strings.
type TextLists struct {
	Gaps
	items   *Texts
	offsets []int32
}

// NewTextLists makes a column of lists.
func NewTextLists() *TextLists {
	return &TextLists{items: NewTexts(arrow.BinaryTypes.String), offsets: make([]int32, 1, 64)}
}

// Item adds an item to the list that End will close.
func (c *TextLists) Item(v []byte) { c.items.Append(v) }

// End closes a list.
func (c *TextLists) End() { c.offsets = append(c.offsets, int32(len(c.items.offsets)-1)) }

// AppendNull adds NULL instead of a list.
func (c *TextLists) AppendNull() {
	c.at = append(c.at, int32(len(c.offsets)-1))
	c.End()
}

// Finish returns what was gathered and begins anew.
func (c *TextLists) Finish() arrow.Array {
	n := len(c.offsets) - 1
	bits, nulls := c.bitmap(n)
	items := c.items.Finish()
	defer items.Release()
	data := array.NewData(arrow.ListOf(arrow.BinaryTypes.String), n, []*memory.Buffer{bits, memory.NewBufferBytes(arrow.GetBytes(c.offsets))}, []arrow.ArrayData{items.Data()}, nulls, 0)
	defer data.Release()
	c.offsets = make([]int32, 1, n+1)
	return array.MakeFromData(data)
}

// RowOf takes one row of the columns named out of a record, as a record of its
// own that does not keep the whole one alive.
func RowOf(record arrow.RecordBatch, names []string, row int64) arrow.RecordBatch {
	fields := make([]arrow.Field, len(names))
	columns := make([]arrow.Array, len(names))
	for i, name := range names {
		at := record.Schema().FieldIndices(name)[0]
		fields[i] = record.Schema().Field(at)
		columns[i] = copyOf(record.Column(at), row)
	}
	one := array.NewRecordBatch(arrow.NewSchema(fields, nil), columns, 1)
	for _, c := range columns {
		c.Release()
	}
	return one
}

func copyOf(a arrow.Array, row int64) arrow.Array {
	slice := array.NewSlice(a, row, row+1)
	defer slice.Release()
	one, err := array.Concatenate([]arrow.Array{slice}, memory.DefaultAllocator)
	if err != nil { // only for types that no key has
		slice.Retain()
		return slice
	}
	return one
}
