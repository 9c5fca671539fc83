package postgres

import (
	"cmp"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
)

// BinDirEnv names the environment variable that points to the binaries of
// another version.
const BinDirEnv = "REGRANT_POSTGRES_BIN"

// binDir finds the directory with initdb and postgres.
func binDir(wanted string) (string, error) {
	for _, dir := range candidates(wanted) {
		if executable(filepath.Join(dir, "postgres")) && executable(filepath.Join(dir, "initdb")) {
			return dir, nil
		}
	}
	if wanted != "" {
		return "", fmt.Errorf("%w in %s", ErrMissing, wanted)
	}
	return "", ErrMissing
}

func candidates(wanted string) []string {
	if wanted != "" {
		return []string{wanted}
	}
	if env := os.Getenv(BinDirEnv); env != "" {
		return []string{env}
	}
	dirs, _ := filepath.Glob("/usr/lib/postgresql/*/bin") // the pattern is well-formed
	slices.SortFunc(dirs, func(a, b string) int { return cmp.Compare(major(b), major(a)) })
	if path, err := exec.LookPath("initdb"); err == nil {
		dirs = append(dirs, filepath.Dir(path))
	}
	return dirs
}

func major(bin string) int {
	n, _ := strconv.Atoi(filepath.Base(filepath.Dir(bin)))
	return n
}

func executable(path string) bool {
	info, err := os.Stat(path)
	return err == nil && !info.IsDir() && info.Mode()&0o111 != 0
}
