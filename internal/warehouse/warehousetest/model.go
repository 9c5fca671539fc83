package warehousetest

import (
	"fmt"
	"sort"

	"github.com/regrant/regrant/internal/warehouse"
)

// model is what a table of items should hold: the simplest thing that keeps
// the contract.
type model struct {
	rows     map[int]item
	position string
}

type item struct {
	name any // nil or string
	n    any // nil or int
	dead bool
}

func newModel() *model { return &model{rows: map[int]item{}} }

func (m *model) clone() *model {
	c := &model{rows: make(map[int]item, len(m.rows)), position: m.position}
	for k, v := range m.rows {
		c.rows[k] = v
	}
	return c
}

func (m *model) put(id int, name, n any) {
	m.rows[id] = item{name: name, n: n}
}

func (m *model) update(id int, name any) {
	if it, ok := m.rows[id]; ok && !it.dead {
		it.name = name
		m.rows[id] = it
	}
}

func (m *model) delete(id int) {
	if it, ok := m.rows[id]; ok {
		it.dead = true
		m.rows[id] = it
	}
}

// alive gives the rows as bundle.rows does.
func (m *model) alive() []string {
	var ids []int
	for id, it := range m.rows {
		if !it.dead {
			ids = append(ids, id)
		}
	}
	sort.Ints(ids)
	out := make([]string, len(ids))
	for i, id := range ids {
		out[i] = fmt.Sprintf("%d|%s|%s", id, show(m.rows[id].name), show(m.rows[id].n))
	}
	return out
}

func (m *model) deleted() int64 {
	var n int64
	for _, it := range m.rows {
		if it.dead {
			n++
		}
	}
	return n
}

// changed is what a commit from m to next must have reported, as far as it
// shows in the table: the change of the number of rows.
func (m *model) changed(next *model) int64 {
	return int64(len(next.alive()) - len(m.alive()))
}

func (b *bundle) wantModel(tb table, m *model) {
	b.t.Helper()
	b.want(b.rows(tb, "id", "name", "n"), m.alive()...)
	s := b.describe(tb.name)
	if s.Rows != int64(len(m.alive())) || s.Deleted != m.deleted() || string(s.Position) != m.position {
		b.t.Errorf("state is %d rows, %d deleted, at %q; want %d, %d, %q", s.Rows, s.Deleted, s.Position, len(m.alive()), m.deleted(), m.position)
	}
}

func grown(c warehouse.Counts) int64 { return c.Inserted - c.Deleted }
