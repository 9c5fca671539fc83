package people

import (
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"golang.org/x/crypto/argon2"
)

// Cost is what hashing one password takes.
type Cost struct {
	Time    uint32 // passes
	Memory  uint32 // KiB
	Threads uint8
}

// orDefault is the second recommended option of RFC 9106, with less memory
// than its 64 MiB and more passes, because the product promises a small idle
// process (OWASP's password storage page lists 19 MiB with 2 passes as enough).
func (c Cost) orDefault() Cost {
	if c == (Cost{}) {
		return Cost{Time: 3, Memory: 32 << 10, Threads: 1}
	}
	return c
}

const (
	saltBytes = 16
	hashBytes = 32

	// MinPassword and MaxPassword bound a password, in characters and bytes.
	MinPassword = 12
	MaxPassword = 1024
)

// hashPassword returns the usual text form:
// $argon2id$v=19$m=32768,t=3,p=1$salt$hash.
func hashPassword(password string, c Cost) (string, error) {
	salt := make([]byte, saltBytes)
	if _, err := rand.Read(salt); err != nil {
		return "", err
	}
	return formatHash(c, salt, argon2.IDKey([]byte(password), salt, c.Time, c.Memory, c.Threads, hashBytes)), nil
}

// decoyHash looks like a hash and is one of no password. Making it takes no
// memory, which would count in every idle process.
func decoyHash(c Cost) (string, error) {
	b := make([]byte, saltBytes+hashBytes)
	if _, err := rand.Read(b); err != nil {
		return "", err
	}
	return formatHash(c, b[:saltBytes], b[saltBytes:]), nil
}

func formatHash(c Cost, salt, sum []byte) string {
	b64 := base64.RawStdEncoding.EncodeToString
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version, c.Memory, c.Time, c.Threads, b64(salt), b64(sum))
}

// samePassword says whether the password has the hash. Costs are read from
// the hash, so that old hashes stay valid when the cost grows.
func samePassword(password, stored string) (bool, error) {
	cost, salt, want, err := parseHash(stored)
	if err != nil {
		return false, err
	}
	got := argon2.IDKey([]byte(password), salt, cost.Time, cost.Memory, cost.Threads, uint32(len(want))) //nolint:gosec // bounded in parseHash
	return subtle.ConstantTimeCompare(got, want) == 1, nil
}

var errHash = errors.New("the stored password hash is not readable")

func parseHash(stored string) (c Cost, salt, sum []byte, err error) {
	parts := strings.Split(stored, "$")
	if len(parts) != 6 || parts[1] != "argon2id" || parts[2] != fmt.Sprintf("v=%d", argon2.Version) {
		return c, nil, nil, errHash
	}
	if _, err := fmt.Sscanf(parts[3], "m=%d,t=%d,p=%d", &c.Memory, &c.Time, &c.Threads); err != nil {
		return c, nil, nil, errHash
	}
	salt, err = base64.RawStdEncoding.DecodeString(parts[4])
	if err != nil {
		return c, nil, nil, errHash
	}
	sum, err = base64.RawStdEncoding.DecodeString(parts[5])
	if err != nil || len(sum) != hashBytes || c.Memory > 1<<20 || c.Time == 0 || c.Time > 100 || c.Threads == 0 {
		return c, nil, nil, errHash
	}
	return c, salt, sum, nil
}

// checkPassword asks for length and nothing else: rules about characters make
// people choose worse ones.
func checkPassword(password, email string) error {
	switch {
	case utf8.RuneCountInString(password) < MinPassword:
		return &InputError{"password", fmt.Sprintf("use at least %d characters; a few words are easy to remember", MinPassword)}
	case len(password) > MaxPassword:
		return &InputError{"password", fmt.Sprintf("use at most %d characters", MaxPassword)}
	case !utf8.ValidString(password):
		return &InputError{"password", "the password holds characters that cannot be read; type it again"}
	case strings.EqualFold(password, email):
		return &InputError{"password", "the password must not be the email"}
	}
	return nil
}
