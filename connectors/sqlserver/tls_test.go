package sqlserver

import (
	"crypto/tls"
	"testing"

	"github.com/regrant/regrant/connector"
	"github.com/regrant/regrant/internal/testservers/pki"
)

// encrypted is a server with a certificate for the name.
func encrypted(t *testing.T, name string) (bundle, string) {
	t.Helper()
	ca, err := pki.NewCA("test")
	if err != nil {
		t.Fatal(err)
	}
	pair, err := ca.Server(name)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := pair.TLS()
	if err != nil {
		t.Fatal(err)
	}
	b := setup(t, counted("t", 3000))
	b.Stop()
	// TDS 7 servers answer with TLS 1.2.
	b.TLS = &tls.Config{Certificates: []tls.Certificate{cert}, MaxVersion: tls.VersionTLS12, MinVersion: tls.VersionTLS12}
	if err := b.Start(); err != nil {
		t.Fatal(err)
	}
	return b, string(ca.PEM())
}

func TestEncryption(t *testing.T) {
	t.Parallel()
	sound, ca := encrypted(t, "127.0.0.1")
	other, otherCA := encrypted(t, "db.example.com")
	bare := setup(t, counted("t", 3000))
	cases := []struct {
		name, mode, ca, server string
		of                     bundle
		code                   string // empty: works
		cause                  connector.Cause
		tls                    string
	}{
		{"full", "verify-full", ca, "", sound, "", 0, "true"},
		{"ca only", "verify-ca", ca, "", sound, "", 0, "true"},
		{"unchecked", "require", "", "", sound, "", 0, "true"},
		{"if the server can: it can", "prefer", "", "", sound, "", 0, "true"},
		{"if the server can: it cannot", "prefer", "", "", bare, "", 0, "false"},
		{"off", "off", "", "", bare, "", 0, "false"},
		{"another name, told", "verify-full", otherCA, "db.example.com", other, "", 0, "true"},
		{"another name", "verify-full", otherCA, "", other, "tls.wrong_name", connector.AccessChanged, ""},
		{"ca only, another name", "verify-ca", otherCA, "", other, "", 0, "true"},
		{"another authority", "verify-full", otherCA, "", sound, "tls.unknown_authority", connector.AccessChanged, ""},
		{"another authority, ca only", "verify-ca", otherCA, "", sound, "tls.unknown_authority", connector.AccessChanged, ""},
		{"not offered", "verify-full", ca, "", bare, "tls.not_offered", connector.AccessChanged, ""},
		{"strict with an old server", "strict", ca, "", sound, "", connector.AccessChanged, ""},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			env := c.of.env()
			env.Settings["tls_mode"], env.Settings["tls_ca"], env.Settings["tls_server_name"] = c.mode, c.ca, c.server
			s := openEnv(t, env)
			found, err := s.Check(testContext(t))
			switch {
			case c.mode == "strict":
				if f := faultOf(t, err); f.Cause == connector.Unknown || f.Step > connector.StepTrust {
					t.Errorf("got %s, %s: %v", f.Cause, f.Code, err)
				}
			case c.code != "":
				if f := faultOf(t, err); f.Code != c.code || f.Cause != c.cause || f.Step != connector.StepTrust {
					t.Errorf("got %s, %s, want %s: %v", f.Cause, f.Code, c.code, err)
				}
			case err != nil:
				t.Errorf("%v", err)
			default:
				if found.Facts["tls"] != c.tls {
					t.Errorf("tls is %s", found.Facts["tls"])
				}
				if got := read(t, s, request(tableOf(t, s, "dbo.t"), connector.FullTable, "")); len(got.rows) != 3000 {
					t.Errorf("%d rows", len(got.rows))
				}
			}
		})
	}
}

// Azure's gateway sends clients on to the machine that has the database, which
// has another name; the certificate is checked by that one.
func TestSentOnByAGateway(t *testing.T) {
	t.Parallel()
	behind, ca := encrypted(t, "127.0.0.1")
	for name, want := range map[string]string{"127.0.0.1": "", "localhost": "tls.wrong_name"} {
		gateway := setup(t)
		gateway.Stop()
		gateway.TLS, gateway.SendOn, gateway.SendOnPort = behind.TLS, name, behind.Port()
		mustTB(t, gateway.Start())
		env := gateway.env()
		env.Settings["tls_mode"], env.Settings["tls_ca"] = "verify-full", ca
		s := openEnv(t, env)
		_, err := s.Check(testContext(t))
		if want != "" {
			if f := faultOf(t, err); f.Code != want {
				t.Errorf("by the name %s: %s", name, f.Code)
			}
			continue
		}
		mustTB(t, err)
		if got := read(t, s, request(tableOf(t, s, "dbo.t"), connector.FullTable, "")); len(got.rows) != 3000 {
			t.Errorf("%d rows from behind the gateway", len(got.rows))
		}
	}
}
