package proc

import (
	"fmt"
	"net"
	"os"
)

// FreePort is a port of 127.0.0.1 on which nobody listens at the moment.
func FreePort() (int, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, fmt.Errorf("find a free port: %w", err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port, nil
}

// Required says whether a missing server must fail a test instead of skipping
// it: one job of the build runs with all servers, so that nothing passes unseen.
func Required() bool {
	return os.Getenv("CI") == "true" || os.Getenv("REGRANT_REQUIRE_SERVERS") != ""
}

// Tail keeps the end of a log, where the reason stands.
func Tail(log string) string {
	const keep = 1500
	if len(log) > keep {
		return "…" + log[len(log)-keep:]
	}
	return log
}
