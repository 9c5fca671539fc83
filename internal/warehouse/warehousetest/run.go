package warehousetest

import (
	"os"
	"testing"
)

// Run runs the suite against the engine.
//
// It starts the test's binary again to kill it in the middle of commits; the
// caller's test must therefore do nothing before Run but t.Parallel.
func Run(t *testing.T, open Open) {
	if path := os.Getenv(childEnv); path != "" {
		child(t, open(t, path))
		return
	}
	for _, group := range []struct {
		name  string
		tests []test
	}{
		{"rows", rowTests()},
		{"columns", columnTests()},
		{"replace", replaceTests()},
		{"ranges", rangeTests()},
		{"query", queryTests()},
		{"together", togetherTests()},
		{"property", propertyTests()},
		{"crash", crashTests()},
	} {
		t.Run(group.name, func(t *testing.T) {
			t.Parallel()
			for _, tt := range group.tests {
				t.Run(tt.name, func(t *testing.T) {
					t.Parallel()
					tt.run(setup(t, open))
				})
			}
		})
	}
}

type test struct {
	name string
	run  func(*bundle)
}
