package mysql

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
)

// Flavour is whose server it is.
type Flavour string

// The flavours.
const (
	MariaDB Flavour = "mariadb"
	MySQL   Flavour = "mysql"
	MySQL56 Flavour = "mysql-5.6" // of 2015: without TLS, without JSON
)

// ErrMissing says that the machine does not have the server.
var ErrMissing = errors.New("no such server here (MariaDB: apt-get install mariadb-server-core; MySQL: scripts/mysql.sh)")

// CacheEnv names the environment variable of the directory in which
// scripts/mysql.sh leaves what it extracts.
const CacheEnv = "REGRANT_CACHE"

// binaries is how a flavour is called.
type binaries struct {
	flavour Flavour
	server  []string // the command, with what must stand before its options
	install string   // MariaDB's own script
	base    []string // options that say where things lie
	stamp   string   // path of the file that changes with an upgrade
	ready   string   // a data directory that came along
	env     []string // of the server's process
	asRoot  bool     // lies where only root can read it
}

func find(f Flavour) (binaries, error) {
	switch f {
	case MySQL:
		return findMySQL()
	case MySQL56:
		return findMySQL56()
	}
	const server, install = "/usr/sbin/mariadbd", "/usr/bin/mariadb-install-db"
	for _, path := range []string{server, install} {
		if _, err := os.Stat(path); err != nil {
			return binaries{}, fmt.Errorf("%w: %s", ErrMissing, path)
		}
	}
	b := binaries{flavour: MariaDB, server: []string{server}, install: install, stamp: server}
	if plugins := filepath.Join(cacheDir(), "mariadb-plugins"); exists(filepath.Join(plugins, "auth_ed25519.so")) {
		b.base = []string{"--plugin-dir=" + plugins}
		b.asRoot = os.Geteuid() == 0
	}
	return b, nil
}

// findMySQL calls the server by its own loader and libraries, which are newer
// than the machine's.
func findMySQL() (binaries, error) {
	root := filepath.Join(cacheDir(), "mysql-sid")
	libraries := filepath.Join(root, "usr/lib", triplet())
	server, loader := filepath.Join(root, "usr/sbin/mysqld"), filepath.Join(libraries, loaderName())
	for _, path := range []string{server, loader} {
		if !exists(path) {
			return binaries{}, fmt.Errorf("%w: %s", ErrMissing, path)
		}
	}
	return binaries{
		flavour: MySQL, server: []string{loader, "--library-path", libraries, server}, stamp: server, asRoot: os.Geteuid() == 0,
		base: []string{"--basedir=" + root + "/usr", "--lc-messages-dir=" + root + "/usr/share/mysql", "--plugin-dir=" + root + "/usr/lib/mysql/plugin"},
	}, nil
}

// findMySQL56 is a package of npm, with a data directory that is ready.
func findMySQL56() (binaries, error) {
	root := filepath.Join(cacheDir(), "mysql-5.6", "server")
	server := filepath.Join(root, "mysqld")
	if !exists(server) {
		return binaries{}, fmt.Errorf("%w: %s", ErrMissing, server)
	}
	return binaries{
		flavour: MySQL56, server: []string{server}, stamp: server, ready: filepath.Join(root, "data", "mysql"), asRoot: os.Geteuid() == 0,
		base: []string{"--basedir=" + root, "--lc-messages-dir=" + filepath.Join(root, "share")},
		env:  []string{"LD_LIBRARY_PATH=" + root},
	}, nil
}

func cacheDir() string {
	if dir := os.Getenv(CacheEnv); dir != "" {
		return dir
	}
	home, err := os.UserHomeDir()
	if err != nil {
		return ""
	}
	return filepath.Join(home, ".cache", "regrant")
}

func triplet() string {
	if runtime.GOARCH == "arm64" {
		return "aarch64-linux-gnu"
	}
	return "x86_64-linux-gnu"
}

func loaderName() string {
	if runtime.GOARCH == "arm64" {
		return "ld-linux-aarch64.so.1"
	}
	return "ld-linux-x86-64.so.2"
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}
