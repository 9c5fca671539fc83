package sqlkit

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"strings"

	"golang.org/x/crypto/ssh"

	"github.com/regrant/regrant/connector"
)

// GenerateKey makes an ed25519 key pair: the private half in OpenSSH's PEM
// form, the public one as a line for authorized_keys.
func GenerateKey() (private connector.Secret, public string, err error) {
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return connector.Secret{}, "", fmt.Errorf("make an SSH key: %w", err)
	}
	block, err := ssh.MarshalPrivateKey(key, "regrant")
	if err != nil {
		return connector.Secret{}, "", fmt.Errorf("encode an SSH key: %w", err)
	}
	private = connector.NewSecret(string(pem.EncodeToMemory(block)))
	public, err = PublicKey(private, connector.Secret{})
	return private, public, err
}

// PublicKey is the public half of a private key, as a line for authorized_keys.
func PublicKey(private, passphrase connector.Secret) (string, error) {
	signer, err := parseKey(private, passphrase)
	if err != nil {
		return "", err
	}
	return authorizedKey(signer), nil
}

func authorizedKey(s ssh.Signer) string {
	return strings.TrimSpace(string(ssh.MarshalAuthorizedKey(s.PublicKey()))) + " regrant"
}

// parseKey tells the ways apart in which a person can paste a wrong key. Its
// errors are faults of the form.
func parseKey(private, passphrase connector.Secret) (ssh.Signer, error) {
	// Windows and mail programs leave line ends that PEM does not know.
	text := strings.TrimSpace(strings.ReplaceAll(private.Reveal(), "\r\n", "\n")) + "\n"
	signer, err := ssh.ParsePrivateKey([]byte(text))
	var missing *ssh.PassphraseMissingError
	if !errors.As(err, &missing) {
		return signer, keyFault(text, err)
	}
	if passphrase.Empty() {
		return nil, formFault("ssh.passphrase_missing", "The SSH key is protected by a passphrase. Enter the passphrase, too.", err)
	}
	signer, err = ssh.ParsePrivateKeyWithPassphrase([]byte(text), []byte(passphrase.Reveal()))
	if errors.Is(err, x509.IncorrectPasswordError) {
		return nil, formFault("ssh.passphrase_wrong", "The passphrase does not open the SSH key. Check it and enter it again.", err)
	}
	return signer, keyFault(text, err)
}

func keyFault(text string, err error) error {
	if err == nil {
		return nil
	}
	if _, _, _, _, public := ssh.ParseAuthorizedKey([]byte(text)); public == nil {
		return formFault("ssh.key_is_public", "This is the public half of an SSH key. Paste the private half here; it begins with \"-----BEGIN\".", err)
	}
	return formFault("ssh.key_unreadable", "The SSH key cannot be read. Paste the whole private key, from \"-----BEGIN\" to \"-----END\", or let Regrant make one.", err)
}

func formFault(code, public string, err error) *connector.Fault {
	return &connector.Fault{Cause: connector.Invalid, Code: code, Step: connector.StepForm, Public: public, Err: err}
}
