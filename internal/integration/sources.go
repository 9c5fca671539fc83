package integration

import (
	"context"
	"fmt"
	"log/slog"
	"net"

	"github.com/regrant/regrant/connector"
)

// Sources opens integrations: it alone brings sealed credentials and
// connectors together.
type Sources struct{ config SourcesConfig }

// SourcesConfig wires Sources.
type SourcesConfig struct {
	Catalogue Catalogue
	Vault     Vault
	Dial      func(ctx context.Context, network, address string) (net.Conn, error)
	Endpoint  func(connectorID, fallback string) string // nil: no replacements
	Log       *slog.Logger
}

// NewSources makes Sources.
func NewSources(c SourcesConfig) *Sources { return &Sources{c} }

// Open opens an integration with the credential in force. The opening of the
// secret is audited with by and why.
func (s *Sources) Open(ctx context.Context, in Integration, by, why string) (connector.Source, error) {
	if !in.Finished() {
		return nil, &connector.Fault{Cause: connector.Invalid, Code: "integration.not_finished",
			Public: "This integration was never connected. Finish its form first.", Err: fmt.Errorf("%s has no credential", in.Slug)}
	}
	secrets, err := s.config.Vault.Open(ctx, in.ID, in.Authorization.Version, by, why)
	if err != nil {
		return nil, &connector.Fault{Cause: connector.Ours, Code: "credential.unreadable", Err: err,
			Public: "Regrant cannot open the stored credential. Check the master key of this installation; nobody has to re-authorize."}
	}
	return s.OpenWith(ctx, in, in.Authorization, secrets)
}

// OpenWith opens an integration with an authorization that is not in force:
// one that is to be verified.
func (s *Sources) OpenWith(ctx context.Context, in Integration, auth Authorization, secrets map[string]connector.Secret) (connector.Source, error) {
	d, err := s.config.Catalogue.Find(in.Connector)
	if err != nil {
		return nil, &connector.Fault{Cause: connector.Ours, Code: "connector.missing", Err: err,
			Public: fmt.Sprintf("This version of Regrant has no connector %q.", in.Connector)}
	}
	return d.Open(ctx, connector.Env{
		Settings: auth.Settings,
		Secrets:  secrets,
		Trust:    auth.Identity.Trust,
		Dial:     s.config.Dial,
		Endpoint: func(fallback string) string {
			if s.config.Endpoint == nil {
				return fallback
			}
			return s.config.Endpoint(d.ID, fallback)
		},
		Log: s.config.Log.With("integration_id", in.ID, "connector", d.ID),
	})
}
