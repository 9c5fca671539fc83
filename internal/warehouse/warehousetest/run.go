package warehousetest

import "testing"

// Run runs the suite against the engine.
func Run(t *testing.T, open Open) {
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
