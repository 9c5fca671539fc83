// Package house holds no code, only the tests that keep the house in order:
// which package may import which, and one package comment each.
package house
