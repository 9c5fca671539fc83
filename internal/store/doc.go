// Package store keeps the state of Regrant in an SQL database: integrations
// with all that is open, history, sealed credentials, people and sessions.
//
// It holds no rules and opens no database: a folder per engine does that
// (sqlite), migrates it, and hands the connections in. The statements stand
// beside the functions that run them and are written once for all engines.
//
// Moments are integer microseconds since 1970 UTC, NULL where there is none;
// durations are integer nanoseconds; structured parts are JSON text. Records
// are what a released version wrote: a stored name never changes its meaning.
package store
