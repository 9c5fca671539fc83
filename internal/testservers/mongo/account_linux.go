package mongo

import (
	"os"
	"os/exec"
	"syscall"
)

// disguise lets PostgreSQL run for root, whom it refuses: the packages lie in
// root's home, where no other account could read them. In a user namespace of
// its own the process has another number and the same files.
func disguise(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if os.Geteuid() != 0 {
		return
	}
	const number = 1000
	cmd.SysProcAttr.Cloneflags = syscall.CLONE_NEWUSER
	cmd.SysProcAttr.UidMappings = []syscall.SysProcIDMap{{ContainerID: number, HostID: 0, Size: 1}}
	cmd.SysProcAttr.GidMappings = []syscall.SysProcIDMap{{ContainerID: number, HostID: os.Getegid(), Size: 1}}
}
