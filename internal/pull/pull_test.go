package pull_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/regrant/regrant/connector"
	"github.com/regrant/regrant/internal/integration"
	"github.com/regrant/regrant/internal/pull"
	"github.com/regrant/regrant/internal/warehouse"
)

// reporter is what *testing.T and *rapid.T have in common.
type reporter interface {
	Helper()
	Fatal(args ...any)
	Fatalf(format string, args ...any)
	Errorf(format string, args ...any)
}

// bench is a puller between a shop and a store.
type bench struct {
	shop  *shop
	store *store              // nil: another warehouse
	house warehouse.Warehouse // the store, or another
	heart *heart
	board *pull.Board
	limit pull.Limits
	now   time.Time
}

func setup(s *shop, tables ...integration.Table) *bench {
	store := newStore()
	b := setupOn(store, s, tables...)
	b.store = store
	return b
}

func setupOn(house warehouse.Warehouse, s *shop, tables ...integration.Table) *bench {
	return &bench{shop: s, house: house, heart: newHeart(tables...), limit: pull.Limits{CommitRows: 20}, now: time.Now()}
}

// name is that of a table in the warehouse.
func (b *bench) name(table string) warehouse.Name {
	return warehouse.Name{Schema: b.heart.record.Integration.Slug, Table: table}
}

func (b *bench) pull(t reporter) integration.Pull {
	t.Helper()
	return b.pullContext(context.Background(), t)
}

func (b *bench) pullContext(ctx context.Context, t reporter) integration.Pull {
	t.Helper()
	p := pull.New(pull.Config{Heart: b.heart, Sources: b.shop, Warehouse: b.house, Limits: b.limit, Board: b.board, Now: func() time.Time { return b.now }})
	got, err := p.Run(ctx, "i1", integration.ByPlan, "schedule")
	if err != nil {
		t.Fatal(err)
	}
	b.now = b.now.Add(time.Minute)
	return got
}

// want pulls and demands the outcome.
func (b *bench) want(t reporter, outcome integration.Outcome) integration.Pull {
	t.Helper()
	p := b.pull(t)
	if p.Outcome != outcome {
		t.Fatalf("outcome %s, want %s; last failure: %+v", p.Outcome, outcome, b.heart.last().fault)
	}
	return p
}

// alive is what the warehouse shows of a table.
func (b *bench) alive(table string) map[int64]int64 {
	if b.store == nil {
		return queried(b.house, b.name(table))
	}
	out := map[int64]int64{}
	h := b.store.tables[b.name(table)]
	if h == nil {
		return out
	}
	for id, r := range h.rows {
		if !h.deleted[id] {
			out[id] = r["value"]
		}
	}
	return out
}

// queried is what a query sees.
func queried(house warehouse.Warehouse, name warehouse.Name) map[int64]int64 {
	out := map[int64]int64{}
	result, err := house.Query(context.Background(), fmt.Sprintf("SELECT id, value FROM %q.%q WHERE _regrant_deleted_at IS NULL", name.Schema, name.Table), 1_000_000)
	if err != nil {
		return out // not there
	}
	for _, r := range result.Rows {
		out[r[0].(int64)] = r[1].(int64)
	}
	if len(out) != len(result.Rows) {
		panic("a row is there twice")
	}
	return out
}

func (b *bench) source(table string) map[int64]int64 {
	out := map[int64]int64{}
	for id, r := range b.shop.tables[table] {
		out[id] = r.value
	}
	return out
}

func (b *bench) equal(t reporter, table string) {
	t.Helper()
	if diff := cmp.Diff(b.source(table), b.alive(table)); diff != "" {
		t.Errorf("%s differs from the source (-source +warehouse):\n%s", table, diff)
	}
}

func TestEveryMethodBringsEveryRow(t *testing.T) {
	t.Parallel()
	for _, how := range methods {
		t.Run(string(how.Method), func(t *testing.T) {
			t.Parallel()
			b := setup(newShop("orders").fill("orders", 53), enabled("orders", how.Method, how.Column))
			p := b.want(t, integration.Succeeded)
			b.equal(t, "orders")
			if p.Rows != 53 || p.Tables[0].Inserted != 53 || p.Bytes == 0 {
				t.Errorf("told %+v, want 53 rows inserted", p)
			}
			b.shop.insert("orders", 54)
			b.want(t, integration.Succeeded)
			b.equal(t, "orders")
		})
	}
}

