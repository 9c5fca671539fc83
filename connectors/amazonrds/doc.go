// Package amazonrds connects databases on Amazon RDS and Aurora.
//
// It reads no row itself. It asks for the engine, opens the connector of that
// engine through the public contract, and adds what is Amazon's: its names of
// instances, its root certificates, signing in with IAM, and what its faults
// mean. See README.md.
package amazonrds

//go:generate ./ca/update.sh
