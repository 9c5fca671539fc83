package connectortest

import (
	"context"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/regrant/regrant/connector"
)

// memory counts what the records take, through whole, broken, cancelled and
// cut reads: after Close nothing may be left.
func (s *suite) memory(t runner) {
	ways := map[string]func(*session, connector.Request){
		"a whole read":      func(x *session, req connector.Request) { x.mustRead(req) },
		"a read broken off": func(x *session, req connector.Request) { x.first(req) },
		"a read cancelled": func(x *session, req connector.Request) {
			ctx, cancel := context.WithCancel(x.t.Context())
			defer cancel()
			_ = x.read(ctx, req, func(piece) bool { cancel(); return true })
		},
		"a read cut": func(x *session, req connector.Request) {
			_ = x.read(x.t.Context(), req, func(piece) bool { x.gate.down(); return true })
			x.gate.up()
		},
	}
	for name, use := range ways {
		t.run(name, func(t runner) { s.allReleased(t, use) })
	}
}

func (s *suite) allReleased(t runner, use func(*session, connector.Request)) {
	counted := memory.NewCheckedAllocator(memory.NewGoAllocator())
	x, err := s.tryOpenOf(t, s.h.Allocator(counted), s.h.Env(t))
	if err != nil {
		t.Fatalf("Open: %s", s.printable(err))
	}
	x.ends = map[arrow.RecordBatch]bool{}
	table, how := s.longest(x)
	use(x, rowsRequest(table, how))
	if len(table.Key) > 0 {
		pieces := x.mustRead(rowsRequest(table, how))
		use(x, keysRequest(table, how, pieces[len(pieces)-1].position))
	}
	x.close()
	x.dropEnds()
	if n := counted.CurrentAlloc(); n != 0 {
		t.Errorf("%d bytes of records are not released", n)
	}
}

// dropEnds releases the ends of key ranges altogether. Batch.Release leaves
// them to the garbage collector, because one record may end a range and begin
// the next, so they are not counted.
func (x *session) dropEnds() {
	for end := range x.ends {
		for len(end.Columns()) > 0 {
			end.Release()
		}
	}
}
