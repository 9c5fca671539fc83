package amazonrds

import (
	"context"
	"fmt"
	"iter"
	"maps"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/regrant/regrant/connector"
)

// source adds what is Amazon's to the engine's own source.
type source struct {
	plan   *plan
	inner  connector.Source
	signer *signer // nil: a password
}

// Check proves the authorization and says what is known of the instance.
func (s *source) Check(ctx context.Context) (connector.Identity, error) {
	if err := s.signer.prepare(ctx); err != nil {
		return connector.Identity{}, s.own(ctx, err)
	}
	id, err := s.inner.Check(ctx)
	if err != nil {
		return connector.Identity{}, s.translate(ctx, err)
	}
	return s.describe(id), nil
}

// Tables lists what the engine's source lists.
func (s *source) Tables(ctx context.Context) ([]connector.Table, error) {
	if err := s.signer.prepare(ctx); err != nil {
		return nil, s.own(ctx, err)
	}
	tables, err := s.inner.Tables(ctx)
	return tables, s.translate(ctx, err)
}

// Read yields what the engine's source yields.
func (s *source) Read(ctx context.Context, req connector.Request) iter.Seq2[connector.Batch, error] {
	return func(yield func(connector.Batch, error) bool) {
		if err := s.signer.prepare(ctx); err != nil {
			yield(connector.Batch{}, s.own(ctx, err))
			return
		}
		for b, err := range s.inner.Read(ctx, req) {
			if !yield(b, s.translate(ctx, err)) {
				return
			}
		}
	}
}

// Close ends all connections. It may be called twice.
func (s *source) Close() error { return s.inner.Close() }

// describe adds to the identity what the endpoint and the form tell.
func (s *source) describe(id connector.Identity) connector.Identity {
	p := s.plan
	id.Facts = maps.Clone(id.Facts)
	if id.Facts == nil {
		id.Facts = map[string]string{}
	}
	maps.Copy(id.Facts, p.facts())
	if !p.rootsEnd.IsZero() {
		id.Expiries = append(id.Expiries, connector.Expiry{What: "Amazon's root certificate for " + or(p.endpoint.region, "RDS"), At: p.rootsEnd.UTC(), Source: connector.Certificate})
	}
	if !p.ends.IsZero() {
		id.Expiries = append(id.Expiries, connector.Expiry{What: "the temporary AWS keys", At: p.ends, Source: connector.ReadFromCredential})
	}
	id.Warnings = append(id.Warnings, p.warnings()...)
	return id
}

func (p *plan) facts() map[string]string {
	facts := map[string]string{"rds_engine": p.engine.value, "rds_sign_in": p.signIn}
	if p.endpoint.kind == elsewhere {
		return facts
	}
	facts["rds_endpoint"], facts["rds_endpoint_kind"], facts["rds_identifier"] = p.endpoint.name, string(p.endpoint.kind), p.endpoint.identifier
	if p.endpoint.region != "" {
		facts["rds_region"] = p.endpoint.region
	}
	return facts
}

func (p *plan) warnings() []string {
	var w []string
	if p.endpoint.kind == writer {
		w = append(w, "Regrant reads from the instance that also writes. If the cluster has a reader, its reader endpoint (cluster-ro) takes the load off.")
	}
	if p.signIn == withKeys && p.env.Secrets["aws_session_token"].Empty() {
		w = append(w, "The AWS access key is a lasting one, and AWS does not say here how old it is. Replace it from time to time, or use the role of this machine.")
	}
	if p.signIn == withKeys && !p.env.Secrets["aws_session_token"].Empty() && p.ends.IsZero() {
		w = append(w, "The AWS keys are temporary and nobody knows here when they end. Enter the end, and Regrant reminds you before.")
	}
	return w
}

// withPowers passes on the optional powers that the engine's source has.
func (s *source) withPowers() connector.Source {
	v, verifies := s.inner.(connector.Verifier)
	t, tallies := s.inner.(connector.Tallier)
	switch {
	case verifies && tallies:
		return struct {
			*source
			verifier
			tallier
		}{s, verifier{s, v}, tallier{s, t}}
	case verifies:
		return struct {
			*source
			verifier
		}{s, verifier{s, v}}
	case tallies:
		return struct {
			*source
			tallier
		}{s, tallier{s, t}}
	}
	return s
}

type verifier struct {
	s *source
	v connector.Verifier
}

// Exists asks the engine's source.
func (v verifier) Exists(ctx context.Context, table connector.Table, keys arrow.RecordBatch) ([]bool, error) {
	if err := v.s.signer.prepare(ctx); err != nil {
		return nil, v.s.own(ctx, err)
	}
	there, err := v.v.Exists(ctx, table, keys)
	return there, v.s.translate(ctx, err)
}

type tallier struct {
	s *source
	t connector.Tallier
}

// Tally asks the engine's source.
func (t tallier) Tally(ctx context.Context, table connector.Table, how connector.Replication, at connector.Position) (connector.Tally, error) {
	if err := t.s.signer.prepare(ctx); err != nil {
		return connector.Tally{}, t.s.own(ctx, err)
	}
	tally, err := t.t.Tally(ctx, table, how, at)
	return tally, t.s.translate(ctx, err)
}

// own is a fault of ours, unless the work was stopped.
func (s *source) own(ctx context.Context, err error) error {
	if ctx.Err() == nil {
		return err
	}
	return &connector.Fault{Cause: connector.Ours, Code: id + ".cancelled", Step: connector.StepSignIn,
		Err:    fmt.Errorf("get AWS credentials: %w", ctx.Err()),
		Public: "The work was stopped before it was done. Nothing is lost; it goes on from where it was."}
}
