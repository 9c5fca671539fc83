package connectortest

import (
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"net/url"
	"testing"
)

func TestWatchFindsEverySpelling(t *testing.T) {
	t.Parallel()
	const secret = `p@ss "w/ord+ü-9f3b`
	w := newWatch()
	w.add("password", secret)
	w.add("key", "-----BEGIN KEY-----\nMHcCAQEEIA9fYw\nq83vEjRWeJq83v\n-----END KEY-----\n")
	for name, text := range map[string]string{
		"plain":          "password is " + secret,
		"query":          "https://x/?p=" + url.QueryEscape(secret),
		"path":           "https://x/" + url.PathEscape(secret),
		"hex":            hex.EncodeToString([]byte(secret)),
		"quoted":         fmt.Sprintf("%q", secret),
		"bytes":          fmt.Sprint([]byte(secret)),
		"base64":         base64.StdEncoding.EncodeToString([]byte(secret)),
		"basic, shift 1": base64.StdEncoding.EncodeToString([]byte("abc:" + secret + "!")),
		"basic, shift 2": base64.StdEncoding.EncodeToString([]byte("abcd:" + secret)),
		"base64url":      base64.URLEncoding.EncodeToString([]byte("ab:" + secret + "\n")),
		"a key's line":   "bad line q83vEjRWeJq83v",
	} {
		if w.find(text) == "" {
			t.Errorf("%s is not found: %s", name, text)
		}
	}
	for _, innocent := range []string{"", "password", "-----BEGIN KEY-----", "q83vEjR"} {
		if field := w.find(innocent); field != "" {
			t.Errorf("%q is taken for the secret of %q", innocent, field)
		}
	}
}

func TestWatchLooksInsideErrors(t *testing.T) {
	t.Parallel()
	w := newWatch()
	w.add("password", "swordfish-77")
	inner := hidden{errors.New("login with swordfish-77 refused")}
	for name, err := range map[string]error{
		"wrapped": fmt.Errorf("check: %w", inner),
		"joined":  errors.Join(errors.New("first"), inner),
	} {
		if w.findInError(err) == "" {
			t.Errorf("%s: the secret is not found", name)
		}
	}
}

// hidden does not print what it wraps.
type hidden struct{ error }

func (hidden) Error() string   { return "hidden" }
func (h hidden) Unwrap() error { return h.error }
