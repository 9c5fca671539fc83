package app

import (
	"context"

	"github.com/regrant/regrant/internal/integration"
)

type trusting struct{}

func (trusting) Diagnose(_ context.Context, f integration.Failure) integration.Verdict {
	return integration.Verdict{Cause: f.Fault.Cause, Code: f.Fault.Code, Public: f.Fault.Public, Confidence: integration.Likely}
}
