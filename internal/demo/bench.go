package demo

import (
	"context"
	_ "embed"
	"fmt"
	"io"
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/regrant/regrant/client"
	"github.com/regrant/regrant/internal/testservers/postgres"
)

//go:embed bench.sql
var benchSQL string

// The sizes of the benchmark's tables.
const (
	wideRows = 1_000_000
	manyRows = 5_000_000
	changes  = 1_000
	rounds   = 5
)

// Bench measures the first pull against its floor (the same table copied out
// and thrown away), an incremental pull at two sizes, and memory. Everything
// is measured in one run: read the ratios, machines are noisy.
func Bench(ctx context.Context, c Config) error {
	s, err := setUpBench(ctx, c)
	if err != nil {
		return err
	}
	defer s.tearDown()
	if err := s.benchStart(ctx); err != nil {
		return err
	}
	idle := s.memory("VmRSS")
	s.say("idle: %d MB resident (at most 100)", idle)
	in, err := s.benchFirst(ctx)
	if err != nil {
		return err
	}
	peak := s.memory("VmHWM")
	if err := s.report(ctx, in); err != nil {
		return err
	}
	s.say("memory of the pull: peak %d MB, %d MB over idle (target 200, at most 300)", peak, peak-idle)
	return s.benchIncremental(ctx)
}

func setUpBench(ctx context.Context, c Config) (s *stage, err error) {
	s = &stage{password: firstPassword, out: c.Out}
	defer func() {
		if err != nil {
			s.tearDown()
		}
	}()
	if s.dir, err = os.MkdirTemp("", "regrant-bench-"); err != nil {
		return s, err
	}
	s.say("Filling %d orders of 30 columns and %d order items …", wideRows, manyRows)
	pg, err := postgres.Launch(ctx, postgres.Config{Settings: map[string]string{"shared_buffers": "1GB", "max_wal_size": "4GB"}})
	if err != nil {
		return s, err
	}
	shop := postgresShop{pg}
	s.shop = shop
	if err = pg.ExecIn(ctx, "postgres", "CREATE DATABASE "+database); err != nil {
		return s, err
	}
	fill := strings.NewReplacer("{{wide}}", strconv.Itoa(wideRows), "{{items}}", strconv.Itoa(manyRows))
	if err = shop.run(ctx, fill.Replace(benchSQL)); err != nil {
		return s, err
	}
	if err = shop.run(ctx, "VACUUM ANALYZE orders_wide", "CHECKPOINT"); err != nil {
		return s, err
	}
	if err = shop.grant(ctx, s.password); err != nil {
		return s, err
	}
	if s.product, err = newProduct(c.Bin, s.dir, ""); err != nil {
		return s, err
	}
	return s, s.product.start(ctx, "127.0.0.1:0")
}

