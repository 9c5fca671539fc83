package tds

import (
	"context"
	"database/sql"
	"errors"
	"net/url"
	"strconv"
	"testing"
	"time"

	mssql "github.com/microsoft/go-mssqldb"
)

// connect opens the vendor's driver on a server with the script.
func connect(t *testing.T, script *Script) *sql.DB {
	t.Helper()
	s := &Server{Backend: script}
	if err := s.Start(); err != nil {
		t.Fatal(err)
	}
	u := url.URL{Scheme: "sqlserver", Host: "127.0.0.1:" + strconv.Itoa(s.Port()), User: url.UserPassword("anna", "päss wörd"), RawQuery: "encrypt=disable&database=shop"}
	db, err := sql.Open("sqlserver", u.String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
		s.Stop()
	})
	return db
}

func testContext(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	t.Cleanup(cancel)
	return ctx
}

func TestLoginIsUnderstood(t *testing.T) {
	t.Parallel()
	d := NewDatabase("shop")
	d.AddUser("anna", &User{Password: "päss wörd"})
	if err := connect(t, &Script{Next: d}).PingContext(testContext(t)); err != nil {
		t.Fatal(err)
	}
	d.AddUser("anna", &User{Password: "another"})
	err := connect(t, &Script{Next: d}).PingContext(testContext(t))
	var e mssql.Error
	if !errors.As(err, &e) || e.Number != 18456 || e.State != 1 || e.Class != 14 {
		t.Errorf("got %v", err)
	}
}

// Parameters come with sp_executesql.
func TestParameters(t *testing.T) {
	t.Parallel()
	db := connect(t, &Script{Next: open("shop")})
	var text string
	var number int64
	err := db.QueryRowContext(testContext(t), "SELECT CONVERT(nvarchar(50), @p1), CONVERT(bigint, @p2)", "Grüße", int64(-7)).Scan(&text, &number)
	if err != nil || text != "Grüße" || number != -7 {
		t.Errorf("got %q, %d, %v", text, number, err)
	}
}

// open lets anna in.
func open(name string) *Database {
	d := NewDatabase(name)
	d.AddUser("anna", &User{Password: "päss wörd"})
	return d
}

func TestRowsThenError(t *testing.T) {
	t.Parallel()
	script := &Script{}
	script.On("FROM t", Reply{Columns: []Column{{"id", Type{Name: "int"}}}, Rows: [][]any{{int64(1)}, {int64(2)}, {nil}}, Errors: []Error{{Number: 1205, State: 51, Class: 13, Message: "deadlocked"}}}, nil)
	rows, err := connect(t, script).QueryContext(testContext(t), "SELECT id FROM t")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = rows.Close() }()
	n := 0
	for rows.Next() {
		n++
	}
	var e mssql.Error
	if err := rows.Err(); n != 3 || !errors.As(err, &e) || e.Number != 1205 || e.State != 51 || e.Class != 13 || e.Message != "deadlocked" {
		t.Errorf("%d rows, then %v", n, err)
	}
}

// An attention ends a statement that does not answer, and the connection is
// good afterwards.
func TestAttention(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(testContext(t))
	script := &Script{}
	script.On("slow", Reply{Delay: time.Hour}, cancel)
	db := connect(t, script)
	db.SetMaxOpenConns(1)
	if _, err := db.ExecContext(ctx, "EXEC slow"); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	if _, err := db.ExecContext(testContext(t), "EXEC quick"); err != nil {
		t.Errorf("afterwards: %v", err)
	}
}

func TestHangUp(t *testing.T) {
	t.Parallel()
	script := &Script{}
	script.On("die", Reply{Close: true}, nil)
	db := connect(t, script)
	if _, err := db.ExecContext(testContext(t), "EXEC die"); err == nil {
		t.Error("no error")
	}
	if _, err := db.ExecContext(testContext(t), "EXEC quick"); err != nil {
		t.Errorf("afterwards: %v", err)
	}
}
