package credential

import (
	"context"

	"github.com/regrant/regrant/internal/integration"
)

// Records keeps sealed versions.
type Records interface {
	// AddSealed stores the next version, durably: one more than the highest
	// number that was ever given for the integration. seal makes the bytes
	// for that number; the number is given to nobody else meanwhile.
	AddSealed(ctx context.Context, integrationID string, seal func(version int64) ([]byte, error)) (int64, error)

	// TakeSealed returns a sealed version and stores the event in the same
	// transaction: either both or neither. It returns integration.ErrNotFound
	// when there is no such version, or it was destroyed.
	TakeSealed(ctx context.Context, integrationID string, version int64, event integration.Event) ([]byte, error)

	// DropSealed overwrites versions for good. Their numbers are not given
	// again. Versions that are not there are no error.
	DropSealed(ctx context.Context, integrationID string, versions ...int64) error

	// ListSealed returns up to limit versions after the given one in a fixed
	// order, without an audit line. The zero Sealed is before the first.
	ListSealed(ctx context.Context, after Sealed, limit int) ([]Sealed, error)

	// SwapSealed replaces sealed bytes that are still the old ones. It says
	// false when they are not.
	SwapSealed(ctx context.Context, old Sealed, replacement []byte) (bool, error)

	// Scrub removes what replaced bytes left behind.
	Scrub(ctx context.Context) error
}

// Sealed is one stored version.
type Sealed struct {
	Integration string
	Version     int64
	Bytes       []byte
}
