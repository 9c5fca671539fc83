package credential_test

import (
	"context"

	"github.com/regrant/regrant/internal/credential"
	"github.com/regrant/regrant/internal/integration"
)

// one holds the same bytes as every version.
type one struct {
	credential.Records
	sealed []byte
}

func (o one) TakeSealed(context.Context, string, int64, integration.Event) ([]byte, error) {
	return o.sealed, nil
}
