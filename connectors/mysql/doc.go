// Package mysql reads MySQL (5.6 and later) and MariaDB (10.0 and later).
//
// It tells a refused sign-in from a lost privilege on one table, pages through
// tables by key, and turns the server's text rows into Arrow columns without
// boxing a value. What the two flavours do differently is met at run time: one
// connector serves both. See README.md for its quirks and for how to try it.
package mysql