var methods = []connector.Replication{
	{Method: connector.ModifiedAt, Column: "modified"},
	{Method: connector.AutoIncrement, Column: "id"},
	{Method: connector.AddDate, Column: "added"},
	{Method: connector.PrimaryKeyBatch},
	{Method: connector.FullTable},
}

func TestSecondPullReadsOnlyWhatIsNew(t *testing.T) {
	t.Parallel()
	b := setup(newShop("orders").fill("orders", 500), enabled("orders", connector.ModifiedAt, "modified"))
	b.want(t, integration.Succeeded)
	b.shop.update("orders", 3)
	if p := b.want(t, integration.Succeeded); p.Rows != 1 {
		t.Errorf("%d rows were read, want 1", p.Rows)
	}
	b.equal(t, "orders")
	writes := b.store.writes
	p := b.want(t, integration.Succeeded)
	if b.store.writes != writes {
		t.Error("a pull without news wrote to the warehouse")
	}
	if note := p.Tables[0].Note; !strings.HasPrefix(note, "0 rows: nothing new since") {
		t.Errorf("note %q does not say that nothing came", note)
	}
}

func TestZeroRowsAreSaid(t *testing.T) {
	t.Parallel()
	for _, how := range methods {
		b := setup(newShop("orders"), enabled("orders", how.Method, how.Column))
		p := b.want(t, integration.Succeeded)
		if p.Tables[0].Note != "0 rows: the source is empty." {
			t.Errorf("%s: note %q", how.Method, p.Tables[0].Note)
		}
	}
}

func TestOneBadTableLeavesTheOthersAlone(t *testing.T) {
	t.Parallel()
	b := setup(newShop("a", "b", "c").fill("a", 5).fill("b", 5).fill("c", 5),
		enabled("a", connector.ModifiedAt, "modified"), enabled("b", connector.ModifiedAt, "modified"), enabled("c", connector.ModifiedAt, "modified"))
	b.shop.faults["b"] = &connector.Fault{Cause: connector.AccessChanged, Code: "shop.denied", Public: "no", Scope: connector.OneTable, Table: "b", Err: errors.New("no")}
	p := b.want(t, integration.Partly)
	b.equal(t, "a")
	b.equal(t, "c")
	if len(b.alive("b")) != 0 || b.heart.last().table != "b" || p.Tables[1].Code != "shop.denied" {
		t.Errorf("table b: %d rows, failure %+v, result %+v", len(b.alive("b")), b.heart.last(), p.Tables[1])
	}
	delete(b.shop.faults, "b")
	b.want(t, integration.Succeeded)
	b.equal(t, "b")
}

