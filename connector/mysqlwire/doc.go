// Package mysqlwire speaks the client side of the protocol of MySQL and
// MariaDB, as far as reading needs it: signing in with every common
// authentication plugin, TLS, and text results row by row.
//
// It is not a driver for database/sql. That interface boxes every value, and
// the drivers behind it do not hand out rows as they came; here a row is slices
// into the packet, which a caller turns into columns without an allocation.
// Contexts end any call at once, and a password never leaves in plain text
// over a connection without TLS.
package mysqlwire
