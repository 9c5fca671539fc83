// Package sqlite opens the state database of one machine: a file with a
// write-ahead log, one writing connection and several reading ones, migrated
// to this version. The job queue's tables are in the same file.
package sqlite
