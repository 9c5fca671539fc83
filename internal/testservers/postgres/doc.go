// Package postgres starts private, real PostgreSQL servers for tests, demos
// and benchmarks: one throw-away cluster per server, on 127.0.0.1 and a free
// port, without containers and without touching a server of the machine.
//
// Start is for tests and cleans up by itself; Launch is for programs. Neither
// is fit for data that anybody wants to keep: fsync is off.
package postgres
