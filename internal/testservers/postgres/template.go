package postgres

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

// templatePassword opens the copied cluster once; each server then gets its own.
const templatePassword = "template"

// initdbArgs are part of the cache key, so that a change makes a new template.
func initdbArgs(data, pwfile string) []string {
	return []string{
		"-D", data, "-U", Superuser, "-A", "scram-sha-256", "--pwfile=" + pwfile,
		"--no-sync", "--no-locale", "-E", "UTF8", "--wal-segsize=1",
	}
}

// template gives the directory of a fresh cluster, made once per user of the
// machine and version: initdb takes seconds, a copy takes a moment.
func template(ctx context.Context, bin string, as *proc.Account) (string, error) {
	root, err := cacheRoot(as)
	if err != nil {
		return "", err
	}
	unlock, err := lock(filepath.Join(root, "lock"))
	if err != nil {
		return "", err
	}
	defer unlock()
	final := filepath.Join(root, templateName(bin))
	if _, err := os.Stat(final); err == nil {
		return final, nil
	}
	return final, initdb(ctx, bin, as, final)
}

func templateName(bin string) string {
	stamp := ""
	if info, err := os.Stat(filepath.Join(bin, "postgres")); err == nil {
		stamp = info.ModTime().String() // an upgrade in place makes a new one
	}
	sum := sha256.Sum256(fmt.Append(nil, bin, stamp, initdbArgs("", "")))
	return fmt.Sprintf("template-%x", sum[:6])
}

// cacheRoot is private to the user: its content is run as a server.
func cacheRoot(as *proc.Account) (string, error) {
	root := filepath.Join(os.TempDir(), fmt.Sprintf("regrant-testservers-%d", os.Geteuid()))
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

// initdb works beside the final name and renames, so that a killed attempt
// leaves no half template.
func initdb(ctx context.Context, bin string, as *proc.Account, final string) error {
	work, err := os.MkdirTemp(filepath.Dir(final), "making-")
	if err != nil {
		return fmt.Errorf("make a cluster template: %w", err)
	}
	defer os.RemoveAll(work)
	pwfile := filepath.Join(work, "pw")
	if err := os.WriteFile(pwfile, []byte(templatePassword+"\n"), 0o600); err != nil {
		return fmt.Errorf("make a cluster template: %w", err)
	}
	if err := as.Own(work); err != nil {
		return fmt.Errorf("make a cluster template: %w", err)
	}
	data := filepath.Join(work, "data")
	cmd := exec.CommandContext(ctx, filepath.Join(bin, "initdb"), initdbArgs(data, pwfile)...)
	cmd.Dir = work
	as.Apply(cmd)
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("initdb: %w: %s", err, proc.Tail(string(out)))
	}
	return os.Rename(data, final)
}

// lock waits for the only process that may look at or make the template.
func lock(path string) (unlock func(), err error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("lock the cache of test servers: %w", err)
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX); err != nil {
		f.Close()
		return nil, fmt.Errorf("lock the cache of test servers: %w", err)
	}
	return func() { f.Close() }, nil
}

// copyTree copies with modes and owners. cp does it faster than a walk here.
func copyTree(ctx context.Context, from, to string) error {
	if out, err := exec.CommandContext(ctx, "cp", "-Rp", from, to).CombinedOutput(); err != nil {
		return fmt.Errorf("copy the cluster template: %w: %s", err, out)
	}
	return nil
}