func TestFaults(t *testing.T) {
	t.Parallel()
	outage := &connector.Fault{Cause: connector.Outage, Code: "shop.down", Public: "down", Step: connector.StepRead, Err: errors.New("reset")}
	tests := map[string]struct {
		arrange func(*bench)
		outcome integration.Outcome
		table   string
		code    string
		cause   connector.Cause
		rows    int // that have arrived
	}{
		"sign-in refused": {
			arrange: func(b *bench) {
				b.shop.checkErr = &connector.Fault{Cause: connector.AccessChanged, Code: "shop.login_refused", Err: errors.New("no")}
			},
			outcome: integration.Failed, code: "shop.login_refused", cause: connector.AccessChanged,
		},
		"another account": {
			arrange: func(b *bench) {
				b.heart.record.Integration.Authorization.Identity.Fingerprint = "shop-2"
			},
			outcome: integration.Failed, code: "account.different", cause: connector.AccessChanged,
		},
		"outage while reading keeps what came": {
			arrange: func(b *bench) { b.shop.failAfter, b.shop.failWith = 3, outage },
			outcome: integration.Failed, code: "shop.down", cause: connector.Outage, rows: 14,
		},
		"error that nobody classified stays with its table": {
			arrange: func(b *bench) { b.shop.failAfter, b.shop.failWith = 3, errors.New("strange") },
			outcome: integration.Failed, table: "orders", code: "unclassified", cause: connector.Unknown, rows: 14,
		},
		"panic is ours": {
			arrange: func(b *bench) { b.shop.failAfter, b.shop.panics = 2, true },
			outcome: integration.Failed, table: "orders", code: "internal.panic", cause: connector.Ours,
		},
		"table is gone": {
			arrange: func(b *bench) { delete(b.shop.tables, "orders") },
			outcome: integration.Failed, table: "orders", code: "table.missing", cause: connector.AccessChanged,
		},
		"disk full before anything is asked": {
			arrange: func(b *bench) { b.store.at = failAt("check", fmt.Errorf("write: %w", warehouse.ErrDiskFull)) },
			outcome: integration.Failed, code: "warehouse.disk_full", cause: connector.Ours,
		},
		"disk full at a commit": {
			arrange: func(b *bench) { b.store.at = failAt("commit", fmt.Errorf("write: %w", warehouse.ErrDiskFull)) },
			outcome: integration.Failed, code: "warehouse.disk_full", cause: connector.Ours,
		},
		"warehouse in use": {
			arrange: func(b *bench) { b.store.at = failAt("load", warehouse.ErrInUse) },
			outcome: integration.Failed, code: "warehouse.in_use", cause: connector.Ours,
		},
		"warehouse of another version": {
			arrange: func(b *bench) { b.store.at = failAt("describe", warehouse.ErrVersion) },
			outcome: integration.Failed, code: "warehouse.version", cause: connector.Ours,
		},
		"warehouse refuses this table": {
			arrange: func(b *bench) { b.store.at = failAt("write", errors.New("cannot cast")) },
			outcome: integration.Failed, table: "orders", code: "warehouse.failed", cause: connector.Ours,
		},
		"our own state cannot be written": {
			arrange: func(b *bench) { b.heart.err = errors.New("locked") },
			outcome: integration.Failed, code: "state.failed", cause: connector.Ours, rows: 30,
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(newShop("orders").fill("orders", 30), enabled("orders", connector.ModifiedAt, "modified"))
			test.arrange(b)
			b.want(t, test.outcome)
			got := b.heart.last()
			if got.table != test.table || got.fault.Code != test.code || got.fault.Cause != test.cause {
				t.Errorf("told %q %s %s, want %q %s %s", got.table, got.fault.Code, got.fault.Cause, test.table, test.code, test.cause)
			}
			if n := len(b.alive("orders")); n != test.rows {
				t.Errorf("%d rows have arrived, want %d", n, test.rows)
			}
		})
	}
}

func failAt(point string, err error) func(string) error {
	return func(p string) error {
		if p == point {
			return err
		}
		return nil
	}
}

func TestAnotherAccountIsNotRead(t *testing.T) {
	t.Parallel()
	b := setup(newShop("orders").fill("orders", 30), enabled("orders", connector.ModifiedAt, "modified"))
	b.want(t, integration.Succeeded)
	reads := b.shop.reads
	b.shop.fingerprint = "shop-2"
	b.want(t, integration.Failed)
	if b.shop.reads != reads {
		t.Error("rows of another account were read")
	}
}

func TestRowsOfAnotherAccountAreNotMixed(t *testing.T) {
	t.Parallel()
	b := setup(newShop("orders").fill("orders", 30), enabled("orders", connector.ModifiedAt, "modified"))
	b.want(t, integration.Succeeded)
	b.heart.record.Integration.Authorization.Identity = connector.Identity{} // a new integration of the same name
	b.shop.fingerprint = "shop-2"
	b.want(t, integration.Failed)
	if code := b.heart.last().fault.Code; code != "warehouse.other_account" {
		t.Errorf("code %s", code)
	}
}

func TestCancelKeepsTheLastCommit(t *testing.T) {
	t.Parallel()
	b := setup(newShop("orders").fill("orders", 200), enabled("orders", connector.ModifiedAt, "modified"))
	ctx, cancel := context.WithCancel(t.Context())
	b.shop.onBatch = func(n int) {
		if n == 10 {
			cancel()
		}
	}
	if p := b.pullContext(ctx, t); p.Outcome != integration.Interrupted {
		t.Fatalf("outcome %s, want interrupted", p.Outcome)
	}
	if len(b.heart.failures) > 0 {
		t.Errorf("a cancel was told as a failure: %+v", b.heart.last())
	}
	before := len(b.alive("orders"))
	b.shop.onBatch = nil
	p := b.want(t, integration.Succeeded)
	b.equal(t, "orders")
	if int(p.Rows)+before != 200 {
		t.Errorf("%d rows were there, %d were read: some were read twice", before, p.Rows)
	}
}

