// Package client talks to Regrant's HTTP API and names what goes over it.
//
// The server answers with the types declared here, so the two sides cannot
// drift apart. They are views made for people and programs outside: names in
// snake_case, times in RFC 3339 (UTC), secrets only ever on their way in.
//
// It is at v0: fields are added, never renamed; methods may still change. It
// imports nothing of the product.
package client
