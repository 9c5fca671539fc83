package connectortest

import (
	"bytes"
	"context"
	"crypto/rand"
	"runtime/pprof"
	"strings"
	"time"
)

// leakLimit is how long goroutines may take to end after Close.
const leakLimit = 4 * time.Second

// leaked runs f and returns the stacks of goroutines that f started, directly
// or not, and that do not end. They are found by a profiler label, which
// goroutines inherit; so whatever the third party's server and other tests
// start meanwhile is not counted.
func leaked(f func()) string {
	id := rand.Text()
	pprof.Do(context.Background(), pprof.Labels("connectortest", id), func(context.Context) { f() })
	var left string
	poll(leakLimit, func() bool {
		left = labelled(id)
		return left == ""
	})
	return left
}

// labelled is the goroutine profile's entries with the label.
func labelled(id string) string {
	var profile bytes.Buffer
	if err := pprof.Lookup("goroutine").WriteTo(&profile, 1); err != nil {
		return "the goroutine profile cannot be read: " + err.Error()
	}
	var found []string
	for entry := range strings.SplitSeq(profile.String(), "\n\n") {
		if strings.Contains(entry, id) {
			found = append(found, entry)
		}
	}
	return strings.Join(found, "\n\n")
}
