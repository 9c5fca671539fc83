package credential_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/regrant/regrant/internal/credential"
	"github.com/regrant/regrant/internal/integration"
	"github.com/regrant/regrant/internal/store/sqlite"
)

const childEnv = "CREDENTIAL_TEST_DIR"

// TestMain lets the test binary be the process that is killed.
func TestMain(m *testing.M) {
	if dir := os.Getenv(childEnv); dir != "" {
		slog.Error("child", "error", child(context.Background(), dir))
		os.Exit(1) // it was to be killed
	}
	os.Exit(m.Run())
}

// child seals without end and says after each version that it is sealed.
func child(ctx context.Context, dir string) error {
	db, err := sqlite.Open(ctx, filepath.Join(dir, "state.db"))
	if err != nil {
		return err
	}
	master, _, err := credential.LoadMaster(dir, os.Getenv)
	if err != nil {
		return err
	}
	vault := credential.New(db.Store(), master)
	if err := vault.Verify(ctx); err != nil {
		return err
	}
	for n := 0; ; n++ {
		v, err := vault.Seal(ctx, "a", secrets("one"))
		if err != nil {
			return err
		}
		fmt.Println("sealed", v)
		if n%5 == 4 { // the older of two, as a swap does
			fmt.Println("destroying", v-1)
			if err := vault.Destroy(ctx, "a", v-1); err != nil {
				return err
			}
			fmt.Println("destroyed", v-1)
		}
	}
}

// TestKilledProcessLosesNoCredential kills a sealing process at random
// moments: whatever it said to be sealed opens, whatever it said to be
// destroyed is gone.
func TestKilledProcessLosesNoCredential(t *testing.T) {
	t.Parallel()
	b := setup(t)
	last := make(map[int64]string) // what was said last of a version
	for range 8 {
		sealUntilKilled(t, b.dir, last)
	}
	for v, said := range last {
		_, err := b.Open(t.Context(), "a", v, "ada", "test")
		if said == "sealed" && err != nil || said == "destroyed" && !errors.Is(err, integration.ErrNotFound) {
			t.Errorf("version %d was %s: %v", v, said, err)
		}
	}
	if err := b.db.Check(t.Context()); err != nil {
		t.Error(err)
	}
	t.Logf("%d versions were sealed", len(last))
}

func sealUntilKilled(t *testing.T, dir string, last map[int64]string) {
	t.Helper()
	self, err := os.Executable()
	ok(t, err)
	cmd := exec.CommandContext(t.Context(), self)
	cmd.Env = append(os.Environ(), childEnv+"="+dir)
	cmd.Stderr = t.Output()
	out, err := cmd.StdoutPipe()
	ok(t, err)
	ok(t, cmd.Start())
	lines := bufio.NewScanner(out)
	for first := true; lines.Scan(); first = false {
		if first {
			time.AfterFunc(rand.N(50*time.Millisecond), func() { _ = cmd.Process.Kill() })
		}
		var what string
		var v int64
		if _, err := fmt.Sscan(lines.Text(), &what, &v); err == nil {
			last[v] = what
		}
	}
	_ = cmd.Wait() // killed
}
