// Package mysqlfake plays a MySQL server on 127.0.0.1 that answers what a test
// scripts: for refusals that no real server gives on demand, and for answers
// that keep to no protocol. It takes every password.
package mysqlfake
