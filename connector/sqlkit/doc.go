// Package sqlkit holds what the connectors of SQL databases have in common:
// reaching a server directly or through an SSH tunnel, TLS, the form fields
// and faults about both, and engine-neutral pieces of reading tables.
//
// It is for authors of connectors and at v0: names may change until the first
// release. It knows no engine and no SQL of one.
package sqlkit
