// Package demo plays Regrant's main job on a real PostgreSQL behind a real
// SSH bastion: connect, pull, break, name the cause, re-authorize, resume. The
// demo shows it to a person; check plays every story unattended and compares
// the warehouse with the source; soak kills the product at random moments.
//
// It drives the product from outside, as a separate process, through its
// command line and its API. It is never linked into it.
package demo
