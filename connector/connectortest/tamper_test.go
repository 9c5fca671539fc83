package connectortest_test

import (
	"context"
	"iter"
	"slices"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/regrant/regrant/connector"
	. "github.com/regrant/regrant/connector/connectortest"
)

type batches = iter.Seq2[connector.Batch, error]

// tampered is a source with some of its methods replaced.
type tampered struct {
	connector.Source
	check  func(ctx context.Context, next connector.Source) (connector.Identity, error)
	tables func(list []connector.Table) []connector.Table
	read   func(ctx context.Context, req connector.Request, next connector.Source) batches
	close  func(next connector.Source) error
	exists func(n int) []bool
	tally  func(connector.Tally) connector.Tally
}

func (t tampered) Check(ctx context.Context) (connector.Identity, error) {
	if t.check == nil {
		return t.Source.Check(ctx)
	}
	return t.check(ctx, t.Source)
}

func (t tampered) Tables(ctx context.Context) ([]connector.Table, error) {
	list, err := t.Source.Tables(ctx)
	if t.tables == nil || err != nil {
		return list, err
	}
	return t.tables(list), nil
}

func (t tampered) Read(ctx context.Context, req connector.Request) iter.Seq2[connector.Batch, error] {
	if t.read == nil {
		return t.Source.Read(ctx, req)
	}
	return t.read(ctx, req, t.Source)
}

func (t tampered) Close() error {
	if t.close == nil {
		return t.Source.Close()
	}
	return t.close(t.Source)
}

func (t tampered) Exists(ctx context.Context, table connector.Table, keys arrow.RecordBatch) ([]bool, error) {
	if t.exists == nil {
		return t.Source.(connector.Verifier).Exists(ctx, table, keys)
	}
	return t.exists(int(keys.NumRows())), nil
}

func (t tampered) Tally(ctx context.Context, table connector.Table, how connector.Replication, at connector.Position) (connector.Tally, error) {
	tally, err := t.Source.(connector.Tallier).Tally(ctx, table, how, at)
	if t.tally == nil || err != nil {
		return tally, err
	}
	return t.tally(tally), nil
}

// tamper gives every source of the harness the replaced methods.
func tamper(h *Harness, t tampered) {
	onOpen(h, func(_ connector.Env, next connector.Source) connector.Source {
		t := t
		t.Source = next
		return t
	})
}

// onOpen wraps the sources of the harness's definition, counted ones as well.
func onOpen(h *Harness, wrap func(connector.Env, connector.Source) connector.Source) {
	aroundOpen(h, func(ctx context.Context, env connector.Env, open opener) (connector.Source, error) {
		source, err := open(ctx, env)
		if err != nil {
			return nil, err
		}
		return wrap(env, source), nil
	})
}

type opener = func(context.Context, connector.Env) (connector.Source, error)

// aroundOpen replaces Open.
func aroundOpen(h *Harness, around func(context.Context, connector.Env, opener) (connector.Source, error)) {
	replace := func(d connector.Definition) connector.Definition {
		open := d.Open
		d.Open = func(ctx context.Context, env connector.Env) (connector.Source, error) { return around(ctx, env, open) }
		return d
	}
	h.Definition = replace(h.Definition)
	if inner := h.Allocator; inner != nil {
		h.Allocator = func(mem memory.Allocator) connector.Definition { return replace(inner(mem)) }
	}
}

// eachBatch changes the batches of reads that concern it.
func eachBatch(concerns func(connector.Request) bool, change func(i int, b *connector.Batch) (keep bool)) tampered {
	return tampered{read: func(ctx context.Context, req connector.Request, next connector.Source) batches {
		if !concerns(req) {
			return next.Read(ctx, req)
		}
		return func(yield func(connector.Batch, error) bool) {
			i := 0
			for b, err := range next.Read(ctx, req) {
				if err == nil && !change(i, &b) {
					b.Release()
					i++
					continue
				}
				i++
				if !yield(b, err) {
					return
				}
			}
		}
	}}
}

// eachError changes the errors of reads.
func eachError(change func(error) error) tampered {
	return tampered{read: func(ctx context.Context, req connector.Request, next connector.Source) batches {
		return func(yield func(connector.Batch, error) bool) {
			for b, err := range next.Read(ctx, req) {
				if err != nil {
					if err = change(err); err == nil {
						return
					}
				}
				if !yield(b, err) {
					return
				}
			}
		}
	}}
}

// checkError changes the errors of Check.
func checkError(change func(error) error) tampered {
	return tampered{check: func(ctx context.Context, next connector.Source) (connector.Identity, error) {
		id, err := next.Check(ctx)
		if err != nil {
			err = change(err)
		}
		return id, err
	}}
}

// as gives the same fault another cause, or whatever change does.
func as(change func(*connector.Fault)) func(error) error {
	return func(err error) error {
		f := *connector.FaultOf(err)
		change(&f)
		return &f
	}
}

func allReads(connector.Request) bool    { return true }
func rowReads(r connector.Request) bool  { return r.Pass == connector.PassRows }
func keyReads(r connector.Request) bool  { return r.Pass == connector.PassKeys }
func goingOn(r connector.Request) bool   { return rowReads(r) && r.Position != "" }
func colReads(r connector.Request) bool  { return r.Pass == connector.PassColumns }
func fromStart(r connector.Request) bool { return rowReads(r) && r.Position == "" }

// shorten drops the first row of a record.
func shorten(b *connector.Batch) {
	old := b.Record
	if old == nil {
		return
	}
	b.Record = nil
	if old.NumRows() > 1 {
		b.Record = old.NewSlice(1, old.NumRows())
	}
	old.Release()
}

// field changes one field of the harness's form.
func field(h *Harness, name string, change func(*connector.Field)) {
	form := h.Definition.Forms[0]
	form.Fields = slices.Clone(form.Fields)
	for i := range form.Fields {
		if form.Fields[i].Name == name {
			change(&form.Fields[i])
		}
	}
	h.Definition.Forms = []connector.Form{form}
}
