package app

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
)

// errInUse means that another process works on the data directory.
var errInUse = errors.New("the data directory is in use by another Regrant")

// lock keeps a data directory for one process. The kernel gives it up when
// the process ends, however it ends.
type lock struct {
	dir  string
	file *os.File
}

func acquire(dir string) (*lock, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("making the data directory: %w", err)
	}
	file, err := os.OpenFile(filepath.Join(dir, "lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("locking the data directory: %w", err)
	}
	err = syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if errors.Is(err, syscall.EWOULDBLOCK) {
		_ = file.Close()
		return nil, fmt.Errorf("%s: %w; stop it, or name another directory with --data", dir, errInUse)
	}
	if err != nil {
		_ = file.Close()
		return nil, fmt.Errorf("locking the data directory: %w", err)
	}
	return &lock{dir, file}, nil
}

// announce tells the command line of this machine where the server is.
func (l *lock) announce(url string) error {
	text, err := json.Marshal(map[string]any{"url": url, "pid": os.Getpid()})
	if err != nil {
		return err
	}
	path := filepath.Join(l.dir, "server.json")
	if err := os.WriteFile(path+".new", text, 0o600); err != nil {
		return err
	}
	return os.Rename(path+".new", path)
}

func (l *lock) release() {
	_ = os.Remove(filepath.Join(l.dir, "server.json"))
	_ = l.file.Close() // gives up the lock
}
