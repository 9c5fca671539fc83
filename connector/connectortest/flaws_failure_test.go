package connectortest_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/regrant/regrant/connector"
	. "github.com/regrant/regrant/connector/connectortest"
)

// tamperedBy is a flaw that replaces methods.
func tamperedBy(name string, check Check, says string, t tampered) flaw {
	return flaw{name, check, says, func(_ *testing.T, _ *shop, h *Harness) { tamper(h, t) }}
}

// worded is a flaw that changes the faults of Check.
func worded(name string, check Check, says string, change func(*connector.Fault)) flaw {
	return tamperedBy(name, check, says, checkError(as(change)))
}

func failureFlaws() []flaw {
	return slices.Concat(faultFlaws(), midReadFlaws(), networkFlaws())
}

func faultFlaws() []flaw {
	plain := func(err error) error { return errors.New(err.Error()) }
	return []flaw{
		worded("a wrong cause", Failures, "cause outage, want access_changed", func(f *connector.Fault) { f.Cause = connector.Outage }),
		worded("a guess", Failures, "cause access_changed, want unknown", func(f *connector.Fault) { f.Cause = connector.AccessChanged }),
		worded("a wrong code", Failures, `code "teach.trouble", want`, func(f *connector.Fault) { f.Code = "teach.trouble" }),
		worded("a wrong step", Failures, "step trust, want", func(f *connector.Fault) { f.Step = connector.StepTrust }),
		worded("a wrong scope", Failures, "scope one table, want whole", func(f *connector.Fault) {
			f.Scope, f.Table = connector.OneTable, "orders"
		}),
		worded("no time to come back", Failures, "no Retry", func(f *connector.Fault) { f.Retry = 0 }),
		worded("no public text", Failures, "has no Public text", func(f *connector.Fault) { f.Public = "" }),
		worded("a raw public text", Failures, "shows the raw error", func(f *connector.Fault) { f.Public = "Oops: " + f.Err.Error() }),
		worded("no evidence", Failures, "has no Err", func(f *connector.Fault) { f.Err = nil }),
		worded("a sentence as code", Failures, "has a Code", func(f *connector.Fault) { f.Code = "It Broke" }),
		tamperedBy("no fault", Failures, "is no *connector.Fault", checkError(plain)),
		tamperedBy("no error", Failures, "nothing failed, want", tampered{check: func(ctx context.Context, next connector.Source) (connector.Identity, error) {
			id, _ := next.Check(ctx)
			return id, nil
		}}),
		tamperedBy("hides a denied table", Failures, "Tables does not list", tampered{tables: func(list []connector.Table) []connector.Table {
			return slices.DeleteFunc(list, func(t connector.Table) bool { return t.Fault != nil })
		}}),
		tamperedBy("one denied table takes all along", Failures, "makes every table unreadable", tampered{tables: func(list []connector.Table) []connector.Table {
			i := slices.IndexFunc(list, func(t connector.Table) bool { return t.Fault != nil })
			for n := range list {
				if i >= 0 && list[n].Fault == nil {
					f := *list[i].Fault
					f.Table, list[n].Fault = list[n].Name, &f
				}
			}
			return list
		}}),
		{"stays broken", Failures, "after Repair, Check still fails", func(_ *testing.T, _ *shop, h *Harness) {
			var first error
			tamper(h, checkErrorOrFirst(&first))
		}},
		{"no unknown failure", FailureCauses, "wants the cause unknown", func(_ *testing.T, _ *shop, h *Harness) {
			h.Failures = slices.DeleteFunc(h.Failures, func(f Failure) bool { return f.Want == connector.Unknown })
		}},
		{"no code", Failures, "names no Code", func(_ *testing.T, _ *shop, h *Harness) { h.Failures[0].Code = "" }},
		{"no repair", Failures, "has a Break and no Repair", func(_ *testing.T, _ *shop, h *Harness) { h.Failures[0].Repair = nil }},
	}
}

