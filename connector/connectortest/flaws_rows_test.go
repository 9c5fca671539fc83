package connectortest_test

import (
	"context"
	"encoding/base64"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/regrant/regrant/connector"
	. "github.com/regrant/regrant/connector/connectortest"
)

func basic(user, password string) string {
	return "Basic " + base64.StdEncoding.EncodeToString([]byte(user+":"+password))
}

func rowFlaws() []flaw {
	var turn atomic.Int64
	return []flaw{
		tamperedBy("columns in its own order", Records, "has the schema", tampered{read: func(ctx context.Context, req connector.Request, next connector.Source) batches {
			req.Columns = slices.Sorted(slices.Values(req.Columns))
			return next.Read(ctx, req)
		}}),
		tamperedBy("no limit", Records, "with Limit 1 gives", tampered{read: func(ctx context.Context, req connector.Request, next connector.Source) batches {
			req.Limit = 0
			return next.Read(ctx, req)
		}}),
		tamperedBy("an empty record", Records, "a record is empty", eachBatch(rowReads, func(_ int, b *connector.Batch) bool {
			if b.Record != nil {
				old := b.Record
				b.Record = old.NewSlice(0, 0)
				old.Release()
			}
			return true
		})),
		tamperedBy("an empty position", Resume, "has the empty position", eachBatch(rowReads, func(_ int, b *connector.Batch) bool {
			b.Position = ""
			return true
		})),
		tamperedBy("a position that is no text", Resume, "the position is not text", eachBatch(rowReads, func(_ int, b *connector.Batch) bool {
			b.Position += "\xff"
			return true
		})),
		tamperedBy("loses a row after a cut", Resume, "a row is missing", eachBatch(goingOn, func(i int, b *connector.Batch) bool {
			if i == 0 {
				shorten(b)
			}
			return true
		})),
		tamperedBy("a position ahead of its rows", Resume, "a row is missing", ahead()),
		tamperedBy("other rows each time", Resume, "gives other rows each time", eachBatch(rowReads, func(_ int, b *connector.Batch) bool {
			rename(b, time.Duration(turn.Add(1)).String())
			return true
		})),
		tamperedBy("other values when resumed", Resume, "has other values", eachBatch(goingOn, func(_ int, b *connector.Batch) bool {
			rename(b, "resumed")
			return true
		})),
		tamperedBy("panics", Resume, "Read panics", eachBatch(goingOn, func(int, *connector.Batch) bool { panic("no such page") })),
		tamperedBy("a false complete range", Resume, "is said to be complete from", eachBatch(rowReads, func(_ int, b *connector.Batch) bool {
			if b.Complete != nil {
				b.Complete.After = b.Complete.Through
			}
			return true
		})),
		{"one page holds all", Resume, "in two batches or more by", func(_ *testing.T, s *shop, h *Harness) { h.Env = s.setting("page_size", "5000") }},
	}
}

// ahead gives each batch the position of the next one.
func ahead() tampered {
	return tampered{read: func(ctx context.Context, req connector.Request, next connector.Source) batches {
		if !fromStart(req) {
			return next.Read(ctx, req)
		}
		return func(yield func(connector.Batch, error) bool) {
			var held []connector.Batch
			for b, err := range next.Read(ctx, req) {
				if err != nil {
					yield(b, err)
					return
				}
				held = append(held, b)
			}
			for i, b := range held {
				b.Position = held[min(i+1, len(held)-1)].Position
				if !yield(b, nil) {
					return
				}
			}
		}
	}}
}

func passFlaws() []flaw {
	return []flaw{
		tamperedBy("forgets rows", ColumnPass, "differs from the rows up to the position", eachBatch(colReads, func(i int, _ *connector.Batch) bool { return i != 1 })),
		tamperedBy("too few columns", ColumnPass, "has the schema", tampered{read: func(ctx context.Context, req connector.Request, next connector.Source) batches {
			if colReads(req) {
				req.Columns = req.Table.Key
			}
			return next.Read(ctx, req)
		}}),
		tamperedBy("forgets where it was", ColumnPass, "cut after batch", eachBatch(func(r connector.Request) bool { return colReads(r) && r.Resume != "" },
			func(i int, _ *connector.Batch) bool { return i > 0 })),
		tamperedBy("no ranges", KeyPass, "has no Complete range", eachBatch(keyReads, func(_ int, b *connector.Batch) bool { b.Complete = nil; return true })),
		tamperedBy("a hole", KeyPass, "rows between are never looked at", eachBatch(keyReads, func(i int, _ *connector.Batch) bool { return i != 1 })),
		tamperedBy("a hole where it was cut", KeyPass, "rows between are never looked at", eachBatch(func(r connector.Request) bool { return keyReads(r) && r.Resume != "" },
			func(i int, _ *connector.Batch) bool { return i > 0 })),
		tamperedBy("ends early", KeyPass, "but there is a row", shortPass()),
		tamperedBy("descending", KeyPass, "the keys do not ascend", eachBatch(keyReads, func(_ int, b *connector.Batch) bool {
			if b.Record != nil {
				b.Record = turned(b.Record)
			}
			return true
		})),
		tamperedBy("a key outside its range", KeyPass, "is said to be complete from", eachBatch(keyReads, func(_ int, b *connector.Batch) bool {
			b.Complete.Through = b.Complete.After
			return true
		})),
	}
}

