// Package tds plays Microsoft SQL Server for tests: its protocol (MS-TDS 7.4),
// a script of answers, and a small engine over tables in memory. No real
// server can be had in a test run, so this is what the connector is held
// against; README.md says what that proves and what it does not.
package tds
