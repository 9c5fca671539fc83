//go:build !duckdb_arrow

package duckdb

// Without Arrow there is no warehouse. The name says what to do, where the
// compiler would only miss a function of the driver.
var _ = build_with_the_tag_duckdb_arrow