// shortPass leaves out the last batch and closes the one before.
func shortPass() tampered {
	return tampered{read: func(ctx context.Context, req connector.Request, next connector.Source) batches {
		if !keyReads(req) {
			return next.Read(ctx, req)
		}
		return func(yield func(connector.Batch, error) bool) {
			var before *connector.Batch
			for b, err := range next.Read(ctx, req) {
				if before != nil && !yield(*before, nil) {
					return
				}
				if err != nil {
					yield(b, err)
					return
				}
				before = &b
			}
		}
	}}
}

func positionFlaws() []flaw {
	refuse := func(like string) tampered {
		return tampered{read: func(ctx context.Context, req connector.Request, next connector.Source) batches {
			if strings.Contains(string(req.Position), like) {
				req.Position = "no longer known"
			}
			return next.Read(ctx, req)
		}}
	}
	garbled := func(change func(req connector.Request, err error) error) tampered {
		return tampered{read: func(ctx context.Context, req connector.Request, next connector.Source) batches {
			t := eachError(func(err error) error { return change(req, err) })
			return t.read(ctx, req, next)
		}}
	}
	return []flaw{
		tamperedBy("released ones are not known", OldPositions, "load the position", refuse(`"v":1`)),
		{"none are kept", OldPositions, "holds no positions", func(t *testing.T, _ *shop, h *Harness) { h.Positions = t.TempDir() }},
		{"of another time", OldPositions, "load the position", func(t *testing.T, _ *shop, h *Harness) {
			h.Positions = t.TempDir()
			text := `{"version":"v0.0.1","table":"orders","method":"modified_at","column":"updated","pass":0,"position":"{\"v\":0}"}`
			if err := os.WriteFile(filepath.Join(h.Positions, "old.json"), []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
		}},
		tamperedBy("strict", UnknownFields, "load the position", refuse("field_of_a_later_version")),
		tamperedBy("starts all over", GarbagePositions, "gives no error", tampered{read: func(ctx context.Context, req connector.Request, next connector.Source) batches {
			if !strings.Contains(string(req.Position), `"v":1`) {
				req.Position = ""
			}
			return next.Read(ctx, req)
		}}),
		tamperedBy("asks a person", GarbagePositions, "gives cause invalid", eachError(as(func(f *connector.Fault) { f.Cause = connector.Invalid }))),
		tamperedBy("no fault", GarbagePositions, "is no *connector.Fault", garbled(func(_ connector.Request, err error) error {
			return os.ErrInvalid
		})),
		tamperedBy("panics", GarbagePositions, "Read panics", garbled(func(_ connector.Request, err error) error { panic(err) })),
	}
}

func lifeFlaws() []flaw {
	return slices.Concat(cancelFlaws(), leakFlaws(), shareFlaws())
}

func cancelFlaws() []flaw {
	deaf := func(ctx context.Context) context.Context {
		slow, cancel := context.WithTimeout(context.WithoutCancel(ctx), 1200*time.Millisecond)
		context.AfterFunc(slow, cancel)
		return slow
	}
	return []flaw{
		tamperedBy("Check is deaf", CancelSoon, "after it was cancelled", tampered{check: func(ctx context.Context, next connector.Source) (connector.Identity, error) {
			return next.Check(deaf(ctx))
		}}),
		tamperedBy("Read is deaf", CancelSoon, "after it was cancelled", tampered{read: func(ctx context.Context, req connector.Request, next connector.Source) batches {
			return next.Read(deaf(ctx), req)
		}}),
		tamperedBy("Read goes on", CancelSoon, "batches after it was cancelled", tampered{read: func(ctx context.Context, req connector.Request, next connector.Source) batches {
			return next.Read(context.WithoutCancel(ctx), req)
		}}),
	}
}

func leakFlaws() []flaw {
	return []flaw{
		{"a goroutine stays", Leaks, "goroutines run on after Close", func(t *testing.T, _ *shop, h *Harness) {
			end := make(chan struct{})
			t.Cleanup(func() { close(end) })
			tamper(h, tampered{check: func(ctx context.Context, next connector.Source) (connector.Identity, error) {
				go func() { <-end }()
				return next.Check(ctx)
			}})
		}},
		{"a goroutine stays when a read is broken off", Leaks, "goroutines run on after Close", func(t *testing.T, _ *shop, h *Harness) {
			end := make(chan struct{})
			t.Cleanup(func() { close(end) })
			tamper(h, pipelined(end))
		}},
		{"connections stay", Leaks, "network connections are open after Close", func(t *testing.T, s *shop, h *Harness) {
			onOpen(h, func(env connector.Env, next connector.Source) connector.Source {
				return tampered{Source: next, check: func(ctx context.Context, next connector.Source) (connector.Identity, error) {
					if conn, err := env.Dial(ctx, "tcp", strings.TrimPrefix(s.URL(), "http://")); err == nil {
						t.Cleanup(func() { _ = conn.Close() })
					}
					return next.Check(ctx)
				}}
			})
		}},
		tamperedBy("closes once only", Leaks, "a second Close", closesOnce()),
	}
}

// pipelined reads ahead in a goroutine that nobody ends.
func pipelined(end chan struct{}) tampered {
	return tampered{read: func(ctx context.Context, req connector.Request, next connector.Source) batches {
		type item struct {
			b   connector.Batch
			err error
		}
		return func(yield func(connector.Batch, error) bool) {
			items := make(chan item)
			go func() {
				defer close(items)
				for b, err := range next.Read(ctx, req) {
					select {
					case items <- item{b, err}:
					case <-end:
						b.Release()
						return
					}
				}
			}()
			for it := range items {
				if !yield(it.b, it.err) {
					return
				}
			}
		}
	}}
}

func closesOnce() tampered {
	var mu sync.Mutex
	closed := map[connector.Source]bool{}
	return tampered{close: func(next connector.Source) error {
		mu.Lock()
		defer mu.Unlock()
		if closed[next] {
			return os.ErrClosed
		}
		closed[next] = true
		return next.Close()
	}}
}

func shareFlaws() []flaw {
	var calls atomic.Int64
	var cached sync.Map
	return []flaw{
		tamperedBy("a cache for all", TwoSources, "used beside another source, the fingerprint", tampered{check: func(ctx context.Context, next connector.Source) (connector.Identity, error) {
			id, err := next.Check(ctx)
			if calls.Add(1) > 2 {
				if first, ok := cached.Load("identity"); ok {
					return first.(connector.Identity), nil
				}
			}
			cached.LoadOrStore("identity", id)
			return id, err
		}}),
	}
}

func pagingFlaws() []flaw {
	return []flaw{
		tamperedBy("a full page is the last", Paging, "pageplus by modified_at gives 20 rows, want 21", eachBatch(rowReads, func(i int, _ *connector.Batch) bool { return i == 0 })),
		tamperedBy("pages overlap", Paging, "sends", twice()),
		{"no edge", Paging, "want 0, 1, exactly a page", func(_ *testing.T, _ *shop, h *Harness) { h.Sizes = h.Sizes[:2] }},
		tamperedBy("runs ahead", RowsMove, "rows changed between batches are lost", eachBatch(rowReads, func(_ int, b *connector.Batch) bool {
			b.Position = `{"v":1,"at":{"value":9000000000,"id":9000000000}}`
			return true
		})),
		{"takes changed rows for deleted", RowsMove, "leaves out rows that exist", func(_ *testing.T, s *shop, h *Harness) {
			tamper(h, eachBatch(keyReads, func(i int, b *connector.Batch) bool {
				if i == 0 && s.added.Load() > 0 {
					shorten(b)
				}
				return true
			}))
		}},
		{"nothing changes", RowsMove, "does not show the change", func(_ *testing.T, _ *shop, h *Harness) {
			h.Changes = []Change{{Table: "single", Make: func(testing.TB) {}}}
		}},
		tamperedBy("keeps records", Memory, "bytes of records are not released", eachBatch(rowReads, func(_ int, b *connector.Batch) bool {
			if b.Record != nil {
				b.Record.Retain()
			}
			return true
		})),
		tamperedBy("believes that all exists", Powers, "Exists says true", tampered{exists: func(n int) []bool { return slices.Repeat([]bool{true}, n) }}),
		tamperedBy("believes that nothing exists", Powers, "Exists says false", tampered{exists: func(n int) []bool { return make([]bool, n) }}),
		tamperedBy("counts wrongly", Powers, "Tally says exactly", tampered{tally: func(t connector.Tally) connector.Tally { t.Rows++; return t }}),
	}
}

// twice sends the first record of a read again.
func twice() tampered {
	return tampered{read: func(ctx context.Context, req connector.Request, next connector.Source) batches {
		return func(yield func(connector.Batch, error) bool) {
			for b, err := range next.Read(ctx, req) {
				again := b
				again.Record = retained(b.Record)
				if !yield(b, err) || (err == nil && rowReads(req) && !yield(again, nil)) {
					return
				}
			}
		}
	}}
}

func retained(rec arrow.RecordBatch) arrow.RecordBatch {
	if rec != nil {
		rec.Retain()
	}
	return rec
}
