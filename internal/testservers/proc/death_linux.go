package proc

import (
	"os/exec"
	"syscall"
)

// dieWithParent lets the kernel end the server when this program is killed.
func dieWithParent(cmd *exec.Cmd, sig syscall.Signal) { cmd.SysProcAttr.Pdeathsig = sig }
