// Package people knows who may use an installation: people who sign in with a
// password, their sessions, API tokens, and the token that the command line
// of the same machine uses.
//
// It holds no pages and no SQL: internal/web and internal/api ask a Service,
// and Storage is filled by the state database. Whatever a person or program
// presents (password, session, token, set-up link) is stored as a hash only.
package people
