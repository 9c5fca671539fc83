package connectortest

import (
	"slices"

	"github.com/regrant/regrant/connector"
)

// maxCuts bounds how often one read is cut: at the first batches, the last
// ones and some between.
const maxCuts = 6

// each makes a check for every chosen table and replication method.
func (s *suite) each(t runner, of func(connector.Table) []connector.Replication, f func(runner, *session, connector.Table, connector.Replication)) {
	list := s.open(t, s.h.Env(t))
	tables := list.chosen()
	list.close()
	for _, table := range tables {
		for _, how := range of(table) {
			t.run(table.Name+" by "+string(how.Method), func(t runner) {
				f(t, s.open(t, s.h.Env(t)), table, how)
			})
		}
	}
}

// resume cuts reads of rows after any batch and goes on with a fresh source.
func (s *suite) resume(t runner) {
	cut := map[connector.Method]bool{}
	s.each(t, methods, func(t runner, x *session, table connector.Table, how connector.Replication) {
		cut[how.Method] = s.resumeRows(t, x, rowsRequest(table, how)) || cut[how.Method]
	})
	for method, done := range cut {
		if !done {
			t.Errorf("no table came in two batches or more by %s, so that method was not cut; give the harness a larger table", method)
		}
	}
}

// resumeRows says whether there was anything to cut.
func (s *suite) resumeRows(t runner, x *session, req connector.Request) bool {
	whole := s.settled(t, x, req)
	if !resumable(req) {
		return s.restart(t, x, req, whole)
	}
	s.cutEach(t, req, whole)
	s.again(t, x, req, whole)
	return withRows(whole) > 1
}

// settled reads until two reads agree: a connector may hold back rows that
// were written in the last seconds.
func (s *suite) settled(t runner, x *session, req connector.Request) []piece {
	whole := x.mustRead(req)
	for range 20 {
		next := x.mustRead(req)
		if mirrorOf(next).difference(mirrorOf(whole)) == "" {
			return next
		}
		whole = next
	}
	t.Fatalf("%s gives other rows each time", describe(req))
	return nil
}

// cutEach resumes from the positions of a whole read.
func (s *suite) cutEach(t runner, req connector.Request, whole []piece) {
	want := mirrorOf(whole)
	for _, n := range cuts(len(whole)) {
		fresh := s.open(t, s.h.Env(t))
		rest := fresh.mustRead(at(req, whole[:n]))
		fresh.close()
		if diff := mirrorOf(whole[:n], rest).difference(want); diff != "" {
			t.Errorf("%s, cut after batch %d of %d: %s", describe(req), n, len(whole), diff)
		}
	}
}

// again reads from the end: with nothing changed, nothing may change.
func (s *suite) again(t runner, x *session, req connector.Request, whole []piece) {
	if len(whole) == 0 {
		return
	}
	more := x.mustRead(at(req, whole))
	if diff := mirrorOf(whole, more).difference(mirrorOf(whole)); diff != "" {
		t.Errorf("%s, read again from its end with nothing changed: %s", describe(req), diff)
	}
}

// restart is for full tables: a cut read begins again, because the product
// swaps in only what is whole. Where the connector goes on instead, the union
// must be whole.
func (s *suite) restart(t runner, x *session, req connector.Request, whole []piece) bool {
	begun := x.first(req)
	if diff := mirrorOf(x.mustRead(req)).difference(mirrorOf(whole)); diff != "" {
		t.Errorf("%s, started again after a cut: %s", describe(req), diff)
	}
	if next := at(req, begun); next.Position != "" {
		rest := x.mustRead(next)
		if mirrorOf(rest).difference(mirrorOf(whole)) != "" && mirrorOf(begun, rest).difference(mirrorOf(whole)) != "" {
			t.Errorf("%s, resumed after a cut, is neither the rest nor the whole", describe(req))
		}
	}
	return withRows(whole) > 1
}

// cuts are the batches after which a read of n is cut.
func cuts(n int) []int {
	if n <= maxCuts {
		return upTo(n)
	}
	chosen := []int{1, 2, n - 1, n}
	for i := 1; len(chosen) < maxCuts; i++ {
		chosen = append(chosen, 2+i*(n-3)/(maxCuts-3))
	}
	slices.Sort(chosen)
	return slices.Compact(chosen)
}

func upTo(n int) []int {
	all := make([]int, n)
	for i := range all {
		all[i] = i + 1
	}
	return all
}

// longest is the chosen table and method with the most batches, at least two:
// the one worth interrupting.
func (s *suite) longest(x *session) (connector.Table, connector.Replication) {
	x.t.Helper()
	if s.long.table != "" {
		return x.table(s.long.table), s.long.how
	}
	var table connector.Table
	var how connector.Replication
	most := 0
	for _, candidate := range x.chosen() {
		for _, r := range incremental(candidate) {
			if n := withRows(x.mustRead(rowsRequest(candidate, r))); n > most {
				table, how, most = candidate, r, n
			}
		}
	}
	if most < 2 {
		x.t.Fatalf("no table comes in two batches or more, so nothing can be interrupted; give the harness a larger one")
	}
	s.long.table, s.long.how = table.Name, how
	return table, how
}
