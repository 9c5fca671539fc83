package credential

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"time"

	"github.com/google/uuid"
	"github.com/tink-crypto/tink-go/v2/aead"
	"github.com/tink-crypto/tink-go/v2/tink"

	"github.com/regrant/regrant/connector"
	"github.com/regrant/regrant/internal/integration"
)

// ErrSealed means that a sealed version cannot be opened with this master
// key: it is another one, or the stored bytes were changed.
var ErrSealed = errors.New("the stored credential cannot be opened with this master key; put the key back that this installation used before")

// maxSecrets bounds what is sealed together.
const maxSecrets = 1 << 20

// Vault fills integration.Vault. It is safe for many callers at once.
type Vault struct {
	records Records
	now     func() time.Time

	mu     sync.RWMutex // held for reading until what was sealed is stored
	master *Master
	aead   tink.AEAD // envelopes under the master
}

var _ integration.Vault = (*Vault)(nil)

// New makes a Vault.
func New(records Records, master *Master) *Vault {
	v := &Vault{records: records, now: time.Now}
	v.use(master)
	return v
}

// use seals and opens with the master from now on. It waits for versions that
// are being sealed with the one before: afterwards all of those are stored.
func (v *Vault) use(master *Master) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.master, v.aead = master, aead.NewKMSEnvelopeAEAD2(aead.AES256GCMKeyTemplate(), master.aead)
}

// Seal stores a new version, durably, and returns its number (from 1).
func (v *Vault) Seal(ctx context.Context, integrationID string, secrets map[string]connector.Secret) (int64, error) {
	plain, err := encode(secrets)
	if err != nil {
		return 0, fmt.Errorf("seal a credential: %w", err)
	}
	defer clear(plain)
	v.mu.RLock()
	defer v.mu.RUnlock()
	version, err := v.records.AddSealed(ctx, integrationID, func(version int64) ([]byte, error) {
		return v.aead.Encrypt(plain, place(integrationID, version))
	})
	if err != nil {
		return 0, fmt.Errorf("seal a credential: %w", err)
	}
	return version, nil
}

// Open unseals a version. The audit line is written with the same transaction
// that reads it: when the line cannot be stored, nothing is opened.
func (v *Vault) Open(ctx context.Context, integrationID string, version int64, by, why string) (map[string]connector.Secret, error) {
	v.mu.RLock() // the key that sealed it is not dropped before it is open
	defer v.mu.RUnlock()
	sealed, err := v.records.TakeSealed(ctx, integrationID, version, v.opened(integrationID, version, by, why))
	if err != nil {
		return nil, fmt.Errorf("open credential version %d: %w", version, err)
	}
	return v.unseal(Sealed{Integration: integrationID, Version: version, Bytes: sealed})
}

func (v *Vault) opened(integrationID string, version int64, by, why string) integration.Event {
	return integration.Event{
		ID: uuid.Must(uuid.NewV7()).String(), Integration: integrationID, At: v.now(),
		Kind: integration.EventSecretOpened, By: by, Text: "Opened the credential: " + why + ".",
		Facts: map[string]string{"version": strconv.FormatInt(version, 10), "why": why},
	}
}

// unseal is called with the lock held.
func (v *Vault) unseal(s Sealed) (map[string]connector.Secret, error) {
	plain, err := v.aead.Decrypt(s.Bytes, place(s.Integration, s.Version))
	if err != nil { // what the cipher says helps nobody
		return nil, fmt.Errorf("open credential version %d: %w", s.Version, ErrSealed)
	}
	defer clear(plain)
	return decode(plain)
}

// Destroy overwrites versions for good.
func (v *Vault) Destroy(ctx context.Context, integrationID string, versions ...int64) error {
	if len(versions) == 0 {
		return nil
	}
	if err := v.records.DropSealed(ctx, integrationID, versions...); err != nil {
		return fmt.Errorf("destroy a credential: %w", err)
	}
	if err := v.records.Scrub(ctx); err != nil {
		return fmt.Errorf("destroy a credential: %w", err)
	}
	return nil
}

// Verify says at start-up whether the master key is the right one, with the
// first sealed version that there is. No secret leaves the call.
func (v *Vault) Verify(ctx context.Context) error {
	v.mu.RLock()
	defer v.mu.RUnlock()
	first, err := v.records.ListSealed(ctx, Sealed{}, 1)
	if err != nil {
		return fmt.Errorf("verify the master key: %w", err)
	}
	for _, s := range first {
		if _, err := v.unseal(s); err != nil {
			return fmt.Errorf("verify the master key: %w", ErrSealed)
		}
	}
	return nil
}

// place is the associated data that binds sealed bytes to their row.
func place(integrationID string, version int64) []byte {
	return []byte("regrant credential\x00" + integrationID + "\x00" + strconv.FormatInt(version, 10))
}

// encode is the one place that reveals secrets in order to seal them: a
// Secret encodes itself as a placeholder.
func encode(secrets map[string]connector.Secret) ([]byte, error) {
	plain := make(map[string]string, len(secrets))
	for name, s := range secrets {
		plain[name] = s.Reveal()
	}
	b, err := json.Marshal(stored{Secrets: plain})
	if err != nil {
		return nil, errors.New("the secrets cannot be encoded") // the error might quote one
	}
	if len(b) > maxSecrets {
		return nil, errors.New("the secrets are longer than 1 MiB together")
	}
	return b, nil
}

func decode(plain []byte) (map[string]connector.Secret, error) {
	var s stored
	if err := json.Unmarshal(plain, &s); err != nil {
		return nil, errors.New("the opened credential cannot be read: another version of Regrant wrote it")
	}
	secrets := make(map[string]connector.Secret, len(s.Secrets))
	for name, plain := range s.Secrets {
		secrets[name] = connector.NewSecret(plain)
	}
	return secrets, nil
}

// stored is what is sealed: an object, so that it can gain fields.
type stored struct {
	Secrets map[string]string `json:"secrets"`
}