// checkErrorOrFirst remembers the first error for good.
func checkErrorOrFirst(first *error) tampered {
	return tampered{check: func(ctx context.Context, next connector.Source) (connector.Identity, error) {
		id, err := next.Check(ctx)
		if *first == nil {
			*first = err
		}
		return id, *first
	}}
}

func midReadFlaws() []flaw {
	return []flaw{
		tamperedBy("ends quietly", Failures, "nothing failed, want outage", eachError(func(error) error { return nil })),
		tamperedBy("goes on after an error", Failures, "goes on after an error", tampered{read: func(ctx context.Context, req connector.Request, next connector.Source) batches {
			return func(yield func(connector.Batch, error) bool) {
				for b, err := range next.Read(ctx, req) {
					if !yield(b, err) {
						return
					}
					if err != nil && !yield(connector.Batch{}, err) {
						return
					}
				}
			}
		}}),
		tamperedBy("loses rows after a failure", Failures, "goes on with loss", eachBatch(goingOn, func(_ int, b *connector.Batch) bool {
			shorten(b)
			return true
		})),
	}
}

func networkFlaws() []flaw {
	blame := as(func(f *connector.Fault) { f.Cause = connector.AccessChanged })
	return []flaw{
		worded("refused means revoked", Unreachable, "a refused connection gives cause access_changed", func(f *connector.Fault) { f.Cause = connector.AccessChanged }),
		{"asks nobody", Unreachable, "although every connection is refused", func(_ *testing.T, _ *shop, h *Harness) {
			tamper(h, tampered{check: func(context.Context, connector.Source) (connector.Identity, error) {
				return connector.Identity{Fingerprint: "account one", Account: "Shop one"}, nil
			}})
		}},
		worded("cancel is an outage", Cancelled, "blames others: cause outage", func(f *connector.Fault) { f.Cause = connector.Outage }),
		tamperedBy("cancel loses its error", Cancelled, "not context.Canceled", checkError(as(func(f *connector.Fault) {
			f.Err = errors.New("stopped")
		}))),
		tamperedBy("cancel is not heard", Cancelled, "gives no error", tampered{check: func(ctx context.Context, next connector.Source) (connector.Identity, error) {
			return next.Check(context.WithoutCancel(ctx))
		}}),
		tamperedBy("a cut means revoked", ConnectionCut, "a cut connection gives cause access_changed", eachError(blame)),
		tamperedBy("a cut is of one table", ConnectionCut, "gives scope one table", eachError(as(func(f *connector.Fault) {
			f.Scope, f.Table = connector.OneTable, "orders"
		}))),
		tamperedBy("a cut loses a page", ConnectionCut, "goes on with loss", eachBatch(goingOn, func(i int, _ *connector.Batch) bool { return i > 0 })),
	}
}

