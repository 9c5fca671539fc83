// Package ssh gives tests two kinds of bastions: Start runs a real sshd on a
// free port of 127.0.0.1, StartBastion a small one in pure Go that counts what
// it is asked and can be told to misbehave in ways a real one does not on
// demand.
package ssh
