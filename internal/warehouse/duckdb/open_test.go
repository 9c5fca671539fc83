package duckdb_test

import (
	"bufio"
	"bytes"
	"database/sql"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/regrant/regrant/internal/warehouse"
	"github.com/regrant/regrant/internal/warehouse/duckdb"
)

func TestOpenRefuses(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name string
		file func(t *testing.T, path string)
		want error
		says string
	}{
		{"text", func(t *testing.T, path string) { write(t, path, []byte(strings.Repeat("no database\n", 5000))) }, warehouse.ErrVersion, "is not a DuckDB file"},
		{"short", func(t *testing.T, path string) { write(t, path, []byte("x")) }, warehouse.ErrVersion, "is not a DuckDB file"},
		{"sqlite", func(t *testing.T, path string) {
			write(t, path, append([]byte("SQLite format 3\x00"), make([]byte, 20000)...))
		}, warehouse.ErrVersion, "is not a DuckDB file"},
		{"another DuckDB", otherVersion, warehouse.ErrVersion, "another version"},
		{"another layout", otherLayout, warehouse.ErrVersion, "newer Regrant"},
		{"cut", func(t *testing.T, path string) {
			closed(t, path)
			whole, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			write(t, path, whole[:9000])
		}, warehouse.ErrVersion, ""},
		{"a directory", func(t *testing.T, path string) {
			if err := os.Mkdir(path, 0o700); err != nil {
				t.Fatal(err)
			}
		}, nil, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(t.TempDir(), "w.duckdb")
			tt.file(t, path)
			before, _ := os.ReadFile(path)
			w, err := duckdb.Open(t.Context(), duckdb.Config{Path: path})
			if err == nil {
				_ = w.Close()
				t.Fatal("it was opened")
			}
			if tt.want != nil && !errors.Is(err, tt.want) || !strings.Contains(err.Error(), tt.says) {
				t.Errorf("the error is %v", err)
			}
			if after, _ := os.ReadFile(path); !bytes.Equal(before, after) {
				t.Error("the file was changed")
			}
		})
	}
}

func write(t *testing.T, path string, content []byte) {
	t.Helper()
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
}

// closed leaves a fresh warehouse.
func closed(t *testing.T, path string) {
	t.Helper()
	w, err := duckdb.Open(t.Context(), duckdb.Config{Path: path})
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
}

// otherVersion raises the number of the storage format in the file's header,
// which follows 8 bytes of checksum and the word DUCK.
func otherVersion(t *testing.T, path string) {
	t.Helper()
	closed(t, path)
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if string(content[8:12]) != "DUCK" {
		t.Fatalf("the header begins with %q", content[:12])
	}
	binary.LittleEndian.PutUint64(content[12:], 999)
	write(t, path, content)
}

func otherLayout(t *testing.T, path string) {
	t.Helper()
	closed(t, path)
	db, err := sql.Open("duckdb", path)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	for _, s := range []string{"UPDATE _regrant.layout SET version = 99", "CHECKPOINT"} {
		if _, err := db.ExecContext(t.Context(), s); err != nil {
			t.Fatal(err)
		}
	}
}

func TestOpenTwice(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "w.duckdb")
	w, err := duckdb.Open(t.Context(), duckdb.Config{Path: path})
	if err != nil {
		t.Fatal(err)
	}
	if second, err := duckdb.Open(t.Context(), duckdb.Config{Path: path}); !errors.Is(err, warehouse.ErrInUse) {
		t.Errorf("a second opening gives %v, %v", second, err)
	}
	for range 2 {
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
	}
	closed(t, path)
	if _, err := w.Query(t.Context(), "select 1", 1); err == nil {
		t.Error("a closed warehouse answers")
	}
}

const holdEnv = "REGRANT_DUCKDB_HOLD"

// TestOtherProcess holds the file in another process, once as Regrant does
// and once with the lock beside it gone, as any other program would.
func TestOtherProcess(t *testing.T) {
	if path := os.Getenv(holdEnv); path != "" {
		if _, err := duckdb.Open(t.Context(), duckdb.Config{Path: path}); err != nil {
			t.Fatal(err)
		}
		fmt.Println("held")
		_, _ = os.Stdin.Read(make([]byte, 1)) // until the parent lets go
		return
	}
	t.Parallel()
	path := filepath.Join(t.TempDir(), "w.duckdb")
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), self, "-test.run=^TestOtherProcess$")
	cmd.Env = append(os.Environ(), holdEnv+"="+path)
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = in.Close(); _ = cmd.Wait() }()
	if line, err := bufio.NewReader(out).ReadString('\n'); line != "held\n" {
		t.Fatalf("the other process says %q, %v", line, err)
	}
	for _, lock := range []string{"ours", "DuckDB's"} {
		if w, err := duckdb.Open(t.Context(), duckdb.Config{Path: path}); !errors.Is(err, warehouse.ErrInUse) {
			t.Errorf("with the lock of %s the opening gives %v, %v", lock, w, err)
		}
		if err := os.Remove(path + ".lock"); err != nil && lock == "ours" {
			t.Fatal(err)
		}
	}
}
