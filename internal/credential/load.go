package credential

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/regrant/regrant/connector"
)

// MasterFile is the file in the data directory that holds the master key
// when the environment names none.
const MasterFile = "master.key"

// The environment variables that name the master key.
const (
	EnvMaster     = "REGRANT_MASTER_KEY"
	EnvMasterFile = "REGRANT_MASTER_KEY_FILE"
)

// LoadMaster finds the master key: in the environment, in the file that the
// environment names, or in the data directory, where the first start makes
// it. A file that others can read is refused. path is the file it came from;
// empty when it came from the environment.
func LoadMaster(dir string, getenv func(string) string) (m *Master, path string, err error) {
	value, named := getenv(EnvMaster), getenv(EnvMasterFile)
	switch {
	case value != "" && named != "":
		return nil, "", fmt.Errorf("load the master key: both %s and %s are set; keep one of them", EnvMaster, EnvMasterFile)
	case value != "":
		m, err := ParseMaster(connector.NewSecret(value))
		if err != nil {
			return nil, "", fmt.Errorf("load the master key from %s: %w", EnvMaster, err)
		}
		return m, "", nil
	case named != "":
		m, err := readMaster(named)
		return m, named, err
	}
	path = filepath.Join(dir, MasterFile)
	m, err = readMaster(path)
	if errors.Is(err, fs.ErrNotExist) {
		m, err = createMaster(path)
	}
	return m, path, err
}

func readMaster(path string) (*Master, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, fmt.Errorf("load the master key: %w", err)
	}
	if info.Mode().Perm()&0o077 != 0 {
		return nil, fmt.Errorf("load the master key: %s can be read by others; run chmod 600 on it", path)
	}
	if info.Size() > 16<<10 {
		return nil, fmt.Errorf("load the master key: %s is too long to be one", path)
	}
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("load the master key: %w", err)
	}
	m, err := ParseMaster(connector.NewSecret(string(b)))
	if err != nil {
		return nil, fmt.Errorf("load the master key from %s: %w", path, err)
	}
	return m, nil
}

func createMaster(path string) (*Master, error) {
	m, err := newMaster([]connector.Secret{NewMasterKey()})
	if err != nil {
		return nil, fmt.Errorf("make the master key: %w", err)
	}
	if err := write(path, m.text()); err != nil {
		return nil, fmt.Errorf("make the master key: %w", err)
	}
	return m, nil
}

// write replaces a file as a whole and returns when it is on the disk: after
// a crash there is the old one or the new one.
func write(path, text string) error {
	f, err := os.CreateTemp(filepath.Dir(path), ".master-*") // mode 0600
	if err != nil {
		return err
	}
	defer func() { _ = os.Remove(f.Name()) }() // gone already when all went well
	_, err = f.WriteString(text)
	if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	if err := os.Rename(f.Name(), path); err != nil {
		return err
	}
	return syncDir(filepath.Dir(path))
}

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
