package postgresql

import (
	"encoding/binary"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
)

// lists is an array column. An array of more than one dimension has no place
// in it and becomes NULL, counted: PostgreSQL does not hold a column to the
// dimensions it was declared with.
type lists struct {
	gaps
	kind     arrow.DataType
	items    column
	children int
	offsets  []int32
}

func listColumn(item arrow.DataType, items column) column {
	return &lists{kind: arrow.ListOf(item), items: items, offsets: make([]int32, 1, 64)}
}

func (c *lists) add(raw []byte) {
	n, body, ok := parseArrayHead(raw)
	if !ok || !wellFormed(body, n) {
		c.unknown++
		c.addNull()
		return
	}
	for range n {
		size := int32(binary.BigEndian.Uint32(body))
		body = body[4:]
		if size < 0 {
			c.items.addNull()
			continue
		}
		c.items.add(body[:size])
		body = body[size:]
	}
	c.children += n
	c.offsets = append(c.offsets, int32(c.children))
}

// parseArrayHead gives the number of items of an array of at most one
// dimension and the bytes that follow its head.
func parseArrayHead(raw []byte) (n int, body []byte, ok bool) {
	if len(raw) < 12 {
		return 0, nil, false
	}
	switch binary.BigEndian.Uint32(raw) {
	case 0:
		return 0, nil, len(raw) == 12
	case 1:
		if len(raw) < 20 {
			return 0, nil, false
		}
		n := int(int32(binary.BigEndian.Uint32(raw[12:])))
		return n, raw[20:], n >= 0
	default:
		return 0, nil, false
	}
}

// wellFormed looks before items are added: half an array must not stay behind.
func wellFormed(body []byte, n int) bool {
	for range n {
		if len(body) < 4 {
			return false
		}
		size := int(int32(binary.BigEndian.Uint32(body)))
		if body = body[4:]; size > len(body) || size < -1 {
			return false
		}
		body = body[max(size, 0):]
	}
	return len(body) == 0
}

func (c *lists) addNull() {
	c.mark(len(c.offsets) - 1)
	c.offsets = append(c.offsets, int32(c.children))
}

func (c *lists) lost() int64 { return c.unknown + c.items.lost() }

func (c *lists) finish() arrow.Array {
	n := len(c.offsets) - 1
	bits, nulls := c.bitmap(n)
	items := c.items.finish()
	defer items.Release()
	data := array.NewData(c.kind, n, []*memory.Buffer{bits, memory.NewBufferBytes(arrow.GetBytes(c.offsets))}, []arrow.ArrayData{items.Data()}, nulls, 0)
	defer data.Release()
	c.offsets, c.children = make([]int32, 1, n+1), 0
	return array.MakeFromData(data)
}