func TestPausedTableIsNotRead(t *testing.T) {
	t.Parallel()
	b := setup(newShop("orders").fill("orders", 30), enabled("orders", connector.Paused, ""))
	p := b.want(t, integration.Succeeded)
	if b.shop.reads != 0 || p.Tables[0].Note == "" {
		t.Errorf("%d reads, result %+v", b.shop.reads, p.Tables[0])
	}
}

func TestTwoPullsAtOnceAreRefused(t *testing.T) {
	t.Parallel()
	b := setup(newShop("orders").fill("orders", 30), enabled("orders", connector.ModifiedAt, "modified"))
	p := pull.New(pull.Config{Heart: b.heart, Sources: b.shop, Warehouse: b.house})
	var second error
	b.shop.onBatch = func(n int) {
		if n == 1 {
			_, second = p.Run(context.Background(), "i1", integration.ByPerson, "ada")
		}
	}
	if _, err := p.Run(t.Context(), "i1", integration.ByPlan, "schedule"); err != nil {
		t.Fatal(err)
	}
	if !errors.Is(second, pull.ErrRunning) {
		t.Errorf("the second got %v", second)
	}
}

func TestProgressIsShownAndForgotten(t *testing.T) {
	t.Parallel()
	b := setup(newShop("orders").fill("orders", 100), enabled("orders", connector.ModifiedAt, "modified"))
	var told []pull.Progress
	b.board = pull.NewBoard(func(p pull.Progress) { told = append(told, p) })
	var during []pull.Progress
	b.shop.onBatch = func(n int) {
		if n == 10 {
			during = b.board.Snapshot()
		}
	}
	b.want(t, integration.Succeeded)
	last := told[len(told)-1]
	if !last.Done || last.Rows != 100 || last.Table != "orders" || last.Estimated != 100 || last.Integration != "i1" {
		t.Errorf("last told: %+v", last)
	}
	if len(during) != 1 || len(b.board.Snapshot()) != 0 {
		t.Errorf("during the pull %d were shown, after it %d", len(during), len(b.board.Snapshot()))
	}
}

// TestResumeFromEveryCut breaks the pull at each boundary in turn and demands
// that the pulls after it end with the rows of the source, none twice.
func TestResumeFromEveryCut(t *testing.T) {
	t.Parallel()
	for _, how := range methods {
		t.Run(string(how.Method), func(t *testing.T) {
			t.Parallel()
			for cut := 1; ; cut++ {
				b := setup(newShop("orders").fill("orders", 75), enabled("orders", how.Method, how.Column))
				n := 0
				b.store.at = func(point string) error {
					if n++; n == cut {
						return errors.New("cut at " + point)
					}
					return nil
				}
				if p := b.pull(t); p.Outcome == integration.Succeeded {
					if n >= cut {
						t.Fatalf("cut %d was not noticed", cut)
					}
					return // beyond the last boundary
				}
				b.store.at = nil
				b.shop.insert("orders", 76)
				b.want(t, integration.Succeeded)
				b.equal(t, "orders")
			}
		})
	}
}

func TestFullTableWithoutKey(t *testing.T) {
	t.Parallel()
	s := newShop("log").fill("log", 20)
	s.key = nil
	b := setup(s, enabled("log", connector.ModifiedAt, "modified"))
	p := b.want(t, integration.Succeeded)
	if n := len(b.alive("log")); n != 20 {
		t.Errorf("%d rows, want 20", n)
	}
	if !strings.Contains(p.Tables[0].Note, "has no key") {
		t.Errorf("note %q", p.Tables[0].Note)
	}
	b.want(t, integration.Succeeded)
	if n := len(b.alive("log")); n != 20 {
		t.Errorf("%d rows after the second pull, want 20", n)
	}
}

func TestNewColumnIsReadAtOnce(t *testing.T) {
	t.Parallel()
	b := setup(newShop("orders").fill("orders", 5), enabled("orders", connector.ModifiedAt, "modified"))
	b.want(t, integration.Succeeded)
	b.shop.columns = append(b.shop.columns, "extra")
	b.shop.insert("orders", 6)
	p := b.want(t, integration.Succeeded)
	if !strings.Contains(p.Tables[0].Note, "New column extra") {
		t.Errorf("note %q", p.Tables[0].Note)
	}
	rows := b.store.tables[warehouse.Name{Schema: "shop", Table: "orders"}].rows
	if _, old := rows[1]["extra"]; old || rows[6]["extra"] != 6000 {
		t.Errorf("old row %v, new row %v", rows[1], rows[6])
	}
}

