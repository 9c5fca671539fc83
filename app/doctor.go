package app

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"

	"github.com/regrant/regrant/client"
)

// lowSpace is when the doctor warns of a disk that fills up.
const lowSpace = 1 << 30

// doctor looks at everything that is ours: what it finds, no customer has to
// act on.
func (p *product) doctor(ctx context.Context) []client.DoctorCheck {
	checks := []client.DoctorCheck{
		ask("state", "The state database answers.", "Look at the disk and the permissions of "+p.settings.Data+".", p.db.Store().Ping(ctx)),
		ask("warehouse", "The warehouse can be written to.", "Look at the disk and the permissions of "+p.settings.Data+".", p.warehouse.Check(ctx)),
		ask("master key", "Every sealed credential can be opened.", "Restore the master key that belongs to this data directory.", p.vault.Verify(ctx)),
		p.permissions(),
		p.space(),
	}
	return append(checks, p.reach(ctx)...)
}

func ask(name, good, remedy string, err error) client.DoctorCheck {
	if err != nil {
		return client.DoctorCheck{Name: name, Text: err.Error(), Remedy: remedy}
	}
	return client.DoctorCheck{Name: name, OK: true, Text: good}
}

func (p *product) permissions() client.DoctorCheck {
	info, err := os.Stat(p.settings.Data)
	if err == nil && info.Mode().Perm()&0o077 != 0 {
		err = fmt.Errorf("other users of this machine can look into %s (mode %04o)", p.settings.Data, info.Mode().Perm())
	}
	return ask("permissions", "Nobody else can look into the data directory.", "chmod 700 "+p.settings.Data, err)
}

func (p *product) space() client.DoctorCheck {
	var fs unix.Statfs_t
	err := unix.Statfs(p.settings.Data, &fs)
	free := fs.Bavail * uint64(fs.Bsize) //nolint:gosec // a block size is positive
	if err == nil && free < lowSpace {
		err = fmt.Errorf("%d MiB are free beside the warehouse", free>>20)
	}
	return ask("disk", fmt.Sprintf("%d MiB are free beside the warehouse.", free>>20), "Make room on the disk of "+filepath.Clean(p.settings.Data)+".", err)
}

// reach tries the operator's control addresses.
func (p *product) reach(ctx context.Context) []client.DoctorCheck {
	checks := make([]client.DoctorCheck, 0, len(p.settings.Controls))
	for _, address := range p.settings.Controls {
		conn, err := p.dial(ctx, "tcp", address)
		if err == nil {
			_ = conn.Close()
		}
		checks = append(checks, ask("network: "+address, "It can be reached.", "Look at this machine's network, DNS and firewall.", err))
	}
	return checks
}
