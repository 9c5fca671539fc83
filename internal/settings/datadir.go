package settings

import (
	"os"
	"path/filepath"
)

// DataDir is the directory of state and rows: the one named, else
// REGRANT_DATA, else ./regrant-data if it is there, else the person's own
// (XDG_DATA_HOME/regrant) if that is there, else ./regrant-data.
func DataDir(named string, getenv func(string) string) string {
	const here = "regrant-data"
	if named != "" {
		return filepath.Clean(named)
	}
	if dir := getenv("REGRANT_DATA"); dir != "" {
		return filepath.Clean(dir)
	}
	if isDir(here) {
		return here
	}
	home := getenv("XDG_DATA_HOME")
	if home == "" && getenv("HOME") != "" {
		home = filepath.Join(getenv("HOME"), ".local", "share")
	}
	if own := filepath.Join(home, "regrant"); home != "" && isDir(own) {
		return own
	}
	return here
}

func isDir(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}
