package proc

import (
	"fmt"
	"os/exec"
	"path/filepath"
	"runtime"
	"syscall"
)

// Process is one server that this program has started.
type Process struct {
	cmd  *exec.Cmd
	done chan struct{} // closed when it has ended and was waited for
}

// Start starts cmd, which gets sig when this program is killed. It waits for
// it on one locked thread: the kernel ties "die with the parent" to the thread
// that forked, and an unlocked thread may end long before the program does.
func Start(cmd *exec.Cmd, sig syscall.Signal) (*Process, error) {
	if cmd.SysProcAttr == nil {
		cmd.SysProcAttr = &syscall.SysProcAttr{}
	}
	dieWithParent(cmd, sig)
	p := &Process{cmd: cmd, done: make(chan struct{})}
	started := make(chan error, 1)
	go func() {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := cmd.Start()
		started <- err
		if err == nil {
			_ = cmd.Wait() // the server's log says more than its exit status
		}
		close(p.done)
	}()
	if err := <-started; err != nil {
		return nil, fmt.Errorf("start %s: %w", filepath.Base(cmd.Path), err)
	}
	return p, nil
}

// Done is closed when the process has ended.
func (p *Process) Done() <-chan struct{} { return p.done }

// PID is the process id.
func (p *Process) PID() int { return p.cmd.Process.Pid }

// Signal sends sig to the process.
func (p *Process) Signal(sig syscall.Signal) error { return p.cmd.Process.Signal(sig) }

// Ended says whether the process has ended.
func (p *Process) Ended() bool {
	select {
	case <-p.done:
		return true
	default:
		return false
	}
}

// Kill is the last resort, for a server that does not obey.
func (p *Process) Kill() {
	_ = p.cmd.Process.Kill()
	<-p.done
}