// benchStart stops the product and measures until its first page is there.
func (s *stage) benchStart(ctx context.Context) error {
	s.product.stop()
	began := time.Now()
	if err := s.product.start(ctx, "127.0.0.1:0"); err != nil {
		return err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, s.product.url+"/sign-in", nil)
	if err != nil {
		return err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	defer func() { _ = response.Body.Close() }()
	if _, err := io.Copy(io.Discard, response.Body); err != nil || response.StatusCode != http.StatusOK {
		return fmt.Errorf("the first page: status %d, error %w", response.StatusCode, err)
	}
	s.say("first page: %.2f s after the start (at most 1.00)", time.Since(began).Seconds())
	return nil
}

// benchFirst connects without a tunnel and waits for the first pull.
func (s *stage) benchFirst(ctx context.Context) (client.Integration, error) {
	err := s.product.must(ctx, map[string]string{"password": s.password}, "add", "postgresql", "--name", "Shop",
		"--set", "host=127.0.0.1", "--set", "port="+strconv.Itoa(s.shop.port()), "--set", "database="+database, "--set", "user="+role, "--set", "tls_mode=prefer")
	if err != nil {
		return client.Integration{}, err
	}
	return s.pulled(ctx, "")
}

// report prints floor, ours and ratio for each big table.
func (s *stage) report(ctx context.Context, in client.Integration) error {
	for _, table := range []string{"orders_wide", "items"} {
		n := slices.IndexFunc(in.LastPull.Tables, func(t client.TableResult) bool { return t.Table == "public."+table })
		if n < 0 {
			return fmt.Errorf("%s was not pulled", table)
		}
		ours := in.LastPull.Tables[n]
		floor, err := s.floor(ctx, table)
		if err != nil {
			return err
		}
		took := time.Duration(ours.Seconds * float64(time.Second))
		s.say("%-12s %8d rows   floor %6.2f s (%8.0f rows/s)   ours %6.2f s (%8.0f rows/s)   ratio %.2f (goal 0.70, at least 0.50)", table, ours.Rows,
			floor.Seconds(), float64(ours.Rows)/floor.Seconds(), took.Seconds(), float64(ours.Rows)/took.Seconds(), floor.Seconds()/took.Seconds())
	}
	return nil
}

// floor is the median time of copying a table out and throwing it away.
func (s *stage) floor(ctx context.Context, table string) (time.Duration, error) {
	conn, err := pgconn.Connect(ctx, s.shop.(postgresShop).DSN(postgres.Superuser, database))
	if err != nil {
		return 0, err
	}
	defer func() { _ = conn.Close(ctx) }()
	var times []time.Duration
	for range 3 {
		began := time.Now()
		if _, err := conn.CopyTo(ctx, io.Discard, "COPY "+table+" TO STDOUT (FORMAT binary)"); err != nil {
			return 0, err
		}
		times = append(times, time.Since(began))
	}
	slices.Sort(times)
	return times[1], nil
}

// benchIncremental pulls a thousand changed rows of a small and of a large
// table, in turn, and compares the medians.
func (s *stage) benchIncremental(ctx context.Context) error {
	times := map[string][]float64{}
	for round := range rounds {
		for _, table := range []string{"few_items", "items"} {
			update := fmt.Sprintf("UPDATE %s SET quantity = quantity + 1, updated_at = clock_timestamp() WHERE id IN (SELECT (i * 97 + %d) %% 100000 + 1 FROM generate_series(1, %d) i)", table, round, changes)
			if err := s.shop.(postgresShop).run(ctx, update); err != nil {
				return err
			}
		}
		time.Sleep(2500 * time.Millisecond) // rows of the last two seconds are left to the next pull
		last := s.lastPull(ctx)
		if _, err := s.product.api.Update(ctx, slug); err != nil {
			return err
		}
		in, err := s.pulled(ctx, last)
		if err != nil {
			return err
		}
		for _, t := range in.LastPull.Tables {
			name := strings.TrimPrefix(t.Table, "public.")
			if (name == "few_items" || name == "items") && t.Rows < changes {
				return fmt.Errorf("%s: %d rows were read, want %d", name, t.Rows, changes)
			}
			times[name] = append(times[name], t.Seconds)
		}
	}
	few, many := median(times["few_items"]), median(times["items"])
	s.say("1,000 changed rows: of 100,000 in %.3f s, of %d in %.3f s: ratio %.2f (at most 1.30)", few, manyRows, many, many/few)
	return nil
}

func median(all []float64) float64 {
	slices.Sort(all)
	return all[len(all)/2]
}

// memory reads a figure of the product's process, in MB.
func (s *stage) memory(name string) int {
	raw, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", s.product.run.PID()))
	if err != nil {
		return -1
	}
	for line := range strings.Lines(string(raw)) {
		if rest, ok := strings.CutPrefix(line, name+":"); ok {
			kb, _ := strconv.Atoi(strings.Fields(rest)[0])
			return kb / 1024
		}
	}
	return -1
}
