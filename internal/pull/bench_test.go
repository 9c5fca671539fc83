//go:build duckdb_arrow && linux

package pull_test

import (
	"fmt"
	"io"
	"os"
	"runtime/debug"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/regrant/regrant/connector"
	"github.com/regrant/regrant/internal/integration"
	"github.com/regrant/regrant/internal/pull"
)

// BenchmarkPostgreSQLFirstPull pulls 1 M rows of 12 columns and compares with
// the floor: the same table by COPY, thrown away. It tells the peak of memory
// over idle, which the design bounds at 200 MB.
func BenchmarkPostgreSQLFirstPull(b *testing.B) {
	const rows = 1_000_000
	for _, how := range []connector.Replication{{Method: connector.ModifiedAt, Column: "updated_at"}, {Method: connector.FullTable}} {
		b.Run(string(how.Method), func(b *testing.B) {
			for range b.N {
				table := orders(how.Method, how.Column)
				r := newRealShop(b, 1, table)
				r.exec(`DROP TABLE orders`, `CREATE TABLE orders (id bigint PRIMARY KEY, customer bigint NOT NULL, status text, amount numeric(12,2) NOT NULL, tax numeric(12,2),
					email text, city text, note text, paid boolean, weight float8, created_at timestamptz NOT NULL, updated_at timestamptz NOT NULL)`,
					fmt.Sprintf(`INSERT INTO orders SELECT n, n %% 9999, 'paid', n * 1.25, NULL, 'someone' || n || '@example.com', 'München', CASE WHEN n %% 3 = 0 THEN repeat('x', 40) END,
					n %% 2 = 0, n / 7.0, now() - n * interval '1 second', now() - n * interval '1 second' FROM generate_series(1, %d) n`, rows),
					`CREATE INDEX ON orders (updated_at)`, `GRANT SELECT ON orders TO pull_ro`, `VACUUM ANALYZE orders`)
				floor := copyAway(b, r)
				debug.FreeOSMemory()
				idle := memoryOf(b, "VmRSS")
				if err := os.WriteFile("/proc/self/clear_refs", []byte("5"), 0); err != nil {
					b.Log(err)
				}
				began := time.Now()
				r.limits = pull.Limits{}
				p := r.pull(integration.Succeeded)
				took := time.Since(began)
				if p.Rows != rows {
					b.Fatalf("%d rows were read", p.Rows)
				}
				b.ReportMetric(float64(rows)/took.Seconds(), "rows/s")
				b.ReportMetric(floor.Seconds()/took.Seconds(), "of-floor")
				b.ReportMetric(memoryOf(b, "VmHWM")-idle, "peak-MB")
			}
		})
	}
}

func copyAway(b *testing.B, r *realShop) time.Duration {
	b.Helper()
	conn, err := pgconn.Connect(b.Context(), r.server.DSN("postgres", "postgres"))
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = conn.Close(b.Context()) }()
	began := time.Now()
	if _, err := conn.CopyTo(b.Context(), io.Discard, "COPY orders TO STDOUT (FORMAT binary)"); err != nil {
		b.Fatal(err)
	}
	return time.Since(began)
}

// memoryOf reads a line of /proc/self/status, in MB.
func memoryOf(b *testing.B, name string) float64 {
	b.Helper()
	text, err := os.ReadFile("/proc/self/status")
	if err != nil {
		b.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		if value, ok := strings.CutPrefix(line, name+":"); ok {
			kb, err := strconv.ParseFloat(strings.TrimSuffix(strings.TrimSpace(value), " kB"), 64)
			if err != nil {
				b.Fatal(err)
			}
			return kb / 1024
		}
	}
	return 0
}
