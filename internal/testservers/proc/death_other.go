//go:build !linux

package proc

import (
	"os/exec"
	"syscall"
)

// dieWithParent does nothing here: only Linux has such a signal.
func dieWithParent(*exec.Cmd, syscall.Signal) {}
