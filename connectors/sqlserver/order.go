package sqlserver

import (
	"slices"
	"strings"
)

// order is one column by which rows are put in order.
type order struct {
	c     *col
	plain bool // as the warehouse compares, not by the source's own order
}

// rawOrder follows the source's own order, which its indexes have.
func rawOrder(cols []*col) []order {
	terms := make([]order, len(cols))
	for i, c := range cols {
		terms[i] = order{c, false}
	}
	return terms
}

// plainOrder follows an order that the warehouse has, too: numbers and dates
// by value, text by its bytes.
func plainOrder(cols []*col) []order {
	terms := make([]order, len(cols))
	for i, c := range cols {
		terms[i] = order{c, c.form.plain != nil}
	}
	return terms
}

// indexed says whether an index on the columns would have this order.
func indexed(terms []order) bool {
	return !slices.ContainsFunc(terms, func(o order) bool { return o.plain })
}

// side is one side of a comparison.
func (o order) side(expr string, utf8 bool) string {
	if !o.plain {
		return expr
	}
	return o.c.form.plain(expr, utf8)
}

// after is the condition that a row comes after the values. T-SQL does not
// compare tuples, so it is written out; the first column's own condition is
// what lets the server begin in the middle of an index.
func (r *reader) after(terms []order, texts []string) string {
	return r.beyond(terms, texts, " > ", " > ")
}

// upTo is the condition that a row comes no later than the values.
func (r *reader) upTo(terms []order, texts []string) string {
	return r.beyond(terms, texts, " < ", " <= ")
}

// beyond writes a >= A AND (a > A OR (a = A AND (b > B …))).
func (r *reader) beyond(terms []order, texts []string, strictly, last string) string {
	o, utf8 := terms[0], r.c.utf8()
	a, v := o.side(o.c.ref(), utf8), o.side(o.c.literal(texts[0]), utf8)
	if len(terms) == 1 {
		return a + last + v
	}
	weak := strings.TrimSuffix(strictly, " ") + "= "
	return a + weak + v + " AND (" + a + strictly + v + " OR (" + a + " = " + v + " AND " + r.beyond(terms[1:], texts[1:], strictly, last) + "))"
}

func (r *reader) orderBy(terms []order) string {
	list := make([]string, len(terms))
	for i, o := range terms {
		list[i] = o.side(o.c.ref(), r.c.utf8())
	}
	return strings.Join(list, ", ")
}
