package warehousetest

import (
	"bufio"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/regrant/regrant/connector"
	"github.com/regrant/regrant/internal/warehouse"
)

// childEnv holds the path for a process that is going to be killed.
const childEnv = "REGRANT_WAREHOUSETEST_CHILD"

func crashTests() []test {
	return []test{{"killed in the middle of commits", testKilled}}
}

// testKilled lets another process commit as fast as it can, kills it at a
// random moment, and looks whether rows and position are of the same commit.
// REGRANT_CRASH_ROUNDS says how often.
func testKilled(b *bundle) {
	if err := b.w.Close(); err != nil {
		b.t.Fatal(err)
	}
	path := filepath.Join(b.t.TempDir(), "killed")
	rounds, err := strconv.Atoi(os.Getenv("REGRANT_CRASH_ROUNDS"))
	if err != nil {
		rounds = 5
	}
	for range rounds {
		killOne(b, path)
		b.w = b.open(b.t, path)
		b.wantWhole()
		if err := b.w.Close(); err != nil {
			b.t.Fatal(err)
		}
		if b.t.Failed() {
			return
		}
	}
}

func killOne(b *bundle, path string) {
	b.t.Helper()
	top, _, _ := strings.Cut(b.t.Name(), "/")
	self, err := os.Executable()
	if err != nil {
		b.t.Fatal(err)
	}
	cmd := exec.CommandContext(b.t.Context(), self, "-test.run=^"+top+"$")
	cmd.Env = append(os.Environ(), childEnv+"="+path)
	out, err := cmd.StdoutPipe()
	if err != nil {
		b.t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		b.t.Fatal(err)
	}
	lines := bufio.NewScanner(out)
	for lines.Scan() && lines.Text() != childReady {
	}
	if lines.Text() != childReady {
		b.t.Error("the child process ended before it committed anything")
	}
	// The moment is random on purpose: there is nothing to wait for.
	time.Sleep(time.Duration(rand.IntN(60_000)) * time.Microsecond)
	_ = cmd.Process.Kill()
	_, _ = io.Copy(io.Discard, out)
	_ = cmd.Wait()
}

const childReady = "the first commit is done"

// child commits for ever, in small and large steps, to two tables.
func child(t *testing.T, w warehouse.Warehouse) {
	ctx := t.Context()
	for first := true; ; first = false {
		for _, name := range []string{"small", "large"} {
			tb := killedTable(name)
			s, err := w.Describe(ctx, tb.name)
			if err != nil {
				t.Fatal(err)
			}
			done, _ := strconv.Atoi(string(s.Position))
			if err := commitKilled(t, w, tb, done); err != nil {
				t.Fatal(err)
			}
		}
		if first {
			fmt.Println(childReady)
		}
	}
}

func killedTable(name string) table {
	tb := items()
	tb.name.Table = name
	return tb
}

func killedRows(tb table) int {
	if tb.name.Table == "large" {
		return 20_000
	}
	return 10
}

// commitKilled overwrites the older half of what the last commit wrote and
// adds as much; every third commit builds the small table anew.
func commitKilled(t *testing.T, w warehouse.Warehouse, tb table, done int) error {
	ctx := t.Context()
	n := killedRows(tb)
	spec := tb.spec()
	from := max(done-1, 0) * n / 2
	if spec.Name.Table == "small" && done%3 == 2 {
		spec.Replace, from, n = true, 0, done*n/2+n
	}
	l, err := w.Load(ctx, spec)
	if err != nil {
		return err
	}
	if err := l.Write(ctx, numbers(tb, from, n, fmt.Sprint("commit ", done+1))); err != nil {
		return err
	}
	if _, err := l.Finish(ctx, connector.Position(strconv.Itoa(done+1))); err != nil {
		return err
	}
	return l.Close()
}

// wantWhole checks that no row is doubled and that the newest rows are of the
// commit that the position tells of.
func (b *bundle) wantWhole() {
	b.t.Helper()
	for _, name := range []string{"small", "large"} {
		tb := killedTable(name)
		s := b.describe(tb.name)
		if !s.Exists {
			b.t.Errorf("the table %s is gone", name)
			continue
		}
		r := b.query("select count(*), count(distinct id), max(id) + 1, max(split_part(name, ' ', 2)::int) from " + sqlName(tb.name))
		done, err := strconv.Atoi(string(s.Position))
		if err != nil {
			b.t.Errorf("the position of %s is %q", name, s.Position)
			continue
		}
		rows := killedTotal(tb, done)
		b.want(r, fmt.Sprintf("%d|%d|%d|%d", rows, rows, rows, done))
	}
}

// killedTotal is how many rows the commits have made.
func killedTotal(tb table, commits int) int {
	total := 0
	for done := range commits {
		n := killedRows(tb)
		end := max(done-1, 0)*n/2 + n
		if tb.name.Table == "small" && done%3 == 2 {
			total = done*n/2 + n
			continue
		}
		total = max(total, end)
	}
	return total
}
