// Package opmsg plays what a real server that speaks MongoDB's protocol will
// not do on demand: any error code at any command, a lost role, a shutdown, a
// sign-in by certificate.
//
// A Server answers every command from a function; a Proxy stands before a real
// server and puts its own answer in the place of some. Both see every command,
// so that tests can prove that nothing was written.
package opmsg
