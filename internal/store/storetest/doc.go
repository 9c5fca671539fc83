// Package storetest is the suite that every engine of the state database
// passes. It is linked into tests only.
package storetest
