package connectortest

import (
	"fmt"
	"sort"
	"strings"
)

// mirror is the smallest warehouse: it applies batches as the product does, so
// that two ways of reading a table can be compared by what they leave behind.
type mirror struct {
	byKey map[string]row
	bag   map[string]int // rows without a key, counted
}

func newMirror() *mirror { return &mirror{byKey: map[string]row{}, bag: map[string]int{}} }

// mirrorOf applies pieces to an empty mirror.
func mirrorOf(pieces ...[]piece) *mirror {
	m := newMirror()
	for _, some := range pieces {
		for _, p := range some {
			m.apply(p)
		}
	}
	return m
}

func (m *mirror) apply(p piece) {
	if p.complete != nil {
		m.forgetWithin(*p.complete)
	}
	for _, r := range p.rows {
		if r.key == nil {
			m.bag[r.values]++
			continue
		}
		m.byKey[r.key.id()] = r
	}
	for _, k := range p.deletes {
		delete(m.byKey, k.id())
	}
}

// forgetWithin drops what the source does not confirm; the piece's own rows
// are put back right after.
func (m *mirror) forgetWithin(s span) {
	for id, r := range m.byKey {
		if s.holds(r.key) {
			delete(m.byKey, id)
		}
	}
}

func (m *mirror) size() int {
	n := len(m.byKey)
	for _, count := range m.bag {
		n += count
	}
	return n
}

// difference describes how m differs from want; empty: it does not.
func (m *mirror) difference(want *mirror) string { return m.compare(want, true) }

// keyDifference is difference by keys alone.
func (m *mirror) keyDifference(want *mirror) string { return m.compare(want, false) }

func (m *mirror) compare(want *mirror, values bool) string {
	var d differences
	for id, r := range want.byKey {
		got, ok := m.byKey[id]
		switch {
		case !ok:
			d.add("is missing: %s", r.key)
		case values && got.values != r.values:
			d.add("has other values: %s", r.key)
		}
	}
	for id, r := range m.byKey {
		if _, ok := want.byKey[id]; !ok {
			d.add("is too many: %s", r.key)
		}
	}
	d.bags(m.bag, want.bag)
	return d.String()
}

// missing describes what of want is not in m.
func (m *mirror) missing(want *mirror, values bool) string {
	var d differences
	for id, r := range want.byKey {
		got, ok := m.byKey[id]
		switch {
		case !ok:
			d.add("is missing: %s", r.key)
		case values && got.values != r.values:
			d.add("has old values: %s", r.key)
		}
	}
	return d.String()
}

// differences collects a few examples and the count.
type differences struct {
	n        int
	examples []string
}

func (d *differences) add(format string, args ...any) {
	d.n++
	if len(d.examples) < 5 {
		d.examples = append(d.examples, "a row "+fmt.Sprintf(format, args...))
	}
}

func (d *differences) bags(got, want map[string]int) {
	for values, n := range want {
		if got[values] != n {
			d.add("without a key is there %d times, want %d", got[values], n)
		}
	}
	for values, n := range got {
		if want[values] == 0 {
			d.add("without a key is there %d times, want 0", n)
		}
	}
}

func (d *differences) String() string {
	if d.n == 0 {
		return ""
	}
	sort.Strings(d.examples)
	return fmt.Sprintf("%d rows differ, for example: %s", d.n, strings.Join(d.examples, "; "))
}
