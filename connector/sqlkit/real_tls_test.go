package sqlkit_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/regrant/regrant/connector"
	"github.com/regrant/regrant/connector/sqlkit"
	"github.com/regrant/regrant/internal/testservers/pki"
	"github.com/regrant/regrant/internal/testservers/postgres"
)

// signIn connects with exactly these options, without a fallback.
func signIn(t *testing.T, s *postgres.Server, o sqlkit.TLSOptions) error {
	t.Helper()
	conf, err := sqlkit.TLSConfig(o)
	if err != nil {
		t.Fatal(err)
	}
	cfg, err := pgx.ParseConfig(s.DSN(postgres.Superuser, "postgres"))
	if err != nil {
		t.Fatal(err)
	}
	cfg.TLSConfig, cfg.Fallbacks = conf, nil
	conn, err := pgx.ConnectConfig(within(t, 10*time.Second), cfg)
	if err == nil {
		return conn.Close(context.Background())
	}
	if f := (sqlkit.Attempt{Host: s.Address(), TLS: conf}).Fault(err); f != nil {
		return f
	}
	return err
}

func TestRealTLS(t *testing.T) {
	t.Parallel()
	s := postgres.Start(t, postgres.WithTLS("db.example"))
	full := sqlkit.TLSOptions{Mode: sqlkit.VerifyFull, CA: s.CAPEM(), ServerName: "db.example"}
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	must(signIn(t, s, full))

	byAddress, otherName, anyName := full, full, full
	byAddress.ServerName = "127.0.0.1"
	otherName.ServerName = "other.example"
	anyName.Mode, anyName.ServerName = sqlkit.VerifyCA, "other.example"
	must(signIn(t, s, byAddress))
	must(signIn(t, s, anyName))
	want(t, signIn(t, s, otherName), connector.AccessChanged, "tls.wrong_name", connector.StepTrust)

	old, err := s.CA().Issue(pki.Request{Names: []string{"db.example"}, NotAfter: time.Now().Add(-time.Minute)})
	must(err)
	must(s.SetCertificate(t.Context(), old))
	want(t, signIn(t, s, full), connector.Expired, "tls.server_certificate_expired", connector.StepTrust)

	rotated, err := pki.NewCA("the new one")
	must(err)
	pair, err := rotated.Server("db.example")
	must(err)
	must(s.SetCertificate(t.Context(), pair))
	want(t, signIn(t, s, full), connector.AccessChanged, "tls.unknown_authority", connector.StepTrust)
	full.CA = string(rotated.PEM())
	must(signIn(t, s, full))
}

func TestRealClientCertificates(t *testing.T) {
	t.Parallel()
	s := postgres.Start(t, postgres.WithTLS(), postgres.WithHBA("hostssl all all 127.0.0.1/32 scram-sha-256 clientcert=verify-ca"))
	stranger, err := pki.NewCA("somebody else")
	if err != nil {
		t.Fatal(err)
	}
	next, last := time.Now().Add(time.Hour), time.Now().Add(-time.Minute)
	for _, c := range []struct {
		name     string
		ca       *pki.CA
		notAfter time.Time
		cause    connector.Cause
		code     string
	}{
		{"good", s.CA(), next, 0, ""},
		{"expired", s.CA(), last, connector.Expired, "tls.client_certificate_expired"},
		{"of another authority", stranger, next, connector.AccessChanged, "tls.client_certificate_refused"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			pair, err := c.ca.Issue(pki.Request{CommonName: "postgres", Client: true, NotAfter: c.notAfter})
			if err != nil {
				t.Fatal(err)
			}
			options := sqlkit.TLSOptions{
				Mode: sqlkit.VerifyFull, CA: s.CAPEM(), ServerName: "localhost",
				Cert: string(pair.CertPEM), Key: connector.NewSecret(string(pair.KeyPEM)),
			}
			err = signIn(t, s, options)
			for range 20 {
				if err == nil || connector.FaultOf(err).Code != "net.reset" {
					break
				}
				err = signIn(t, s, options) // the reset overtook the alert
			}
			if c.code == "" {
				if err != nil {
					t.Fatal(err)
				}
				return
			}
			want(t, err, c.cause, c.code, connector.StepTrust)
		})
	}
	t.Run("none", func(t *testing.T) {
		t.Parallel()
		err := signIn(t, s, sqlkit.TLSOptions{Mode: sqlkit.VerifyFull, CA: s.CAPEM(), ServerName: "localhost"})
		var pg *pgconn.PgError
		if !errors.As(err, &pg) || pg.Code != "28000" {
			t.Fatalf("PostgreSQL asks for a certificate by itself, with 28000: %v", err)
		}
	})
}
