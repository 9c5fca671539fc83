// Package postgresql connects PostgreSQL, from version 10 on: directly, with
// TLS, or through an SSH tunnel.
//
// Rows are read with binary COPY in pages of key order and taken apart straight
// into Arrow columns. The package knows nothing of schedules, warehouses or the
// storage of credentials. Its one exported name is Definition.
package postgresql
