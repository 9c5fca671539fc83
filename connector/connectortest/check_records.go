package connectortest

import (
	"slices"

	"github.com/regrant/regrant/connector"
)

// records asks for columns in another order and for a few rows only.
func (s *suite) records(t runner) {
	s.each(t, methods, func(t runner, x *session, table connector.Table, how connector.Replication) {
		req := rowsRequest(table, how)
		whole := s.settled(t, x, req)
		turned := req
		turned.Columns = slices.Clone(req.Columns)
		slices.Reverse(turned.Columns)
		if diff := mirrorOf(x.mustRead(turned)).keyDifference(mirrorOf(whole)); diff != "" && len(table.Key) > 0 {
			t.Errorf("%s, with the columns in another order: %s", describe(req), diff)
		}
		for _, limit := range []int64{1, 3} {
			s.limited(t, x, req, limit, int64(mirrorOf(whole).size()))
		}
	})
}

func (s *suite) limited(t runner, x *session, req connector.Request, limit, all int64) {
	req.Limit = limit
	sent := int64(0)
	for _, p := range x.mustRead(req) {
		sent += int64(len(p.rows))
	}
	if want := min(limit, all); sent != want {
		t.Errorf("%s with Limit %d gives %d rows, want %d", describe(req), limit, sent, want)
	}
}
