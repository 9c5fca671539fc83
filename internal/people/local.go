package people

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// LocalTokenFile is the file in the data directory that holds the token of
// the command line. Whoever can read the directory could read everything
// else there, too; so the token may do everything.
const LocalTokenFile = "local.token"

// LocalToken reads the token from the data directory, or makes one.
func LocalToken(dir string) (string, error) {
	path := filepath.Join(dir, LocalTokenFile)
	token, err := readLocal(path)
	if !errors.Is(err, fs.ErrNotExist) {
		return token, err
	}
	token = newToken(TokenPrefix)
	err = place(path, token+"\n")
	if errors.Is(err, fs.ErrExist) { // made by somebody else just now
		return readLocal(path)
	}
	if err != nil {
		return "", fmt.Errorf("make the local token: %w", err)
	}
	return token, nil
}

// place makes a file with its whole content, or none: a process that is
// killed meanwhile leaves nothing that the next one stumbles over.
func place(path, text string) error {
	f, err := os.CreateTemp(filepath.Dir(path), "."+LocalTokenFile+"-*") // mode 0600
	if err != nil {
		return err
	}
	defer func() { _ = os.Remove(f.Name()) }()
	_, err = f.WriteString(text)
	if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	return os.Link(f.Name(), path)
}

func readLocal(path string) (string, error) {
	info, err := os.Stat(path)
	if err != nil {
		return "", fmt.Errorf("read the local token: %w", err)
	}
	if info.Mode().Perm()&0o077 != 0 {
		return "", fmt.Errorf("%s can be read by others: run chmod 600 on it, or delete it and start again", path)
	}
	if info.Size() > 256 {
		return "", fmt.Errorf("%s does not hold a token: delete it and start again", path)
	}
	b, err := os.ReadFile(path)
	if err != nil {
		return "", fmt.Errorf("read the local token: %w", err)
	}
	token := strings.TrimSpace(string(b))
	if len(token) < 32 {
		return "", fmt.Errorf("%s does not hold a token: delete it and start again", path)
	}
	return token, nil
}
