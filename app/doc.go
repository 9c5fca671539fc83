// Package app wires Regrant: it alone knows every package. It exports Main,
// which a binary calls with the connectors it carries; a 25th connector needs
// a main of its own and nothing else.
package app
