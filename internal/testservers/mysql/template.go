package mysql

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"

	"github.com/regrant/regrant/internal/testservers/proc"
)

// template gives a fresh data directory, made once per user of the machine and
// version: initializing takes seconds, a copy takes a moment.
func (s *Server) template(ctx context.Context) (string, error) {
	if s.bin.ready != "" {
		return s.bin.ready, nil
	}
	root, err := templateRoot()
	if err != nil {
		return "", err
	}
	unlock, err := lock(filepath.Join(root, "lock"))
	if err != nil {
		return "", err
	}
	defer unlock()
	final := filepath.Join(root, s.templateName())
	if exists(final) {
		return final, nil
	}
	return final, s.initialize(ctx, final)
}

func (s *Server) templateName() string {
	stamp := ""
	if info, err := os.Stat(s.bin.stamp); err == nil {
		stamp = info.ModTime().String()
	}
	sum := sha256.Sum256(fmt.Append(nil, s.bin.server, stamp))
	return fmt.Sprintf("%s-%x", s.bin.flavour, sum[:6])
}

// templateRoot is private to the user: its content is run as a server.
func templateRoot() (string, error) {
	root := filepath.Join(os.TempDir(), fmt.Sprintf("regrant-testservers-mysql-%d", os.Geteuid()))
	if err := os.Mkdir(root, 0o755); err != nil && !errors.Is(err, fs.ErrExist) {
		return "", fmt.Errorf("make the cache of test servers: %w", err)
	}
	info, err := os.Lstat(root)
	if err != nil {
		return "", fmt.Errorf("look at the cache of test servers: %w", err)
	}
	if st, ok := info.Sys().(*syscall.Stat_t); !info.IsDir() || ok && int(st.Uid) != os.Geteuid() {
		return "", fmt.Errorf("%s is not a directory of this user: remove it", root)
	}
	return root, nil
}

// initialize works beside the final name and renames, so that a killed attempt
// leaves no half template.
func (s *Server) initialize(ctx context.Context, final string) error {
	work, err := os.MkdirTemp(filepath.Dir(final), "making-")
	if err != nil {
		return fmt.Errorf("make a data directory: %w", err)
	}
	defer os.RemoveAll(work)
	data := filepath.Join(work, "data")
	if err := os.Mkdir(data, 0o755); err != nil {
		return fmt.Errorf("make a data directory: %w", err)
	}
	if err := s.own(work); err != nil {
		return fmt.Errorf("make a data directory: %w", err)
	}
	cmd := s.initCommand(ctx, data)
	cmd.Dir = work
	s.apply(cmd)
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("initialize %s: %w: %s", s.bin.flavour, err, proc.Tail(string(out)))
	}
	return os.Rename(data, final)
}

func (s *Server) initCommand(ctx context.Context, data string) *exec.Cmd {
	if s.bin.flavour == MariaDB {
		args := []string{"--no-defaults", "--datadir=" + data, "--auth-root-authentication-method=normal", "--skip-test-db"}
		if s.bin.asRoot {
			args = append(args, "--user=root")
		}
		return exec.CommandContext(ctx, s.bin.install, args...)
	}
	args := append(s.bin.server[1:len(s.bin.server):len(s.bin.server)], "--no-defaults")
	args = append(append(args, s.bin.base...), "--datadir="+data, "--innodb-use-native-aio=0", "--initialize-insecure")
	if s.bin.asRoot {
		args = append(args, "--user=root")
	}
	return exec.CommandContext(ctx, s.bin.server[0], args...)
}

// lock waits for the only process that may look at or make the template.
func lock(path string) (unlock func(), err error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("lock the cache of test servers: %w", err)
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX); err != nil {
		_ = f.Close()
		return nil, fmt.Errorf("lock the cache of test servers: %w", err)
	}
	return func() { _ = f.Close() }, nil
}

// copyTree copies with modes and owners. cp does it faster than a walk here.
func copyTree(ctx context.Context, from, to string) error {
	if out, err := exec.CommandContext(ctx, "cp", "-Rp", "--reflink=auto", "--sparse=always", from, to).CombinedOutput(); err != nil {
		return fmt.Errorf("copy the data directory: %w: %s", err, out)
	}
	return nil
}
