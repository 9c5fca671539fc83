//go:build !linux

package mongo

import (
	"os/exec"
	"syscall"
)

// disguise does nothing here: the packages are Debian's.
func disguise(cmd *exec.Cmd) { cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} }
