package credential

import (
	"context"
	"errors"
	"fmt"

	"github.com/regrant/regrant/connector"
)

// rekeyBatch is how many versions are read at a time.
const rekeyBatch = 100

// Rekey gives the installation whose master key is in the file a new one and
// seals every version again with it. It can be repeated after any crash:
// until all is sealed again the file holds the old keys, too, and when it
// holds several, the change that was begun is ended instead of a new one.
func Rekey(ctx context.Context, path string, records Records) (versions int, err error) {
	if path == "" {
		return 0, fmt.Errorf("change the master key: it comes from %s; put a new key before the old one there, separated by a comma, and start again", EnvMaster)
	}
	old, err := readMaster(path)
	if err != nil {
		return 0, err
	}
	both := old
	if len(old.keys) == 1 {
		if both, err = extend(path, old); err != nil {
			return 0, fmt.Errorf("change the master key: %w", err)
		}
	}
	versions, err = New(records, both).Reseal(ctx)
	if err != nil {
		return versions, err
	}
	alone, err := newMaster(both.keys[:1])
	if err != nil {
		return versions, fmt.Errorf("change the master key: %w", err)
	}
	if err := write(path, alone.text()); err != nil {
		return versions, fmt.Errorf("change the master key: %w", err)
	}
	return versions, nil
}

// extend puts a new key before the old one in the file.
func extend(path string, old *Master) (*Master, error) {
	both, err := newMaster(append([]connector.Secret{NewMasterKey()}, old.keys...))
	if err != nil {
		return nil, err
	}
	return both, write(path, both.text())
}

// Reseal seals every version that was sealed with an older master key again
// with the first one, and returns how many there were.
func (v *Vault) Reseal(ctx context.Context) (int, error) {
	count := 0
	var after Sealed
	for {
		batch, err := v.records.ListSealed(ctx, after, rekeyBatch)
		if err != nil {
			return count, fmt.Errorf("seal credentials again: %w", err)
		}
		if len(batch) == 0 {
			break
		}
		for _, s := range batch {
			done, err := v.reseal(ctx, s)
			if err != nil {
				return count, fmt.Errorf("seal credentials again: %w", err)
			}
			count += done
		}
		after = batch[len(batch)-1]
	}
	if err := v.records.Scrub(ctx); err != nil {
		return count, fmt.Errorf("seal credentials again: %w", err)
	}
	return count, nil
}

// errMoved means that a sealed version was changed while it was sealed again.
var errMoved = errors.New("a credential was changed meanwhile; run it again")

func (v *Vault) reseal(ctx context.Context, s Sealed) (int, error) {
	if v.master.sealedWithFirst(s.Bytes) {
		return 0, nil
	}
	plain, err := v.aead.Decrypt(s.Bytes, place(s.Integration, s.Version))
	if err != nil {
		return 0, ErrSealed
	}
	defer clear(plain)
	sealed, err := v.aead.Encrypt(plain, place(s.Integration, s.Version))
	if err != nil {
		return 0, fmt.Errorf("seal: %w", err)
	}
	swapped, err := v.records.SwapSealed(ctx, s, sealed)
	if err != nil {
		return 0, err
	}
	if !swapped {
		return 0, errMoved
	}
	return 1, nil
}
