package app

import (
	"os"
	"runtime/debug"
)

// gcPercent makes the collector run when the heap has grown by a third. What
// fills it is columns on their way to the warehouse: few, large, and without
// pointers, so that a collection costs next to nothing and its default of
// twice the live heap would only double the memory of a pull.
const gcPercent = 33

// boundMemory applies it unless the operator has chosen.
func boundMemory() {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(gcPercent)
	}
}
