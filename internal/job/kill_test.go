package job_test

import (
	"bufio"
	"context"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/regrant/regrant/internal/job"
	"github.com/regrant/regrant/internal/store/sqlite"
)

const childEnv = "JOB_TEST_DATABASE"

// TestMain lets the test binary be the process that is killed.
func TestMain(m *testing.M) {
	if path := os.Getenv(childEnv); path != "" {
		if err := child(path); err != nil {
			slog.Error("child", "error", err)
		}
		os.Exit(1) // it was to be killed
	}
	os.Exit(m.Run())
}

// child begins a job, says so, and never ends it.
func child(path string) error {
	ctx := context.Background()
	db, err := sqlite.Open(ctx, path)
	if err != nil {
		return err
	}
	q, err := job.New(job.Config{DB: db.Write})
	if err != nil {
		return err
	}
	err = job.Handle(q, func(context.Context, note) error {
		_, _ = os.Stdout.WriteString("begun\n")
		select {}
	})
	if err != nil {
		return err
	}
	if err := q.Enqueue(ctx, note{"survivor"}, job.Options{Unique: true}); err != nil {
		return err
	}
	if err := q.Start(ctx); err != nil {
		return err
	}
	select {}
}

func TestJobOfAKilledProcessRunsAgain(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "state.db")
	for range 3 { // being killed again and again is not counted as failing
		beginAndKill(t, path)
	}
	q := newQueue(t, open(t, path))
	done := notes(t, q)
	began := time.Now()
	ok(t, q.Start(t.Context()))
	if got := next(t, done); got != "survivor" {
		t.Errorf("got %q", got)
	}
	took := time.Since(began)
	t.Logf("it ran again %s after the start", took)
	if took > 5*time.Second {
		t.Errorf("it ran again only %s after the start", took)
	}
}

func beginAndKill(t *testing.T, path string) {
	t.Helper()
	self, err := os.Executable()
	ok(t, err)
	cmd := exec.CommandContext(t.Context(), self)
	cmd.Env = append(os.Environ(), childEnv+"="+path)
	cmd.Stderr = t.Output()
	out, err := cmd.StdoutPipe()
	ok(t, err)
	ok(t, cmd.Start())
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil || line != "begun\n" {
		t.Errorf("the child said %q, %v", line, err)
	}
	ok(t, cmd.Process.Kill())
	_ = cmd.Wait() // killed
}
