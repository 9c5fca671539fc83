package credential

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"strings"

	"github.com/tink-crypto/tink-go/v2/aead"
	"github.com/tink-crypto/tink-go/v2/aead/aesgcm"
	"github.com/tink-crypto/tink-go/v2/insecuresecretdataaccess"
	"github.com/tink-crypto/tink-go/v2/keyset"
	"github.com/tink-crypto/tink-go/v2/secretdata"
	"github.com/tink-crypto/tink-go/v2/tink"

	"github.com/regrant/regrant/connector"
)

// keyBytes is the length of an AES-256 key.
const keyBytes = 32

// maxKeys bounds a master key with its predecessors.
const maxKeys = 16

// Master is the installation's master key. It can hold older keys, too: the
// first one seals, all of them open.
type Master struct {
	keys []connector.Secret // base64, the first one seals
	aead tink.AEAD
}

// NewMasterKey makes a key: 32 random bytes in base64, the same that
// "openssl rand -base64 32" prints.
func NewMasterKey() connector.Secret {
	b := make([]byte, keyBytes)
	_, _ = rand.Read(b) // never fails
	return connector.NewSecret(base64.StdEncoding.EncodeToString(b))
}

// ParseMaster reads keys in base64, separated by white space or commas, the
// newest first. Lines that begin with # are comments.
func ParseMaster(text connector.Secret) (*Master, error) {
	var keys []connector.Secret
	for line := range strings.Lines(text.Reveal()) {
		if strings.HasPrefix(strings.TrimSpace(line), "#") {
			continue
		}
		for _, key := range strings.FieldsFunc(line, func(r rune) bool { return strings.ContainsRune(", \t\r\n", r) }) {
			keys = append(keys, connector.NewSecret(key))
		}
	}
	return newMaster(keys)
}

func newMaster(keys []connector.Secret) (*Master, error) {
	if len(keys) == 0 {
		return nil, errors.New(`there is no key; make one with "openssl rand -base64 32"`)
	}
	if len(keys) > maxKeys {
		return nil, fmt.Errorf("there are more than %d keys", maxKeys)
	}
	manager := keyset.NewManager()
	for n, key := range keys {
		if err := add(manager, key, n == 0); err != nil {
			return nil, fmt.Errorf("key %d: %w", n+1, err)
		}
	}
	handle, err := manager.Handle()
	if err != nil {
		return nil, fmt.Errorf("put the keys together: %w", err)
	}
	primitive, err := aead.New(handle)
	if err != nil {
		return nil, fmt.Errorf("use the keys: %w", err)
	}
	return &Master{keys: keys, aead: primitive}, nil
}

func add(manager *keyset.Manager, key connector.Secret, primary bool) error {
	raw, err := base64.StdEncoding.DecodeString(key.Reveal())
	if err != nil || len(raw) != keyBytes {
		return errors.New(`it is not 32 bytes in base64; make one with "openssl rand -base64 32"`)
	}
	parameters, err := aesgcm.NewParameters(aesgcm.ParametersOpts{
		KeySizeInBytes: keyBytes, IVSizeInBytes: 12, TagSizeInBytes: 16, Variant: aesgcm.VariantTink,
	})
	if err != nil {
		return err
	}
	parsed, err := aesgcm.NewKey(secretdata.NewBytesFromData(raw, insecuresecretdataaccess.Token{}), keyID(raw), parameters)
	if err != nil {
		return err
	}
	id, err := manager.AddKey(parsed)
	if err != nil {
		return fmt.Errorf("is it there twice? %w", err)
	}
	if primary {
		return manager.SetPrimary(id)
	}
	return nil
}

// keyID names a key in what it sealed. It follows from the key, so that the
// key alone is enough to open with.
func keyID(raw []byte) uint32 {
	sum := sha256.Sum256(append([]byte("regrant master key id\x00"), raw...))
	return max(1, binary.BigEndian.Uint32(sum[:4]))
}

// sealedWithFirst says whether sealed bytes need the first key only. An
// envelope begins with the length of its sealed key; that begins with Tink's
// version byte and the id of the master key.
func (m *Master) sealedWithFirst(sealed []byte) bool {
	raw, err := base64.StdEncoding.DecodeString(m.keys[0].Reveal())
	return err == nil && len(sealed) > 9 && sealed[4] == 1 && binary.BigEndian.Uint32(sealed[5:9]) == keyID(raw)
}

// text is the file's form of the keys.
func (m *Master) text() string {
	var b strings.Builder
	b.WriteString("# The master key of this Regrant. Without it no stored credential can be opened. Keep a copy elsewhere.\n")
	for _, key := range m.keys {
		b.WriteString(key.Reveal() + "\n")
	}
	return b.String()
}