func TestMethodChangeReadsAgainWithoutDoubling(t *testing.T) {
	t.Parallel()
	for _, from := range methods {
		for _, to := range methods {
			if from.Method == to.Method {
				continue
			}
			b := setup(newShop("orders").fill("orders", 30), enabled("orders", from.Method, from.Column))
			b.want(t, integration.Succeeded)
			b.shop.update("orders", 4)
			b.heart.table("orders").Replication = to
			p := b.want(t, integration.Succeeded)
			b.equal(t, "orders")
			if p.Rows != 30 {
				t.Errorf("%s to %s: %d rows read, want all 30", from.Method, to.Method, p.Rows)
			}
		}
	}
}

func TestGapLeavesAReceipt(t *testing.T) {
	t.Parallel()
	b := setup(newShop("orders").fill("orders", 40), enabled("orders", connector.ModifiedAt, "modified"))
	b.want(t, integration.Succeeded)
	b.heart.record.Gaps = []integration.Gap{{ID: "g1", Integration: "i1", Table: "orders", From: b.now}}
	for id := int64(41); id <= 80; id++ {
		b.shop.insert("orders", id)
	}
	b.shop.delete("orders", 2)
	// The catching up itself is interrupted once: the receipt counts both parts.
	b.shop.failAfter, b.shop.failWith = 4, &connector.Fault{Cause: connector.Outage, Code: "shop.down", Err: errors.New("reset")}
	b.want(t, integration.Failed)
	b.shop.failAfter = 0
	b.want(t, integration.Succeeded)
	b.equal(t, "orders")
	if len(b.heart.receipts) != 1 {
		t.Fatalf("%d receipts, want 1", len(b.heart.receipts))
	}
	g := b.heart.receipts[0]
	if g.Closed.IsZero() || g.To.IsZero() || g.Receipt.Rows != 40 || g.Receipt.SourceRows != 79 || g.Receipt.WarehouseRows != 79 || g.Receipt.Note != "" {
		t.Errorf("receipt %+v of gap %+v", g.Receipt, g)
	}
}

func TestGapThatDoesNotAddUpSaysSo(t *testing.T) {
	t.Parallel()
	b := setup(newShop("orders").fill("orders", 40), enabled("orders", connector.AutoIncrement, "id"))
	b.want(t, integration.Succeeded)
	b.heart.record.Gaps = []integration.Gap{{ID: "g1", Integration: "i1", Table: "orders", From: b.now}}
	b.shop.insert("orders", -5) // below the position: this method never sees it
	b.want(t, integration.Succeeded)
	if r := b.heart.receipts[0].Receipt; !strings.Contains(r.Note, "41 rows and the warehouse 40") {
		t.Errorf("note %q", r.Note)
	}
}

func TestGapIsClosedWithoutACount(t *testing.T) {
	t.Parallel()
	b := setup(newShop("orders").fill("orders", 40), enabled("orders", connector.AutoIncrement, "id"))
	b.want(t, integration.Succeeded)
	gap := integration.Gap{ID: "g1", Integration: "i1", Table: "orders", From: b.now}
	b.heart.record.Gaps = []integration.Gap{gap}
	b.shop.tallyErr = &connector.Fault{Cause: connector.Outage, Code: "shop.slow", Scope: connector.OneTable, Err: errors.New("timeout")}
	b.want(t, integration.Succeeded)
	if r := b.heart.receipts[0].Receipt; r.SourceRows != -1 || r.Exact || !strings.Contains(r.Note, "shop.slow") {
		t.Errorf("receipt %+v", r)
	}
	b.heart.record.Gaps = []integration.Gap{gap}
	b.shop.tallyErr = &connector.Fault{Cause: connector.Outage, Code: "shop.down", Err: errors.New("reset")}
	b.want(t, integration.Failed)
	if len(b.heart.receipts) != 1 {
		t.Error("a gap was closed although the source is down")
	}
}

func rechecking(t integration.Table, column string, every integration.RecheckEvery) integration.Table {
	t.Rechecks = maps.Clone(t.Rechecks)
	if t.Rechecks == nil {
		t.Rechecks = map[string]integration.Recheck{}
	}
	t.Rechecks[column] = integration.Recheck{Every: every}
	return t
}
