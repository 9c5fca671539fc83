// Package integration is the heart of Regrant: integrations and their
// authorizations, what is wrong with them (incidents), what that kept from
// being read (gaps), what a person sees of it (status), and how a credential
// is replaced without losing anything (re-authorization).
//
// It holds rules and no technology: no SQL, no HTTP, no templates. Storage,
// sealing, diagnosis and jobs are interfaces declared here and filled by the
// packages around it.
package integration
