package postgres

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"

	"github.com/regrant/regrant/internal/testservers/proc"
)

const (
	signalFast      = syscall.SIGINT
	signalImmediate = syscall.SIGQUIT
	signalReload    = syscall.SIGHUP
)

func (s *Server) spawn() (*proc.Process, error) {
	log, err := os.OpenFile(filepath.Join(s.dir, "log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, fmt.Errorf("open the server's log: %w", err)
	}
	defer log.Close()
	cmd := exec.Command(filepath.Join(s.bin, "postgres"), "-D", s.data())
	cmd.Stdout, cmd.Stderr, cmd.Dir = log, log, s.dir
	s.user.Apply(cmd)
	return proc.Start(cmd, signalImmediate)
}
