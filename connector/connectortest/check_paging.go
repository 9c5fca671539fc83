package connectortest

import (
	"cmp"
	"slices"
	"time"

	"github.com/regrant/regrant/connector"
)

// defaultCatchUp is how long the next pulls may take to show rows that were
// written during the last one.
const defaultCatchUp = 20 * time.Second

// paging reads tables at the edges of a page by every method.
func (s *suite) paging(t runner) {
	s.sizesSuffice(t)
	for _, size := range s.h.Sizes {
		t.run(size.Table, func(t runner) {
			if size.Prepare != nil {
				size.Prepare(t)
			}
			x := s.open(t, s.h.Env(t))
			table := x.table(size.Table)
			for _, how := range methods(table) {
				s.count(t, x, rowsRequest(table, how), size.Rows)
			}
		})
	}
}

// sizesSuffice wants the four edges: none, one, n and n+1.
func (s *suite) sizesSuffice(t runner) {
	var rows []int64
	for _, size := range s.h.Sizes {
		rows = append(rows, size.Rows)
	}
	pair := slices.ContainsFunc(rows, func(n int64) bool { return n > 1 && slices.Contains(rows, n+1) })
	if !slices.Contains(rows, 0) || !slices.Contains(rows, 1) || !pair {
		t.Errorf("Sizes has tables of %v rows; want 0, 1, exactly a page and one more", rows)
	}
}

// count wants each row once, from the start and by keys.
func (s *suite) count(t runner, x *session, req connector.Request, want int64) {
	pieces := x.mustRead(req)
	if got := int64(mirrorOf(pieces).size()); got != want {
		t.Errorf("%s gives %d rows, want %d", describe(req), got, want)
	}
	sent := int64(0)
	for _, p := range pieces {
		sent += int64(len(p.rows))
	}
	if sent != want {
		t.Errorf("%s sends %d rows for %d", describe(req), sent, want)
	}
	if len(pieces) == 0 || len(req.Table.Key) == 0 || !resumable(req) {
		return
	}
	keys := keysRequest(req.Table, req.Replication, at(req, pieces).Position)
	if got := int64(mirrorOf(x.mustRead(keys)).size()); got != want {
		t.Errorf("%s gives %d keys, want %d", describe(keys), got, want)
	}
}

// rowsMove changes rows after the first batch and after the last, and wants the next pulls to have
// them. Methods that look only at new rows owe only the new keys.
func (s *suite) rowsMove(t runner) {
	for _, change := range s.h.Changes {
		list := s.open(t, s.h.Env(t))
		table := list.table(change.Table)
		for _, how := range withKey(table) {
			t.run(table.Name+" by "+string(how.Method), func(t runner) { s.rowsMoveBy(t, change, rowsRequest(table, how)) })
		}
	}
}

func (s *suite) rowsMoveBy(t runner, change Change, req connector.Request) {
	x := s.open(t, s.h.Env(t))
	old := s.settled(t, x, req)
	before := mirrorOf(old)
	warehouse := newMirror()
	changed := false
	last := req
	err := x.read(t.Context(), req, func(p piece) bool {
		warehouse.apply(p)
		last = at(req, []piece{p})
		if !changed && len(p.rows) > 0 {
			changed = true
			change.Make(t)
		}
		return true
	})
	if err != nil {
		t.Fatalf("Read of %s: %s", describe(req), s.printable(err))
	}
	if changed {
		change.Make(t) // and once more when all has been read
		s.stillThere(t, x, keysRequest(req.Table, req.Replication, at(req, old).Position), before)
	}
	diff := ""
	found := poll(cmp.Or(s.h.CatchUp, defaultCatchUp), func() bool {
		pieces := x.mustRead(last)
		for _, p := range pieces {
			warehouse.apply(p)
		}
		last = at(last, pieces)
		truth := mirrorOf(x.mustRead(req))
		diff = warehouse.missing(truth, seesUpdates(req))
		return diff == "" && truth.difference(before) != ""
	})
	switch {
	case !changed:
		t.Errorf("table %q is empty, so nothing could be changed between batches", req.Table.Name)
	case diff != "":
		t.Errorf("%s, rows changed between batches are lost: %s", describe(req), diff)
	case !found:
		t.Errorf("%s: a fresh read does not show the change", describe(req))
	}
}

// stillThere makes a key pass up to a position from before the change. A row
// that was changed has moved past the position and exists nevertheless; if the
// pass left it out, the product would take it for deleted.
func (s *suite) stillThere(t runner, x *session, req connector.Request, before *mirror) {
	if diff := mirrorOf(x.mustRead(req)).missing(before, false); diff != "" {
		t.Errorf("%s, after changes, leaves out rows that exist: %s", describe(req), diff)
	}
}

// seesUpdates says whether a method promises changed values.
func seesUpdates(req connector.Request) bool {
	m := req.Replication.Method
	return m == connector.ModifiedAt || m == connector.PrimaryKeyBatch
}
