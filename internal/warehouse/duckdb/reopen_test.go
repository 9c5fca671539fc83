package duckdb

import (
	"errors"
	"path/filepath"
	"testing"

	dk "github.com/duckdb/duckdb-go/v2"

	"github.com/regrant/regrant/connector"
	"github.com/regrant/regrant/internal/warehouse"
)

// TestReopen: after DuckDB has given up on the file, the next work opens it
// again, but never while something still holds the old one.
func TestReopen(t *testing.T) {
	t.Parallel()
	w, err := Open(t.Context(), Config{Path: filepath.Join(t.TempDir(), "w.duckdb")})
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	name := warehouse.Name{Schema: "shop", Table: "orders"}
	if err := w.SetPosition(t.Context(), name, "here"); err != nil {
		t.Fatal(err)
	}
	e := w.(*engine)
	held, err := e.conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	before := e.db
	if err := e.failed(&dk.Error{Type: dk.ErrorTypeFatal, Msg: "FATAL Error: database has been invalidated"}); err == nil {
		t.Fatal("the error is lost")
	}
	if _, err := w.Describe(t.Context(), name); err == nil {
		t.Error("the file was opened again while it was held")
	}
	if err := held.Close(); err != nil {
		t.Fatal(err)
	}
	s, err := w.Describe(t.Context(), name)
	if err != nil || s.Position != connector.Position("here") {
		t.Errorf("the state is %+v, %v", s, err)
	}
	if e.db == before {
		t.Error("the file was not opened again")
	}
	if r, err := w.Query(t.Context(), "select 1", 1); err != nil || len(r.Rows) != 1 {
		t.Errorf("query: %v, %v", r, err)
	}
}

func TestClassify(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		text string
		want error
	}{
		{`IO Error: Could not write file "x.duckdb": No space left on device`, warehouse.ErrDiskFull},
		{`TransactionContext Error: Failed to commit: Could not write file "x.wal": Disk quota exceeded`, warehouse.ErrDiskFull},
		{`IO Error: Could not set lock on file "x": Conflicting lock is held in PID 7`, warehouse.ErrInUse},
		{`Catalog Error: Table with name x does not exist!`, nil},
		{`Out of Memory Error: failed to allocate data of size 16.0 MiB`, nil},
	} {
		err := classify(errors.New(tt.text))
		for _, known := range []error{warehouse.ErrDiskFull, warehouse.ErrInUse, warehouse.ErrVersion, warehouse.ErrReadOnly} {
			if errors.Is(err, known) != (known == tt.want) {
				t.Errorf("%s is %v", tt.text, err)
			}
		}
	}
	if classify(nil) != nil {
		t.Error("nothing is an error")
	}
}

func TestWidenIsALattice(t *testing.T) {
	t.Parallel()
	types := []string{"BOOLEAN", "TINYINT", "SMALLINT", "INTEGER", "BIGINT", "UTINYINT", "USMALLINT", "UINTEGER", "UBIGINT", "FLOAT", "DOUBLE", "DECIMAL(4,2)", "DECIMAL(20,0)",
		"DECIMAL(38,10)", "VARCHAR", "JSON", "UUID", "BLOB", "DATE", tTimestamp, tTimestampTZ, "TIMESTAMP_NS", "TIME", "INTERVAL", "INTEGER[]", "VARCHAR[]", "STRUCT(a INTEGER)"}
	for _, a := range types {
		if w := widen(a, a); w != a {
			t.Errorf("%s with itself gives %s", a, w)
		}
		for _, b := range types {
			w := widen(a, b)
			if back := widen(b, a); back != w {
				t.Errorf("%s with %s gives %s, the other way %s", a, b, w, back)
			}
			if again := widen(w, b); again != w {
				t.Errorf("%s, made of %s and %s, grows to %s with %s", w, a, b, again, b)
			}
		}
	}
}

func TestParseMemory(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]int64{"96MB": 96e6, "1GB": 1e9, "1GiB": 1 << 30, "1.5 GB": 15e8, "": 0, "lots": 0, "-1MB": 0, "5": 0, "5XB": 0} {
		if got, err := parseMemory(in); got != want || (err == nil) != (want > 0) {
			t.Errorf("%q is %d, %v; want %d", in, got, err, want)
		}
	}
}

func TestApart(t *testing.T) {
	t.Parallel()
	taken := map[string]string{"id": "id"}
	if got := apart("id", taken); got != "id" {
		t.Errorf("the owner of a name gets %q", got)
	}
	second := apart("ID", taken)
	if second == "ID" || second == "id" {
		t.Errorf("the second gets %q", second)
	}
	if got := apart("ID", map[string]string{second: second}); got == "" {
		t.Error("no name")
	}
}
