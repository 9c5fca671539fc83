// Package notice tells whoever listens that something changed: open pages,
// streams of the API, later mail and chat. It keeps nothing but the newest
// progress of running pulls; what is true is read from the heart again.
package notice
