package sqlkit

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"strings"
	"sync/atomic"

	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/knownhosts"
)

// TrustKey is where the host keys lie in Env.Trust and Identity.Trust.
const TrustKey = "ssh_host_keys"

// maxTrust bounds what is read back; an enrolment has a few lines.
const maxTrust = 64 << 10

// hostKeys are the keys of one SSH server that a person has trusted.
type hostKeys struct {
	keys    []ssh.PublicKey
	revoked []ssh.PublicKey
}

// parseTrust reads lines of a known_hosts file and keeps those of the address.
// Another address is another server: its keys say nothing about this one.
func parseTrust(text, address string) (hostKeys, error) {
	var found hostKeys
	if len(text) > maxTrust {
		return found, errors.New("the stored host keys are too long")
	}
	name, rest := knownhosts.Normalize(address), []byte(text)
	for {
		marker, hosts, key, _, more, err := ssh.ParseKnownHosts(rest)
		if errors.Is(err, io.EOF) {
			return found, nil
		}
		if err != nil {
			return found, fmt.Errorf("read the stored host keys: %w", err)
		}
		rest = more
		if !slices.Contains(hosts, name) {
			continue
		}
		if marker == "revoked" {
			found.revoked = append(found.revoked, key)
		} else if marker == "" {
			found.keys = append(found.keys, key)
		}
	}
}

// trustText is the inverse of parseTrust.
func trustText(address string, keys []ssh.PublicKey) string {
	var b strings.Builder
	for _, k := range keys {
		fmt.Fprintln(&b, knownhosts.Line([]string{address}, k))
	}
	return b.String()
}

func contains(keys []ssh.PublicKey, key ssh.PublicKey) bool {
	return slices.ContainsFunc(keys, func(k ssh.PublicKey) bool { return bytes.Equal(k.Marshal(), key.Marshal()) })
}

// ofType gives the key of the type, or nil.
func ofType(keys []ssh.PublicKey, kind string) ssh.PublicKey {
	for _, k := range keys {
		if k.Type() == kind {
			return k
		}
	}
	return nil
}

// algorithmGroups are the kinds of host keys, in the order in which they are
// preferred. Each is scanned for on its own: a server shows one key at a time.
func algorithmGroups() [][]string {
	return [][]string{
		{ssh.KeyAlgoED25519},
		{ssh.KeyAlgoECDSA256, ssh.KeyAlgoECDSA384, ssh.KeyAlgoECDSA521},
		{ssh.KeyAlgoRSASHA512, ssh.KeyAlgoRSASHA256},
	}
}

// algorithmsFor asks only for keys that are known. Without it a server may
// show a key of another type, which looks like a changed one.
func algorithmsFor(keys []ssh.PublicKey) []string {
	var names []string
	for _, group := range algorithmGroups() {
		for _, name := range group {
			if ofType(keys, keyTypeOf(name)) != nil {
				names = append(names, name)
			}
		}
	}
	return names
}

// keyTypeOf names the key that an algorithm signs with: the newer RSA
// signatures are made with the same old keys.
func keyTypeOf(algorithm string) string {
	if strings.HasPrefix(algorithm, "rsa-") {
		return ssh.KeyAlgoRSA
	}
	return algorithm
}

// Fingerprints lists the stored host keys, for people: "ssh-ed25519 SHA256:…".
func Fingerprints(trust string) []string {
	var list []string
	for rest := []byte(trust); ; {
		_, _, key, _, more, err := ssh.ParseKnownHosts(rest)
		if err != nil {
			return list
		}
		list = append(list, key.Type()+" "+ssh.FingerprintSHA256(key))
		rest = more
	}
}

// judge says whether a key is trusted.
func (h hostKeys) judge(key ssh.PublicKey) error {
	switch {
	case contains(h.revoked, key):
		return errRevoked
	case contains(h.keys, key):
		return nil
	default:
		return errChanged
	}
}

// onKey leaves out the name and the address: they are those that were dialled.
func onKey(judge func(ssh.PublicKey) error) ssh.HostKeyCallback {
	return func(_ string, _ net.Addr, key ssh.PublicKey) error { return judge(key) }
}

// noting remembers that the host key was accepted, and with it that whatever
// fails afterwards is not about trust.
func noting(judge ssh.HostKeyCallback, accepted *atomic.Bool) ssh.HostKeyCallback {
	return func(name string, addr net.Addr, key ssh.PublicKey) error {
		err := judge(name, addr, key)
		accepted.Store(err == nil)
		return err
	}
}

// sameFingerprint compares what a person pasted with a key: as SHA256, with
// or without the prefix.
func sameFingerprint(pasted string, key ssh.PublicKey) bool {
	want := ssh.FingerprintSHA256(key)
	pasted = strings.TrimSpace(pasted)
	return pasted == want || "SHA256:"+pasted == want
}

var (
	errRevoked = errors.New("the host key is marked as revoked")
	errChanged = errors.New("the host key is not the one that was trusted")
	errScanned = errors.New("the host key was only to be looked at")
)
