package connectortest

import (
	"slices"

	"github.com/regrant/regrant/connector"
)

// columnsRequest compares the key and the last other column.
func columnsRequest(table connector.Table, how connector.Replication, end connector.Position) connector.Request {
	columns := slices.Clone(table.Key)
	all := readable(table)
	for i := len(all) - 1; i >= 0; i-- {
		if !slices.Contains(columns, all[i]) {
			columns = append(columns, all[i])
			break
		}
	}
	return connector.Request{Table: table, Columns: columns, Replication: how, Pass: connector.PassColumns, Position: end}
}

func keysRequest(table connector.Table, how connector.Replication, end connector.Position) connector.Request {
	return connector.Request{Table: table, Columns: table.Key, Replication: how, Pass: connector.PassKeys, Position: end}
}

// withKey are the incremental replications of a table whose rows can be named.
func withKey(table connector.Table) []connector.Replication {
	if len(table.Key) == 0 {
		return nil
	}
	return incremental(table)
}

// columnPass wants every row up to the position, with the columns asked for,
// also when cut.
func (s *suite) columnPass(t runner) {
	s.each(t, withKey, func(t runner, x *session, table connector.Table, how connector.Replication) {
		rows := s.settled(t, x, rowsRequest(table, how))
		if len(rows) == 0 {
			return
		}
		req := columnsRequest(table, how, rows[len(rows)-1].position)
		whole := x.mustRead(req)
		if diff := mirrorOf(whole).keyDifference(mirrorOf(rows)); diff != "" {
			t.Errorf("%s differs from the rows up to the position: %s", describe(req), diff)
		}
		if diff := mirrorOf(whole).difference(s.projection(x, req, how)); diff != "" {
			t.Errorf("%s has other values than the rows: %s", describe(req), diff)
		}
		s.cutEach(t, req, whole)
	})
}

// projection reads the same columns as rows.
func (s *suite) projection(x *session, req connector.Request, how connector.Replication) *mirror {
	rows := rowsRequest(req.Table, how)
	rows.Columns = req.Columns
	return mirrorOf(x.mustRead(rows))
}

// keyPass wants every key up to the position, ascending, in ranges that leave
// no hole in which a deleted row could hide.
func (s *suite) keyPass(t runner) {
	s.each(t, withKey, func(t runner, x *session, table connector.Table, how connector.Replication) {
		rows := s.settled(t, x, rowsRequest(table, how))
		if len(rows) == 0 {
			return
		}
		req := keysRequest(table, how, rows[len(rows)-1].position)
		whole := x.mustRead(req)
		if diff := mirrorOf(whole).keyDifference(mirrorOf(rows)); diff != "" {
			t.Errorf("%s differs from the rows up to the position: %s", describe(req), diff)
		}
		checkRanges(t, req, whole, mirrorOf(rows))
		for _, n := range cuts(max(len(whole)-1, 0)) {
			fresh := s.open(t, s.h.Env(t))
			rest := fresh.mustRead(at(req, whole[:n]))
			fresh.close()
			checkRanges(t, req, slices.Concat(whole[:n], rest), mirrorOf(rows))
		}
		s.cutEach(t, req, whole)
	})
}

// checkRanges holds the ranges of a key pass against each other.
func checkRanges(t runner, req connector.Request, pieces []piece, rows *mirror) {
	t.Helper()
	var last key
	for i, p := range pieces {
		if p.complete == nil {
			continue // said already
		}
		var before key
		if i > 0 && pieces[i-1].complete != nil {
			before = pieces[i-1].complete.through
		}
		if !sameEnd(p.complete.after, before) || (i > 0 && before == nil) {
			t.Errorf("%s: batch %d covers %s, but the one before ended at %s; rows between are never looked at", describe(req), i+1, p.complete, endText(before))
		}
		for _, r := range p.rows {
			if last != nil && compareKeys(last, r.key) >= 0 {
				t.Errorf("%s: the keys do not ascend: %s comes after %s", describe(req), r.key, last)
				return
			}
			last = r.key
		}
	}
	checkEnd(t, req, pieces, rows)
}

// checkEnd wants the last range to reach the greatest key there is.
func checkEnd(t runner, req connector.Request, pieces []piece, rows *mirror) {
	t.Helper()
	if len(pieces) == 0 {
		if rows.size() > 0 {
			t.Errorf("%s gives nothing", describe(req))
		}
		return
	}
	end := pieces[len(pieces)-1].complete
	if end == nil || end.through == nil {
		return
	}
	for _, r := range rows.byKey {
		if compareKeys(r.key, end.through) > 0 {
			t.Errorf("%s: the ranges end at %s, but there is a row %s", describe(req), end.through, r.key)
			return
		}
	}
}

func sameEnd(a, b key) bool {
	if a == nil || b == nil {
		return a == nil && b == nil
	}
	return compareKeys(a, b) == 0
}

func endText(k key) string {
	if k == nil {
		return "an open end"
	}
	return k.String()
}
