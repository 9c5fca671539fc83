package sqlserver

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/regrant/regrant/connector"
	"github.com/regrant/regrant/internal/testservers/tds"
)

func ids(r reading) []string {
	var out []string
	for _, row := range r.rows {
		out = append(out, row["id"])
	}
	return out
}

// followed is a table that is followed in every way there is.
func followed(rows int64) *tds.Table {
	t := &tds.Table{Schema: "dbo", Name: "t", Key: []string{"id"}, Indexes: [][]string{{"at"}}, Columns: []tds.TableColumn{
		column("id", "bigint", identity), column("at", "datetime2(3)"), column("rv", "rowversion", notNull)}}
	start := moment("2026-01-01T00:00:00Z")
	for i := range rows {
		t.Rows = append(t.Rows, []any{i + 1, start.Add(time.Duration(i) * time.Hour), []byte{0, 0, 0, 0, 0, 0, byte((i + 1) >> 8), byte(i + 1)}})
	}
	return t
}

func TestRowversionIsOfferedFirstAndReadExactly(t *testing.T) {
	t.Parallel()
	b := setup(t, followed(500))
	b.db.Change(func(db *tds.Database) {
		for range 500 {
			db.NextVersion()
		}
	})
	s := b.open()
	table := tableOf(t, s, "dbo.t")
	if first := table.Replications[0]; first.Method != connector.ModifiedAt || first.Column != "rv" {
		t.Fatalf("recommended is %+v", first)
	}
	req := request(table, connector.ModifiedAt, "rv")
	got := read(t, s, req)
	if len(got.rows) != 500 {
		t.Fatalf("%d rows", len(got.rows))
	}
	req.Position = got.at
	if again := read(t, s, req); len(again.rows) != 0 {
		t.Errorf("nothing changed, yet %d rows came again", len(again.rows))
	}
	b.db.Change(func(db *tds.Database) {
		rows := slices.Clone(db.Find("t").Rows)
		rows[6] = []any{int64(7), nil, db.NextVersion()}
		db.Find("t").Rows = append(rows, []any{int64(501), nil, db.NextVersion()})
	})
	if next := read(t, s, req); !slices.Equal(ids(next), []string{"7", "501"}) {
		t.Errorf("changed rows: %v", ids(next))
	}
}

// A transaction may commit rows with dates and numbers below the last mark.
func TestLateCommitsAreFound(t *testing.T) {
	t.Parallel()
	b := setup(t, followed(1500))
	b.db.Change(func(db *tds.Database) { db.Find("t").Rows = slices.Delete(db.Find("t").Rows, 1496, 1497) })
	for _, how := range []connector.Replication{{Method: connector.ModifiedAt, Column: "at"}, {Method: connector.AutoIncrement, Column: "id"}} {
		s := b.open()
		req := request(tableOf(t, s, "dbo.t"), how.Method, how.Column)
		req.Position = read(t, s, req).at
		late := []any{int64(1497), moment("2026-01-01T00:00:00Z").Add(1499*time.Hour - 70*time.Minute), []byte{0, 0, 0, 0, 0, 0, 9, 9}}
		b.db.Change(func(db *tds.Database) { db.Find("t").Rows = append(db.Find("t").Rows, late) })
		if got := ids(read(t, s, req)); !slices.Contains(got, "1497") || len(got) > 1010 {
			t.Errorf("%s: a late row is not among %d rows", how.Method, len(got))
		}
		b.db.Change(func(db *tds.Database) { db.Find("t").Rows = db.Find("t").Rows[:len(db.Find("t").Rows)-1] })
	}
}

// Rows whose date is empty are read each time.
func TestRowsWithoutDate(t *testing.T) {
	t.Parallel()
	b := setup(t, followed(10))
	s := b.open()
	req := request(tableOf(t, s, "dbo.t"), connector.ModifiedAt, "at")
	req.Position = read(t, s, req).at
	b.db.Change(func(db *tds.Database) {
		db.Find("t").Rows = append(slices.Clone(db.Find("t").Rows), []any{int64(99), nil, []byte{0, 0, 0, 0, 0, 0, 1, 1}})
	})
	if got := ids(read(t, s, req)); !slices.Contains(got, "99") {
		t.Errorf("got %v", got)
	}
}

// PrimaryKeyBatch reads again only the ranges that differ, and tells deletions.
func TestBatchesReadOnlyWhatDiffers(t *testing.T) {
	t.Parallel()
	b := setup(t, followed(50_000))
	s := b.open()
	s.(*source).rowsEach = 5000
	req := request(tableOf(t, s, "dbo.t"), connector.PrimaryKeyBatch, "")
	got := read(t, s, req)
	req.Position = got.at
	if again := read(t, s, req); len(got.rows) != 50_000 || len(again.rows) != 0 {
		t.Fatalf("first %d rows, then %d", len(got.rows), len(again.rows))
	}
	b.db.Change(func(db *tds.Database) {
		rows := slices.Clone(db.Find("t").Rows)
		rows[12_345] = []any{int64(12_346), nil, rows[12_345][2]}
		db.Find("t").Rows = slices.Delete(rows, 12_300, 12_301)
	})
	next := read(t, s, req)
	if n := len(next.rows); n == 0 || n > 5000 {
		t.Errorf("%d rows were read again for two changes", n)
	}
}

// What a server before 2019 cannot order by UTF-8 is ordered by code points.
func TestTextKeysOfOldServers(t *testing.T) {
	t.Parallel()
	table := &tds.Table{Schema: "dbo", Name: "t", Key: []string{"id"}, Columns: []tds.TableColumn{column("id", "varchar(20)", notNull)},
		Rows: [][]any{{"b"}, {"A"}, {"ä"}, {"Z"}, {"a1"}}}
	for _, version := range []string{"13.0.5026.0", "16.0.1000.6"} {
		b := setup(t, table)
		b.db.Change(func(db *tds.Database) { db.Version = version })
		s := b.open()
		req := request(tableOf(t, s, "dbo.t"), connector.PrimaryKeyBatch, "")
		if got := ids(read(t, s, req)); !slices.Equal(got, []string{"A", "Z", "a1", "b", "ä"}) {
			t.Errorf("%s: %v", version, got)
		}
		utf8 := slices.ContainsFunc(b.db.Statements(), func(sql string) bool { return strings.Contains(sql, "_UTF8") })
		if utf8 != (version[:2] == "16") {
			t.Errorf("%s: UTF-8 order is %t", version, utf8)
		}
	}
}

// The column's own collation stands in the statement, so that a varchar stays
// one and its index is of use.
func TestTextKeysKeepTheirTypeAndCollation(t *testing.T) {
	t.Parallel()
	f := formOf(sourceType{base: "varchar", length: 20, collation: "French_CI_AS"})
	c := col{name: "k", form: f}
	if got := c.literal("l'été"); got != "CONVERT(varchar(8000), N'l''été' COLLATE French_CI_AS)" {
		t.Errorf("got %s", got)
	}
	hostile := formOf(sourceType{base: "varchar", length: 20, collation: "x); DROP TABLE t --"})
	if strings.Contains(hostile.cast, "DROP") {
		t.Errorf("got %s", hostile.cast)
	}
}
