package mysqlwire

import (
	"bytes"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/x509"
	"encoding/pem"
	"fmt"

	"filippo.io/edwards25519"
)

// The authentication plugins.
const (
	pluginNative   = "mysql_native_password"
	pluginCaching  = "caching_sha2_password"
	pluginSHA256   = "sha256_password"
	pluginClear    = "mysql_clear_password" // PAM, LDAP, IAM tokens
	pluginEd25519  = "client_ed25519"
	pluginOldProof = "mysql_old_password"
)

// knownPlugin is what the first proof is made for. The server switches to the
// plugin of the account afterwards, whatever it was.
func knownPlugin(asked string) string {
	switch asked {
	case pluginCaching, pluginSHA256, pluginEd25519:
		return asked
	default:
		return pluginNative
	}
}

// authenticator proves the password to the server.
type authenticator struct {
	stream   *stream
	password string
	salt     []byte
	plugin   string
	secure   bool // the connection is encrypted
}

// first is the proof that goes with the answer to the greeting.
func (a *authenticator) first() ([]byte, error) { return a.proof() }

// proof is the first thing that a plugin sends.
func (a *authenticator) proof() ([]byte, error) {
	switch a.plugin {
	case pluginNative:
		return nativeProof(a.salt, a.password), nil
	case pluginCaching:
		return cachingProof(a.salt, a.password), nil
	case pluginEd25519:
		return ed25519Proof(a.salt, a.password)
	case pluginSHA256:
		switch {
		case a.password == "":
			return []byte{0}, nil
		case a.secure:
			return terminated(a.password), nil
		}
		return []byte{1}, nil // asks for the server's public key
	case pluginClear:
		if !a.secure {
			return nil, &PluginError{Plugin: a.plugin, Plain: true}
		}
		return terminated(a.password), nil
	default:
		return nil, &PluginError{Plugin: a.plugin}
	}
}

func terminated(s string) []byte { return append([]byte(s), 0) }

// mostRounds bounds how often a server may ask for something else.
const mostRounds = 8

// finish goes on until the server says yes or no.
func (a *authenticator) finish() error {
	for range mostRounds {
		p, err := a.stream.read()
		if err != nil {
			return err
		}
		switch {
		case len(p) == 0:
			return malformed("an empty answer while signing in")
		case p[0] == 0x00:
			return nil
		case p[0] == 0xff:
			return parseError(p)
		case p[0] == 0xfe:
			err = a.change(p[1:])
		case p[0] == 0x01:
			err = a.more(p[1:])
		default:
			return malformed("an unknown answer while signing in")
		}
		if err != nil {
			return err
		}
	}
	return malformed("signing in does not come to an end")
}

// change begins anew with the plugin that the account uses.
func (a *authenticator) change(p []byte) error {
	if len(p) == 0 {
		return &PluginError{Plugin: pluginOldProof}
	}
	plugin, salt, ok := bytes.Cut(p, []byte{0})
	if !ok {
		return malformed("a plugin without a name")
	}
	a.plugin = string(plugin)
	if salt = bytes.TrimSuffix(salt, []byte{0}); len(salt) > 0 {
		a.salt = bytes.Clone(salt)
	}
	proof, err := a.proof()
	if err != nil {
		return err
	}
	return a.stream.write(proof)
}

// more answers what a plugin asks after its first proof.
func (a *authenticator) more(p []byte) error {
	const (
		accepted = 3
		wanted   = 4
	)
	switch {
	case a.plugin == pluginCaching && len(p) == 1 && p[0] == accepted:
		return nil
	case a.plugin == pluginCaching && len(p) == 1 && p[0] == wanted:
		if a.secure {
			return a.stream.write(terminated(a.password))
		}
		return a.stream.write([]byte{2}) // asks for the server's public key
	case a.plugin == pluginCaching, a.plugin == pluginSHA256:
		sealed, err := seal(p, a.salt, a.password)
		if err != nil {
			return err
		}
		return a.stream.write(sealed)
	}
	return malformed("a question that the plugin does not have")
}

// nativeProof is SHA1(password) XOR SHA1(salt SHA1(SHA1(password))).
func nativeProof(salt []byte, password string) []byte {
	if password == "" {
		return nil
	}
	once := sha1.Sum([]byte(password))
	twice := sha1.Sum(once[:])
	proof := sha1.Sum(append(bytes.Clone(salt[:min(20, len(salt))]), twice[:]...))
	for i := range proof {
		proof[i] ^= once[i]
	}
	return proof[:]
}

// cachingProof is SHA256(password) XOR SHA256(SHA256(SHA256(password)) salt).
func cachingProof(salt []byte, password string) []byte {
	if password == "" {
		return nil
	}
	once := sha256.Sum256([]byte(password))
	twice := sha256.Sum256(once[:])
	proof := sha256.Sum256(append(twice[:], salt[:min(20, len(salt))]...))
	for i := range proof {
		proof[i] ^= once[i]
	}
	return proof[:]
}

// ed25519Proof signs the salt with a key made of the password. It is the usual
// signature, but the secret is the password itself, of any length, which is
// why crypto/ed25519 is of no use.
// https://mariadb.com/kb/en/authentication-plugin-ed25519/
func ed25519Proof(salt []byte, password string) ([]byte, error) {
	h := sha512.Sum512([]byte(password))
	secret, err := edwards25519.NewScalar().SetBytesWithClamping(h[:32])
	if err != nil {
		return nil, fmt.Errorf("make a key of a password: %w", err)
	}
	public := new(edwards25519.Point).ScalarBaseMult(secret)
	nonce, err := hashed(h[32:], salt)
	if err != nil {
		return nil, err
	}
	r := new(edwards25519.Point).ScalarBaseMult(nonce)
	challenge, err := hashed(r.Bytes(), public.Bytes(), salt)
	if err != nil {
		return nil, err
	}
	s := edwards25519.NewScalar().MultiplyAdd(challenge, secret, nonce)
	return append(r.Bytes(), s.Bytes()...), nil
}

func hashed(parts ...[]byte) (*edwards25519.Scalar, error) {
	h := sha512.New()
	for _, p := range parts {
		h.Write(p)
	}
	s, err := edwards25519.NewScalar().SetUniformBytes(h.Sum(nil))
	if err != nil {
		return nil, fmt.Errorf("make a scalar of a hash: %w", err)
	}
	return s, nil
}

// seal encrypts the password with the server's public key.
func seal(key, salt []byte, password string) ([]byte, error) {
	block, _ := pem.Decode(key)
	if block == nil {
		return nil, malformed("a public key that is none")
	}
	parsed, err := x509.ParsePKIXPublicKey(block.Bytes)
	if err != nil {
		return nil, malformed("a public key that cannot be read")
	}
	public, ok := parsed.(*rsa.PublicKey)
	if !ok || len(salt) == 0 {
		return nil, malformed("a public key of another kind")
	}
	plain := terminated(password)
	for i := range plain {
		plain[i] ^= salt[i%len(salt)]
	}
	sealed, err := rsa.EncryptOAEP(sha1.New(), rand.Reader, public, plain, nil)
	if err != nil {
		return nil, fmt.Errorf("encrypt the password for the server: %w", err)
	}
	return sealed, nil
}
