package credential

import (
	"context"
	"fmt"

	"github.com/regrant/regrant/connector"
)

// rekeyBatch is how many versions are read at a time.
const rekeyBatch = 100

// Rekey gives the installation whose master key is in the file a new one and
// seals every version again with it, while others go on to seal and open. It
// can be repeated after any crash: until all is sealed again the file holds
// the old keys, too, and when it holds several, the change that was begun is
// ended instead of a new one.
func (v *Vault) Rekey(ctx context.Context, path string) (versions int, err error) {
	if path == "" {
		return 0, fmt.Errorf("change the master key: it comes from %s; put a new key before the old one there, separated by a comma, and start again", EnvMaster)
	}
	both, err := readMaster(path)
	if err != nil {
		return 0, err
	}
	if len(both.keys) == 1 {
		if both, err = extend(path, both); err != nil {
			return 0, fmt.Errorf("change the master key: %w", err)
		}
	}
	v.use(both)
	if versions, err = v.Reseal(ctx); err != nil {
		return versions, err
	}
	alone, err := newMaster(both.keys[:1])
	if err != nil {
		return versions, fmt.Errorf("change the master key: %w", err)
	}
	if err := write(path, alone.text()); err != nil {
		return versions, fmt.Errorf("change the master key: %w", err)
	}
	v.use(alone)
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
// with the first one, and returns how many there were. It passes over all of
// them until it met none that somebody changed meanwhile.
func (v *Vault) Reseal(ctx context.Context) (versions int, err error) {
	for moved := true; moved; {
		var done int
		done, moved, err = v.resealAll(ctx)
		versions += done
		if err != nil {
			return versions, fmt.Errorf("seal credentials again: %w", err)
		}
	}
	if err := v.records.Scrub(ctx); err != nil {
		return versions, fmt.Errorf("seal credentials again: %w", err)
	}
	return versions, nil
}

func (v *Vault) resealAll(ctx context.Context) (done int, moved bool, err error) {
	var after Sealed
	for {
		batch, err := v.records.ListSealed(ctx, after, rekeyBatch)
		if err != nil || len(batch) == 0 {
			return done, moved, err
		}
		for _, s := range batch {
			if v.isCurrent(s) {
				continue
			}
			swapped, err := v.reseal(ctx, s)
			if err != nil {
				return done, moved, err
			}
			if swapped {
				done++
			} else {
				moved = true
			}
		}
		after = batch[len(batch)-1]
	}
}

func (v *Vault) isCurrent(s Sealed) bool {
	v.mu.RLock()
	defer v.mu.RUnlock()
	return v.master.sealedWithFirst(s.Bytes)
}

// reseal says false when the version was changed or destroyed meanwhile.
func (v *Vault) reseal(ctx context.Context, s Sealed) (bool, error) {
	v.mu.RLock()
	defer v.mu.RUnlock()
	plain, err := v.aead.Decrypt(s.Bytes, place(s.Integration, s.Version))
	if err != nil {
		return false, ErrSealed
	}
	defer clear(plain)
	sealed, err := v.aead.Encrypt(plain, place(s.Integration, s.Version))
	if err != nil {
		return false, fmt.Errorf("seal: %w", err)
	}
	return v.records.SwapSealed(ctx, s, sealed)
}
