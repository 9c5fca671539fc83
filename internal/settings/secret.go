package settings

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/regrant/regrant/connector"
)

// MaxSecret bounds a secret that is read from outside.
const MaxSecret = 64 << 10

// ReadSecret reads the secret called name from the environment, or from the
// file that name_FILE names. It is empty when neither is set.
func ReadSecret(getenv func(string) string, name string) (connector.Secret, error) {
	plain, path := getenv(name), getenv(name+"_FILE")
	switch {
	case plain != "" && path != "":
		return connector.Secret{}, fmt.Errorf("%s and %s_FILE are both set: keep one", name, name)
	case path != "":
		secret, err := SecretFile(path)
		if err != nil {
			return connector.Secret{}, fmt.Errorf("%s_FILE: %w", name, err)
		}
		return secret, nil
	case plain != "":
		return connector.NewSecret(plain), nil
	}
	return connector.Secret{}, nil
}

// SecretFile reads a secret of one line from a file.
func SecretFile(path string) (connector.Secret, error) {
	f, err := os.Open(path) //nolint:gosec // the person names it
	if err != nil {
		return connector.Secret{}, fmt.Errorf("the file with the secret cannot be opened: %w", err)
	}
	defer func() { _ = f.Close() }()
	plain, err := Trimmed(f, false)
	return connector.NewSecret(plain), err
}

// Trimmed reads a secret and strips exactly one trailing line break, which
// editors and echo add. Other line breaks are refused unless the secret is a
// block (a key, a certificate): a password with one was copied wrongly.
func Trimmed(r io.Reader, block bool) (string, error) {
	b, err := io.ReadAll(io.LimitReader(r, MaxSecret+3))
	if err != nil {
		return "", fmt.Errorf("the secret cannot be read: %w", err)
	}
	text := string(b)
	if !block {
		if cut, ok := strings.CutSuffix(text, "\n"); ok {
			text = strings.TrimSuffix(cut, "\r")
		}
	}
	switch {
	case len(text) > MaxSecret:
		return "", fmt.Errorf("the secret is larger than %d bytes", MaxSecret)
	case text == "":
		return "", errors.New("the secret is empty")
	case strings.ContainsRune(text, 0):
		return "", errors.New("the secret holds a NUL character: it is probably no text")
	case !block && strings.ContainsAny(text, "\r\n"):
		return "", errors.New("the secret holds a line break besides one at its end: put it on one line")
	}
	return text, nil
}
