package mongo

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// ErrMissing says that the servers were not fetched.
var ErrMissing = errors.New("no server that speaks MongoDB's protocol here (scripts/mongo.sh fetches one)")

// CacheEnv names the environment variable of the directory in which
// scripts/mongo.sh leaves what it fetches.
const CacheEnv = "REGRANT_CACHE"

type binaries struct {
	root   string // of the extracted packages
	ferret string
}

func find() (binaries, error) {
	cache := os.Getenv(CacheEnv)
	if cache == "" {
		home, err := os.UserHomeDir()
		if err != nil {
			return binaries{}, ErrMissing
		}
		cache = filepath.Join(home, ".cache", "regrant")
	}
	b := binaries{root: filepath.Join(cache, "documentdb-sid"), ferret: filepath.Join(cache, "ferretdb", "ferretdb")}
	for _, path := range []string{b.program("postgres"), b.program("initdb"), b.ferret} {
		if _, err := os.Stat(path); err != nil {
			return b, fmt.Errorf("%w: %s", ErrMissing, path)
		}
	}
	return b, nil
}

func (b binaries) program(name string) string {
	return filepath.Join(b.root, "usr/lib/postgresql/18/bin", name)
}

// libraries is where the extensions find theirs, which are not the machine's.
func (b binaries) libraries() string {
	return filepath.Join(b.root, "usr/lib/x86_64-linux-gnu") + ":" + filepath.Join(b.root, "usr/lib/postgresql/18/lib")
}
