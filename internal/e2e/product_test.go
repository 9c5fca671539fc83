package e2e

import (
	"bufio"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// product is the binary, serving a data directory of its own.
type product struct {
	url, setUp string
	dir        string
}

// build makes the binary from the source that is tested.
func build(t *testing.T) string {
	t.Helper()
	bin := filepath.Join(t.TempDir(), "regrant")
	cmd := exec.CommandContext(t.Context(), "go", "build", "-tags=duckdb_arrow", "-o", bin, "../../cmd/regrant")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("building regrant: %v\n%s", err, out)
	}
	return bin
}

// serve starts the product and waits for the set-up link that it prints.
func serve(t *testing.T, bin string) product {
	t.Helper()
	p := product{dir: t.TempDir()}
	config := filepath.Join(p.dir, "regrant.toml")
	if err := os.WriteFile(config, []byte("[network]\nallow = [\"127.0.0.0/8\"]\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	cmd := exec.CommandContext(ctx, bin, "serve", "--data", filepath.Join(p.dir, "data"), "--config", config, "--listen", "127.0.0.1:0")
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = 20 * time.Second
	cmd.Stderr = t.Output()
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cancel(); _ = cmd.Wait() })
	lines := make(chan string)
	go func() {
		defer close(lines)
		for s := bufio.NewScanner(out); s.Scan(); {
			select {
			case lines <- s.Text():
			case <-ctx.Done():
			}
		}
	}()
	late := time.After(60 * time.Second)
	for p.setUp == "" {
		select {
		case line, open := <-lines:
			if !open {
				t.Fatal("regrant ended while it started")
			}
			p.read(line)
		case <-late:
			t.Fatal("regrant printed no set-up link within 60 s")
		}
	}
	return p
}

func (p *product) read(line string) {
	if _, at, ok := strings.Cut(line, "Regrant is at "); ok {
		p.url = strings.TrimSpace(at)
	}
	if n := strings.Index(line, "http"); n >= 0 && strings.Contains(line, "/set-up?token=") {
		p.setUp = strings.TrimSpace(line[n:])
	}
}
