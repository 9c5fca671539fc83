package teach

import (
	"cmp"
	"encoding/json"
	"errors"

	"github.com/regrant/regrant/connector"
)

// mark is a place in the order of a column and the id.
type mark struct {
	Value int64 `json:"value"`
	ID    int64 `json:"id"`
}

// markOf is a row's place in an order.
func markOf(r Row, order string) mark {
	switch order {
	case "updated":
		return mark{Value: r.Updated, ID: r.ID}
	case "added":
		return mark{Value: r.Added, ID: r.ID}
	}
	return mark{ID: r.ID}
}

func (m mark) compare(other mark) int {
	return cmp.Or(cmp.Compare(m.Value, other.Value), cmp.Compare(m.ID, other.ID))
}

// place is the content of a Position.
type place struct {
	V      int        `json:"v"`
	At     mark       `json:"at"`
	Ranges []keyRange `json:"ranges,omitempty"` // of PrimaryKeyBatch
	Next   int        `json:"next,omitempty"`   // the range to look at next
}

// keyRange is what was seen in a range that ends at an id.
type keyRange struct {
	Through int64 `json:"through"`
	Rows    int   `json:"rows"`
	Sum     int64 `json:"sum"`
}

func (p place) text() connector.Position {
	p.V = 1
	text, _ := json.Marshal(p) // numbers only: it cannot fail
	return connector.Position(text)
}

// load reads a position; the empty one is the start.
func load(text connector.Position) (p place, err error) {
	if text == "" {
		return p, nil
	}
	if err := json.Unmarshal([]byte(text), &p); err != nil {
		return p, positionFault(err)
	}
	if p.V != 1 {
		return p, positionFault(errors.New("it has a version that is not known"))
	}
	if p.Next < 0 || p.Next > len(p.Ranges) {
		return p, positionFault(errors.New("it points to a range that is not there"))
	}
	return p, nil
}
