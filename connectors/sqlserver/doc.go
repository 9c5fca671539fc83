// Package sqlserver connects Microsoft SQL Server, from version 2016 on, and
// Azure SQL: directly, with TLS, or through an SSH tunnel.
//
// Rows are read in pages of key order, each page a short statement of its own,
// under snapshot isolation where the database allows it. The package knows
// nothing of schedules, warehouses or the storage of credentials. Its one
// exported name is Definition.
package sqlserver
