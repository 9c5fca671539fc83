package postgres

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"syscall"
)

const (
	signalFast      = syscall.SIGINT
	signalImmediate = syscall.SIGQUIT
	signalReload    = syscall.SIGHUP
)

// process is one postmaster that this program has started.
type process struct {
	cmd  *exec.Cmd
	done chan struct{} // closed when it has ended and was waited for
}

func (s *Server) spawn() (*process, error) {
	log, err := os.OpenFile(filepath.Join(s.dir, "log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, fmt.Errorf("open the server's log: %w", err)
	}
	defer log.Close()
	cmd := exec.Command(filepath.Join(s.bin, "postgres"), "-D", s.data())
	cmd.Stdout, cmd.Stderr, cmd.Dir = log, log, s.dir
	s.user.apply(cmd)
	dieWithParent(cmd, signalImmediate)
	return startLocked(cmd)
}

// startLocked starts cmd and waits for it on one locked thread: the kernel
// ties "die with the parent" to the thread that forked, and an unlocked thread
// may end long before the program does.
func startLocked(cmd *exec.Cmd) (*process, error) {
	p := &process{cmd: cmd, done: make(chan struct{})}
	started := make(chan error, 1)
	go func() {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := cmd.Start()
		started <- err
		if err == nil {
			_ = cmd.Wait() // the log says more than the exit status
		}
		close(p.done)
	}()
	if err := <-started; err != nil {
		return nil, fmt.Errorf("start PostgreSQL: %w", err)
	}
	return p, nil
}

func (p *process) signal(sig os.Signal) error { return p.cmd.Process.Signal(sig) }

func (p *process) ended() bool {
	select {
	case <-p.done:
		return true
	default:
		return false
	}
}

// kill is the last resort, for a server that does not obey.
func (p *process) kill() {
	_ = p.cmd.Process.Signal(signalImmediate)
	_ = p.cmd.Process.Kill()
	<-p.done
}