func secretFlaws() []flaw {
	leak := func(name, says string, check Check, wrap func(connector.Env, connector.Source) connector.Source) flaw {
		return flaw{name, check, says, func(_ *testing.T, _ *shop, h *Harness) { onOpen(h, wrap) }}
	}
	plain := func(env connector.Env) string { return env.Secrets["token"].Reveal() }
	with := func(change func(env connector.Env) tampered) func(connector.Env, connector.Source) connector.Source {
		return func(env connector.Env, next connector.Source) connector.Source {
			t := change(env)
			t.Source = next
			return t
		}
	}
	identity := func(change func(*connector.Identity, connector.Env)) func(connector.Env, connector.Source) connector.Source {
		return with(func(env connector.Env) tampered {
			return tampered{check: func(ctx context.Context, next connector.Source) (connector.Identity, error) {
				id, err := next.Check(ctx)
				change(&id, env)
				return id, err
			}}
		})
	}
	failing := func(change func(f *connector.Fault, token string)) func(connector.Env, connector.Source) connector.Source {
		return with(func(env connector.Env) tampered {
			return checkError(as(func(f *connector.Fault) { change(f, plain(env)) }))
		})
	}
	return []flaw{
		leak("in the log", "the log shows the secret", CanarySecrets, identity(func(_ *connector.Identity, env connector.Env) {
			env.Log.Debug("signed in", "header", "Bearer "+plain(env))
		})),
		leak("in the log, in base64", "the log shows the secret", CanarySecrets, identity(func(_ *connector.Identity, env connector.Env) {
			env.Log.Debug("signed in", "header", basic("me", plain(env)))
		})),
		leak("in the log, inside a value", "the log shows the secret", CanarySecrets, identity(func(_ *connector.Identity, env connector.Env) {
			env.Log.Debug("signed in", "client", struct{ Key string }{plain(env)})
		})),
		leak("in the facts", "the Identity shows the secret", CanarySecrets, identity(func(id *connector.Identity, env connector.Env) {
			id.Facts = map[string]string{"token": plain(env)}
		})),
		leak("in the source", "printing an opened source shows", CanarySecrets, func(env connector.Env, next connector.Source) connector.Source {
			return careless{next, plain(env)}
		}),
		leak("in the position", "the position shows the secret", CanarySecrets, with(func(env connector.Env) tampered {
			return eachBatch(allReads, func(_ int, b *connector.Batch) bool {
				b.Position = connector.Position(`{"v":1,"token":"` + plain(env) + `"}`)
				return true
			})
		})),
		leak("in a record", "a record shows the secret", CanarySecrets, with(func(env connector.Env) tampered {
			return eachBatch(rowReads, func(_ int, b *connector.Batch) bool { rename(b, plain(env)); return true })
		})),
		leak("in an error", "shows the secret of field", WrongSecrets, failing(func(f *connector.Fault, token string) {
			f.Err = fmt.Errorf("get https://shop.example/?token=%s: %w", token, f.Err)
		})),
		leak("in the public text", "shows the secret of field", WrongSecrets, failing(func(f *connector.Fault, token string) { f.Public = "Token " + token + " is wrong." })),
		leak("in the facts of a fault", "shows the secret of field", WrongSecrets, failing(func(f *connector.Fault, token string) {
			f.Facts = map[string]string{"token": token}
		})),
		{"in a setting", CanarySecrets, "printing Env.Settings shows", func(_ *testing.T, s *shop, h *Harness) {
			h.Env = s.setting("base_url", "https://me:"+token+"@shop.example")
		}},
		worded("wrong means outage", WrongSecrets, "a wrong token gives cause outage", func(f *connector.Fault) { f.Cause = connector.Outage }),
		tamperedBy("all pass", WrongSecrets, "whatever secret is given", tampered{check: func(context.Context, connector.Source) (connector.Identity, error) {
			return connector.Identity{Fingerprint: "account one", Account: "Shop one"}, nil
		}}),
	}
}

// careless keeps a secret as plain text.
type careless struct {
	connector.Source
	token string
}

// rename puts a text into the column "name".
func rename(b *connector.Batch, text string) {
	if b.Record == nil {
		return
	}
	old := b.Record
	names := array.NewStringBuilder(memory.NewGoAllocator())
	defer names.Release()
	for range old.NumRows() {
		names.Append(text)
	}
	columns := slices.Clone(old.Columns())
	for _, i := range old.Schema().FieldIndices("name") {
		columns[i] = names.NewArray()
	}
	b.Record = array.NewRecordBatch(old.Schema(), columns, old.NumRows())
	old.Release()
}

// turned is the record with its rows in the other order.
func turned(rec arrow.RecordBatch) arrow.RecordBatch {
	var rows []arrow.RecordBatch
	for i := rec.NumRows() - 1; i >= 0; i-- {
		rows = append(rows, rec.NewSlice(i, i+1))
	}
	columns := make([]arrow.Array, rec.NumCols())
	for c := range columns {
		var parts []arrow.Array
		for _, row := range rows {
			parts = append(parts, row.Column(c))
		}
		columns[c], _ = array.Concatenate(parts, memory.NewGoAllocator())
	}
	return array.NewRecordBatch(rec.Schema(), columns, rec.NumRows())
}
