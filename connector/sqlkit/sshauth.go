package sqlkit

import (
	"errors"
	"sync/atomic"

	"golang.org/x/crypto/ssh"

	"github.com/regrant/regrant/connector"
)

// login holds the ways to log in and remembers which of them the server let
// us try: its refusal names none.
type login struct {
	signer   ssh.Signer // nil: no key
	password connector.Secret

	keyTried, passwordTried, asked atomic.Bool
}

var (
	errPasswordRefused = errors.New("the server refused the password")
	errSecondFactor    = errors.New("the server asks questions that only a person can answer")
)

// newLogin reads the form's values; its errors are faults of the form.
func newLogin(c TunnelConfig) (*login, error) {
	l := &login{password: c.Password}
	if !c.PrivateKey.Empty() {
		signer, err := parseKey(c.PrivateKey, c.Passphrase)
		if err != nil {
			return nil, err
		}
		l.signer = signer
	}
	if l.signer == nil && l.password.Empty() {
		return nil, formFault("ssh.key_missing", "Enter an SSH key or an SSH password; Regrant can make the key for you.", errors.New("neither SSH key nor SSH password"))
	}
	return l, nil
}

func (l *login) publicKey() string {
	if l.signer == nil {
		return ""
	}
	return authorizedKey(l.signer)
}

// methods are tried in this order, each once. Keyboard-interactive stands in
// for password where a server offers only that, as PAM set-ups do.
func (l *login) methods() []ssh.AuthMethod {
	var m []ssh.AuthMethod
	if l.signer != nil {
		m = append(m, ssh.PublicKeysCallback(func() ([]ssh.Signer, error) {
			l.keyTried.Store(true)
			return []ssh.Signer{l.signer}, nil
		}))
	}
	if !l.password.Empty() {
		m = append(m, ssh.PasswordCallback(func() (string, error) {
			l.passwordTried.Store(true)
			return l.password.Reveal(), nil
		}))
	}
	return append(m, ssh.KeyboardInteractive(l.answer))
}

// answer gives the password to a single hidden question, once.
func (l *login) answer(_, _ string, questions []string, echo []bool) ([]string, error) {
	if len(questions) == 0 {
		return nil, nil
	}
	l.asked.Store(true)
	hidden := len(questions) == 1 && len(echo) == 1 && !echo[0]
	if !hidden || l.password.Empty() {
		return nil, errSecondFactor
	}
	if l.passwordTried.Swap(true) {
		return nil, errPasswordRefused
	}
	return []string{l.password.Reveal()}, nil
}
