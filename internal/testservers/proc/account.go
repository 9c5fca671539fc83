package proc

import (
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"syscall"
)

// Account is the user of the machine that a server runs as. Database servers
// refuse root; everybody else runs them as themselves.
type Account struct {
	uid, gid int
	switched bool // this program is root and must switch
}

// Unprivileged is the current user or, for root, the first of names that the
// machine knows, else nobody.
func Unprivileged(names ...string) (*Account, error) {
	if os.Geteuid() != 0 {
		return &Account{uid: os.Geteuid(), gid: os.Getegid()}, nil
	}
	for _, name := range append(names, "nobody") {
		u, err := user.Lookup(name)
		if err != nil {
			continue
		}
		uid, err1 := strconv.Atoi(u.Uid)
		gid, err2 := strconv.Atoi(u.Gid)
		if err1 == nil && err2 == nil {
			return &Account{uid: uid, gid: gid, switched: true}, nil
		}
	}
	return nil, fmt.Errorf("this program is root and the machine has no user %v or nobody to run a server as", names)
}

// Apply makes cmd run as the account.
func (a *Account) Apply(cmd *exec.Cmd) {
	if cmd.SysProcAttr == nil {
		cmd.SysProcAttr = &syscall.SysProcAttr{}
	}
	// A group of its own keeps a Ctrl-C in the terminal from ending the server
	// behind the back of the test that is about to use it.
	cmd.SysProcAttr.Setpgid = true
	if a.switched {
		cmd.SysProcAttr.Credential = &syscall.Credential{Uid: uint32(a.uid), Gid: uint32(a.gid)}
	}
}

// Own gives a file or a tree to the account.
func (a *Account) Own(path string) error {
	if !a.switched {
		return nil
	}
	return filepath.WalkDir(path, func(p string, _ fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		return os.Lchown(p, a.uid, a.gid)
	})
}
