package connectortest

import (
	"context"
	"fmt"
	"slices"
	"unicode/utf8"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/regrant/regrant/connector"
)

// maxPosition bounds a position: it is stored with every batch.
const maxPosition = 4 << 20

// rowsRequest asks for all readable columns of a table.
func rowsRequest(table connector.Table, how connector.Replication) connector.Request {
	return connector.Request{Table: table, Columns: readable(table), Replication: how, Pass: connector.PassRows}
}

// readable are the columns that this authorization may read.
func readable(table connector.Table) []string {
	var names []string
	for _, c := range table.Columns {
		if !c.Denied {
			names = append(names, c.Name)
		}
	}
	return names
}

// read runs a Read and hands each batch, checked and taken apart, to yield; a
// false ends the read early. It returns the error that ended the sequence.
func (x *session) read(ctx context.Context, req connector.Request, yield func(piece) bool) error {
	x.t.Helper()
	ctx, cancel := limited(ctx)
	defer cancel()
	var failed error
	_ = guard(x.t, "Read", func() error {
		for batch, err := range x.source.Read(ctx, req) {
			if failed != nil {
				x.t.Fatalf("Read of %s goes on after an error", describe(req))
			}
			if err != nil {
				failed = err
				batch.Release()
				continue
			}
			if !yield(x.take(req, batch)) {
				return nil
			}
		}
		return nil
	})
	x.inspect("Read of "+describe(req), failed)
	return failed
}

// take checks a batch against the contract, copies it and releases it.
func (x *session) take(req connector.Request, b connector.Batch) piece {
	x.t.Helper()
	defer b.Release()
	for _, problem := range batchProblems(req, b) {
		x.t.Errorf("Read of %s: %s", describe(req), problem)
	}
	x.searchBatch(req, b)
	x.keepEnds(b.Complete)
	p, err := takeApart(req.Table, b)
	if err != nil {
		x.t.Fatalf("Read of %s: %v", describe(req), err)
	}
	for _, r := range p.rows {
		if p.complete != nil && !p.complete.holds(r.key) {
			x.t.Fatalf("Read of %s: the batch is said to be complete from %s, but holds %s", describe(req), p.complete, r.key)
		}
	}
	return p
}

func (x *session) keepEnds(r *connector.KeyRange) {
	if x.ends == nil || r == nil {
		return
	}
	for _, end := range []arrow.RecordBatch{r.After, r.Through} {
		if end != nil {
			x.ends[end] = true
		}
	}
}

func (x *session) searchBatch(req connector.Request, b connector.Batch) {
	x.t.Helper()
	if field := x.s.watch.find(string(b.Position)); field != "" {
		x.t.Errorf("Read of %s: the position shows the secret of field %q", describe(req), field)
	}
	if b.Record == nil {
		return
	}
	if field := x.s.watch.findInRecord(b.Record); field != "" {
		x.t.Errorf("Read of %s: a record shows the secret of field %q", describe(req), field)
	}
}

// batchProblems says in which ways a batch breaks the contract.
func batchProblems(req connector.Request, b connector.Batch) []string {
	var problems []string
	add := func(bad bool, format string, args ...any) {
		if bad {
			problems = append(problems, fmt.Sprintf(format, args...))
		}
	}
	if b.Record != nil {
		want := req.Table.Schema(wantColumns(req))
		add(b.Record.NumRows() == 0, "a record is empty; it must be nil when only the position moves")
		add(!b.Record.Schema().Equal(want), "a record has the schema %s, want Table.Schema of the columns asked for: %s", b.Record.Schema(), want)
	}
	if b.Deletes != nil {
		add(!b.Deletes.Schema().Equal(req.Table.Schema(req.Table.Key)), "Deletes has the schema %s, want the key columns", b.Deletes.Schema())
	}
	add(req.Pass == connector.PassKeys && b.Complete == nil, "a batch of PassKeys has no Complete range, so no deleted row can be found in it")
	add(!utf8.ValidString(string(b.Position)), "the position is not text")
	add(len(b.Position) > maxPosition, "the position has %d bytes; it is stored with every batch", len(b.Position))
	add(b.Position == "" && resumable(req), "a batch has the empty position, which would start all over")
	add(b.Bytes < 0, "a batch has %d bytes", b.Bytes)
	return problems
}

func wantColumns(req connector.Request) []string {
	if req.Pass == connector.PassKeys {
		return req.Table.Key
	}
	return req.Columns
}

// resumable says whether a cut read must go on where it was. A full table may
// start again: the product swaps it in only at the end.
func resumable(req connector.Request) bool {
	return req.Replication.Method != connector.FullTable
}

// mustRead collects a read that must pass.
func (x *session) mustRead(req connector.Request) []piece {
	x.t.Helper()
	var pieces []piece
	err := x.read(x.t.Context(), req, func(p piece) bool {
		pieces = append(pieces, p)
		return true
	})
	if err != nil {
		x.t.Fatalf("Read of %s: %s", describe(req), x.s.printable(err))
	}
	return pieces
}

// first reads until a batch with rows has come and breaks off. Its pieces are
// what was committed by then.
func (x *session) first(req connector.Request) []piece {
	x.t.Helper()
	var pieces []piece
	err := x.read(x.t.Context(), req, func(p piece) bool {
		pieces = append(pieces, p)
		return len(p.rows) == 0
	})
	if err != nil {
		x.t.Fatalf("Read of %s: %s", describe(req), x.s.printable(err))
	}
	return pieces
}

// at is the request that goes on after the pieces.
func at(req connector.Request, pieces []piece) connector.Request {
	if len(pieces) == 0 {
		return req
	}
	position := pieces[len(pieces)-1].position
	if req.Pass == connector.PassRows {
		req.Position = position
		return req
	}
	req.Resume = position
	return req
}

// withRows counts the pieces that hold rows.
func withRows(pieces []piece) int {
	n := 0
	for _, p := range pieces {
		if len(p.rows) > 0 {
			n++
		}
	}
	return n
}

// methods are the table's replications that read anything.
func methods(table connector.Table) []connector.Replication {
	return slices.DeleteFunc(slices.Clone(table.Replications), func(r connector.Replication) bool {
		return r.Method == connector.Paused
	})
}

// incremental are those with a position worth keeping.
func incremental(table connector.Table) []connector.Replication {
	return slices.DeleteFunc(methods(table), func(r connector.Replication) bool {
		return r.Method == connector.FullTable
	})
}

func describe(req connector.Request) string {
	pass := [...]string{"rows", "columns", "keys"}[req.Pass]
	return fmt.Sprintf("%s of %s by %s", pass, req.Table.Name, req.Replication.Method)
}
