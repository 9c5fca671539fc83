// Package apitest is a heart without a store, a vault or a network, for tests
// of the API and of the command line. What it accepts as a password decides
// what happens: see Password.
//
// It is never linked into the binary.
package apitest
