// Package cli is Regrant's command line. Every command but serve is a request
// to the HTTP API: of a server elsewhere, of the server that runs on the data
// directory, or of the same handlers in this process when none runs.
//
// It decides nothing about integrations; what it prints with --json has the
// shape of the API's answers.
package cli
