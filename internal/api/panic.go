package api

import (
	"fmt"
	"runtime/debug"
)

// panicError is a recovered panic as an error for the log.
type panicError struct{ value any }

func (p panicError) Error() string { return fmt.Sprintf("panic: %v\n%s", p.value, debug.Stack()) }
