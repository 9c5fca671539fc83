package settings

import (
	"log/slog"
	"net/netip"
	"time"
)

// Settings is how an installation runs, checked and complete.
type Settings struct {
	Listen    string            // host:port; port 0 takes a free one
	Data      string            // directory of state and rows
	PublicURL string            // as people reach it; empty: http://Listen
	Every     time.Duration     // default interval between two updates
	Zone      *time.Location    // of rechecks and pages
	Allow     []netip.Prefix    // private networks that integrations may reach
	Endpoints map[string]string // base addresses, by connector
	Controls  []string          // host:port that show whether our own network works
	Memory    int64             // bytes for the warehouse; 0: its own default
	LogLevel  slog.Level
	LogFormat string // text or json
}

// Sources is where settings come from.
type Sources struct {
	// Flags holds what was given on the command line, by the name of the
	// setting: "listen", "log.level".
	Flags  map[string]string
	Getenv func(string) string
	// Path is the settings file. Empty: REGRANT_CONFIG, else regrant.toml in
	// the working directory if there is one.
	Path string
}

// Load reads, checks and completes the settings. All problems are reported at
// once.
func Load(src Sources) (Settings, error) {
	if src.Getenv == nil {
		src.Getenv = func(string) string { return "" }
	}
	raw, err := readFile(src)
	if err != nil {
		return Settings{}, err
	}
	for _, k := range keys() {
		if text := src.Getenv(k.env()); text != "" {
			raw[k.name] = value{k.split(text), "the environment variable " + k.env()}
		}
		if text, given := src.Flags[k.name]; given {
			raw[k.name] = value{k.split(text), "the flag --" + k.flag()}
		}
	}
	s := Settings{
		Listen: "127.0.0.1:8080", Every: time.Hour, Zone: time.UTC, LogLevel: slog.LevelInfo, LogFormat: "text",
		Data: DataDir("", src.Getenv),
	}
	return s, fill(&s, raw)
}
