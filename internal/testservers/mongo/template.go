package mongo

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

// template gives the directory of a cluster with the extension in it, made
// once: a copy takes a moment.
func (s *Server) template(ctx context.Context) (string, error) {
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
	lock, err := os.OpenFile(filepath.Join(root, "mongo.lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return "", fmt.Errorf("lock the cache of test servers: %w", err)
	}
	defer lock.Close()
	if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX); err != nil {
		return "", fmt.Errorf("lock the cache of test servers: %w", err)
	}
	stamp := ""
	if info, err := os.Stat(s.bin.program("postgres")); err == nil {
		stamp = info.ModTime().String()
	}
	sum := sha256.Sum256([]byte(s.bin.root + stamp + "1"))
	final := filepath.Join(root, fmt.Sprintf("documentdb-%x", sum[:6]))
	if _, err := os.Stat(final); err == nil {
		return final, nil
	}
	return final, s.makeTemplate(ctx, final)
}

// makeTemplate works beside the final name and renames, so that a killed
// attempt leaves no half template.
func (s *Server) makeTemplate(ctx context.Context, final string) error {
	work, err := os.MkdirTemp(filepath.Dir(final), "making-")
	if err != nil {
		return fmt.Errorf("make a cluster template: %w", err)
	}
	defer os.RemoveAll(work)
	data := filepath.Join(work, "data")
	cmd := exec.CommandContext(ctx, s.bin.program("initdb"), "-D", data, "-U", "postgres", "-A", "trust", "--no-locale", "-E", "UTF8", "--no-sync", "--wal-segsize=1")
	disguise(cmd)
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("initdb: %w: %s", err, proc.Tail(string(out)))
	}
	maker := &Server{bin: s.bin, dir: work}
	if maker.pgPort, err = proc.FreePort(); err != nil {
		return err
	}
	if err := maker.startPostgres(ctx); err != nil {
		return err
	}
	defer maker.stop(&maker.postgres)
	if err := maker.ask(ctx, "CREATE EXTENSION documentdb CASCADE"); err != nil {
		return err
	}
	maker.stop(&maker.postgres)
	return os.Rename(data, final)
}
