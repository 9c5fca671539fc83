package sqlkit

import (
	"bytes"
	"os/exec"
	"testing"

	"golang.org/x/crypto/ssh"

	"github.com/regrant/regrant/connector"
)

// FuzzTrust: stored host keys are read without a panic, and what is written
// reads back as the same keys.
func FuzzTrust(f *testing.F) {
	private, _, err := GenerateKey()
	if err != nil {
		f.Fatal(err)
	}
	signer, err := parseKey(private, connector.Secret{})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(trustText("bastion.example:22", []ssh.PublicKey{signer.PublicKey()}), "bastion.example:22")
	f.Add("@revoked * ssh-ed25519 AAAA", "x:22")
	f.Add("[::1]:2222 ssh-rsa AAAA", "[::1]:2222")
	f.Add("# nothing\n\n", "")
	f.Fuzz(func(t *testing.T, text, address string) {
		_ = Fingerprints(text)
		found, err := parseTrust(text, address)
		if err != nil || len(found.keys) == 0 {
			return
		}
		again, err := parseTrust(trustText("bastion.example:22", found.keys), "bastion.example:22")
		if err != nil || len(again.keys) != len(found.keys) {
			t.Fatalf("%d keys, then %d: %v", len(found.keys), len(again.keys), err)
		}
		for i := range found.keys {
			if !bytes.Equal(found.keys[i].Marshal(), again.keys[i].Marshal()) {
				t.Fatal("another key came back")
			}
		}
	})
}

// FuzzShellQuote: a quoted text is one word of sh, the same without its
// control characters.
func FuzzShellQuote(f *testing.F) {
	for _, s := range []string{"", "a", "-n", "it's", "$(x)", "`x`", "\\", "a\nb", "é", "!!"} {
		f.Add(s)
	}
	sh, err := exec.LookPath("sh")
	if err != nil {
		f.Skip("needs a shell")
	}
	f.Fuzz(func(t *testing.T, s string) {
		out, err := exec.Command(sh, "-c", "printf %s "+shellQuote(s)).Output()
		if err != nil {
			t.Fatal(err)
		}
		want := []byte{}
		for _, r := range s {
			if r >= ' ' && r != 0x7f {
				want = append(want, string(r)...)
			}
		}
		if !bytes.Equal(out, want) {
			t.Fatalf("%q became %q, want %q", s, out, want)
		}
	})
}

// FuzzKey: whatever is pasted as a key gives a fault of the form or a key.
func FuzzKey(f *testing.F) {
	private, public, err := GenerateKey()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(private.Reveal(), "")
	f.Add(public, "x")
	f.Add("-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: DES-EDE3-CBC,00\n\nAAAA\n-----END RSA PRIVATE KEY-----\n", "p")
	f.Fuzz(func(t *testing.T, text, passphrase string) {
		_, err := PublicKey(connector.NewSecret(text), connector.NewSecret(passphrase))
		if err != nil && connector.FaultOf(err).Cause != connector.Invalid {
			t.Fatalf("got %v", err)
		}
	})
}
