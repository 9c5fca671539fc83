// Package credential keeps secrets: sealed, in versions that are never
// overwritten, opened only together with an audit line.
//
// Each version is sealed with a key of its own (AES-256-GCM), which is sealed
// with the installation's master key. A sealed version says for which
// integration and version it was made and cannot be opened as another one.
// The package decides nothing about when a credential is replaced or tried;
// it fills integration.Vault. Records is filled by the state database.
package credential
