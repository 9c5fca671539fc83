package postgresql

import (
	"fmt"
	"maps"
	"slices"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/regrant/regrant/connector"
)

// bound is the key of a range's end; ok is false for an open one.
func bound(r arrow.RecordBatch) (key string, ok bool) {
	if r == nil {
		return "", false
	}
	return r.Column(0).ValueStr(0), true
}

// apply does what a driver does with a batch: rows in, and out with what a
// complete range no longer has. Keys are texts compared by bytes.
func (w warehouse) apply(b connector.Batch) {
	var rows []map[string]string
	if b.Record != nil {
		rows = rowsOf(b.Record)
	}
	present := map[string]bool{}
	for _, row := range rows {
		w[row["k"]] = row
		present[row["k"]] = true
	}
	if b.Complete == nil {
		return
	}
	after, bounded := bound(b.Complete.After)
	through, ended := bound(b.Complete.Through)
	for k := range w {
		if (!bounded || k > after) && (!ended || k <= through) && !present[k] {
			delete(w, k)
		}
	}
}

// TestBatchesFollowEverything changes, adds and deletes rows in many ways and
// compares the warehouse with the source after each reading, some of which are
// cut in the middle.
func TestBatchesFollowEverything(t *testing.T) {
	t.Parallel()
	for _, kind := range []string{`text COLLATE "C"`, `text COLLATE "und-x-icu"`, "uuid"} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			b := setup(t, "CREATE TABLE f (k "+kind+" PRIMARY KEY, n int, v text)", "INSERT INTO f SELECT md5(i::text)::uuid::text::"+keyCast(kind)+"::"+castOf(kind)+", i, 'v' FROM generate_series(1, 3000) i")
			s := b.open()
			s.(*source).rowsEach = 100
			table := tableOf(t, s, "public.f")
			req := request(table, connector.PrimaryKeyBatch, "")
			w := warehouse{}
			for i, change := range []string{
				"SELECT 1", "SELECT 1", "DELETE FROM f WHERE n % 7 = 0", "DELETE FROM f WHERE n BETWEEN 1000 AND 2000", "UPDATE f SET v = 'w' WHERE n < 20",
				"UPDATE f SET v = CASE v WHEN 'v' THEN 'w' ELSE 'v' END", "INSERT INTO f SELECT md5(i::text)::uuid::text::" + castOf(kind) + ", i, 'new' FROM generate_series(4000, 9000) i",
				"DELETE FROM f WHERE k::text < '8'", "DELETE FROM f WHERE k::text > 'c'", "DELETE FROM f", "INSERT INTO f SELECT md5(i::text)::uuid::text::" + castOf(kind) + ", i, 'again' FROM generate_series(1, 500) i",
			} {
				b.run(change)
				if i%2 == 1 {
					req.Position = w.load(t, s, req, 3)
				}
				req.Position = w.load(t, s, req, -1)
				source := warehouse{}
				source.take(read(t, s, request(table, connector.FullTable, "")), "k")
				if !maps.EqualFunc(w, source, maps.Equal) {
					t.Fatalf("after %q: %d rows in the warehouse, %d at the source", change, len(w), len(source))
				}
				if idle := read(t, s, req); len(idle.rows) > 0 {
					t.Errorf("after %q: %d rows again", change, len(idle.rows))
				}
			}
		})
	}
}

func castOf(kind string) string {
	if kind == "uuid" {
		return "uuid"
	}
	return "text"
}

// load reads and applies at most so many batches.
func (w warehouse) load(t *testing.T, s connector.Source, req connector.Request, batches int) connector.Position {
	t.Helper()
	at := req.Position
	for b, err := range s.Read(testContext(t), req) {
		must(t, err)
		w.apply(b)
		at = b.Position
		b.Release()
		if batches--; batches == 0 {
			break
		}
	}
	return at
}

// TestKeysTile: the ranges of a pass of keys have no holes, wherever it is cut.
func TestKeysTile(t *testing.T) {
	t.Parallel()
	b := setup(t, "CREATE TABLE f (k int, n text, PRIMARY KEY (k, n))", "INSERT INTO f SELECT i, 'n' || i FROM generate_series(1, 1000) i")
	s := b.open()
	s.(*source).rowsEach = 100
	req := request(tableOf(t, s, "public.f"), connector.PrimaryKeyBatch, "")
	req.Pass, req.Columns = connector.PassKeys, req.Table.Key
	var ends []string
	last, open := "", false
	for range 20 {
		for b, err := range s.Read(testContext(t), req) {
			must(t, err)
			after, bounded := bound(b.Complete.After)
			if bounded != (last != "") || after != last {
				t.Errorf("a range begins after %q, the one before ended with %q", after, last)
			}
			through, ended := bound(b.Complete.Through)
			last, open = through, !ended
			ends = append(ends, fmt.Sprint(through))
			req.Resume = b.Position
			b.Release()
			break
		}
		if open {
			break
		}
	}
	if !open || len(ends) != 10 || !slices.Contains(ends, "900") {
		t.Errorf("the ends are %v", ends)
	}
}
