// Package settings reads how an installation runs: from flags, then the
// environment, then the settings file (regrant.toml), then defaults. It checks
// every value and names what is wrong and where it was said.
//
// It holds no secrets; ReadSecret reads those from the environment or a file.
package settings
