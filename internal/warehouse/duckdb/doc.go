// Package duckdb keeps pulled rows in one DuckDB file, inside the process.
//
// Rows travel as Arrow records: a load keeps them, and a commit lets DuckDB
// scan them where they lie. One transaction deletes the rows that are
// overwritten, inserts the new ones and moves the position, which is a row of
// the table _regrant.positions in the same file; so a crash leaves both or
// neither.
//
// Arrow needs the build tag duckdb_arrow.
package duckdb
