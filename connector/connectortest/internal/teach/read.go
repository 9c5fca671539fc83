package teach

import (
	"cmp"
	"context"
	"iter"
	"math"
	"net/url"
	"strconv"

	"github.com/regrant/regrant/connector"
)

// reading is one Read under way.
type reading struct {
	*source
	ctx   context.Context // of this Read alone
	req   connector.Request
	yield func(connector.Batch, error) bool
	left  int64 // of Request.Limit
}

// Read chooses a way to walk the table.
func (s *source) Read(ctx context.Context, req connector.Request) iter.Seq2[connector.Batch, error] {
	return func(yield func(connector.Batch, error) bool) {
		r := &reading{source: s, ctx: ctx, req: req, yield: yield, left: math.MaxInt64}
		if req.Limit > 0 {
			r.left = req.Limit
		}
		if err := r.run(); err != nil {
			yield(connector.Batch{}, err)
		}
	}
}

func (r *reading) run() error {
	from, err := load(r.req.Position)
	if err != nil {
		return err
	}
	if r.req.Pass != connector.PassRows {
		return r.recheck(from)
	}
	switch r.req.Replication.Method {
	case connector.ModifiedAt, connector.AddDate:
		return r.follow(from, r.req.Replication.Column)
	case connector.PrimaryKeyBatch:
		return r.ranges(from)
	case connector.FullTable:
		return r.follow(place{}, "id") // swapped in whole, so it starts again
	}
	return r.follow(from, "id")
}

// follow reads pages in the order of a column and the id.
func (r *reading) follow(from place, order string) error {
	for {
		rows, err := r.pageOf(order, from.At, 0, r.page)
		if err != nil {
			return err
		}
		if len(rows) > 0 {
			from.At = markOf(rows[len(rows)-1], order)
			if !r.send(connector.Batch{Record: r.record(rows), Position: from.text()}, len(rows)) {
				return nil
			}
		}
		if len(rows) < r.page {
			return nil
		}
	}
}

// send yields a batch and counts it; false ends the reading.
func (r *reading) send(b connector.Batch, rows int) bool {
	r.left -= int64(rows)
	return r.yield(b, nil) && r.left > 0
}

// pageOf asks for rows after a mark, at most up to an id (0: no end).
func (r *reading) pageOf(order string, after mark, through int64, limit int) ([]Row, error) {
	if limit > 0 || r.req.Limit > 0 {
		limit = int(min(int64(cmp.Or(limit, r.page)), r.left))
	}
	number := func(n int64) string { return strconv.FormatInt(n, 10) }
	query := url.Values{
		"table": {r.req.Table.Name}, "order": {order}, "limit": {strconv.Itoa(limit)},
		"after_value": {number(after.Value)}, "after_id": {number(after.ID)}, "through_id": {number(through)},
	}
	var page apiPage
	if err := r.get(r.ctx, "/rows", query, connector.StepRead, &page); err != nil {
		return nil, err
	}
	return page.Rows, nil
}

// recheck walks the keys, for PassColumns and PassKeys. A row that moved past
// the position by a change still exists, so only an order by id has an end.
func (r *reading) recheck(end place) error {
	from, err := load(r.req.Resume)
	if err != nil {
		return err
	}
	through := int64(0)
	if r.req.Replication.Method == connector.AutoIncrement {
		through = end.At.ID
	}
	for {
		rows, err := r.pageOf("id", from.At, through, r.page)
		if err != nil {
			return err
		}
		last := len(rows) < r.page
		next := from
		if len(rows) > 0 {
			next.At = mark{ID: rows[len(rows)-1].ID}
		}
		if !r.sendRecheck(rows, from.At.ID, next, last) || last {
			return nil
		}
		from = next
	}
}

func (r *reading) sendRecheck(rows []Row, after int64, next place, last bool) bool {
	b := connector.Batch{Record: r.record(rows), Position: next.text()}
	if r.req.Pass == connector.PassKeys {
		through := next.At.ID
		if last {
			through = 0
		}
		b.Complete = r.keyRange(after, through)
	}
	return r.send(b, len(rows))
}
