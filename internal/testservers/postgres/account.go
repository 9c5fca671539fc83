package postgres

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

// account is the user of the machine that a server runs as. PostgreSQL
// refuses root; everybody else runs it as themselves.
type account struct {
	uid, gid int
	switched bool // this program is root and must switch
}

func serverAccount() (*account, error) {
	if os.Geteuid() != 0 {
		return &account{uid: os.Geteuid(), gid: os.Getegid()}, nil
	}
	for _, name := range []string{"postgres", "nobody"} {
		u, err := user.Lookup(name)
		if err != nil {
			continue
		}
		uid, err1 := strconv.Atoi(u.Uid)
		gid, err2 := strconv.Atoi(u.Gid)
		if err1 == nil && err2 == nil {
			return &account{uid: uid, gid: gid, switched: true}, nil
		}
	}
	return nil, fmt.Errorf("this program is root and the machine has neither a user postgres nor nobody to run PostgreSQL as")
}

// apply makes cmd run as the account.
func (a *account) apply(cmd *exec.Cmd) {
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

// own gives a file or a tree to the account.
func (a *account) own(path string) error {
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
