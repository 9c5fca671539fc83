// Package e2e holds tests of the whole product: the real binary, a real
// database, a real browser. It has no code of its own.
package e2e
