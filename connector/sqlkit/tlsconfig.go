package sqlkit

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"time"

	"github.com/regrant/regrant/connector"
)

// The TLS modes, as stored and shown.
const (
	Off        = "off"
	Prefer     = "prefer" // falls back to none; for use inside an SSH tunnel
	Require    = "require"
	VerifyCA   = "verify-ca"
	VerifyFull = "verify-full"
)

// TLSOptions are the values of TLSFields.
type TLSOptions struct {
	Mode       string
	ServerName string // the name that VerifyFull asks for
	CA         string // PEM; empty: the machine's own roots
	Cert       string // PEM of a client certificate; may be empty
	Key        connector.Secret
}

// TLSOptionsOf reads the values of TLSFields. The name to check is that of the
// field, else the host.
func TLSOptionsOf(env connector.Env) TLSOptions {
	return TLSOptions{
		Mode:       oneOf(env.Settings["tls_mode"], VerifyFull),
		ServerName: oneOf(env.Settings["tls_server_name"], env.Settings["host"]),
		CA:         env.Settings["tls_ca"],
		Cert:       env.Settings["tls_cert"],
		Key:        env.Secrets["tls_key"],
	}
}

// TLSConfig makes the configuration for a mode; nil for Off. Whether to fall
// back, in mode Prefer, is up to the caller. Its errors are faults of the form.
func TLSConfig(o TLSOptions) (*tls.Config, error) {
	if o.Mode == Off {
		return nil, nil
	}
	cfg := &tls.Config{MinVersion: tls.VersionTLS12, ServerName: o.ServerName}
	if err := addClientCertificate(cfg, o); err != nil {
		return nil, err
	}
	roots, err := rootsOf(o.CA)
	if err != nil {
		return nil, err
	}
	cfg.RootCAs = roots
	switch o.Mode {
	case Prefer, Require:
		cfg.InsecureSkipVerify = true // chosen by the person, and warned about
	case VerifyCA:
		cfg.InsecureSkipVerify = true // replaced by a check that leaves out the name
		cfg.VerifyConnection = verifyChain(roots)
	case VerifyFull:
	default:
		return nil, formFault("tls.mode_unknown", "Choose one of the offered kinds of encryption.", fmt.Errorf("no TLS mode is called %q", o.Mode))
	}
	return cfg, nil
}

func rootsOf(caPEM string) (*x509.CertPool, error) {
	if caPEM == "" {
		return nil, nil
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM([]byte(caPEM)) {
		return nil, formFault("tls.ca_unreadable", "The CA certificate cannot be read. Paste it in PEM form: it begins with \"-----BEGIN CERTIFICATE-----\".", errors.New("no certificate in the CA field"))
	}
	return pool, nil
}

func addClientCertificate(cfg *tls.Config, o TLSOptions) error {
	if o.Cert == "" && o.Key.Empty() {
		return nil
	}
	if o.Cert == "" || o.Key.Empty() {
		return formFault("tls.client_incomplete", "A client certificate and its key belong together. Enter both, or neither.", errors.New("client certificate or key is missing"))
	}
	pair, err := tls.X509KeyPair([]byte(o.Cert), []byte(o.Key.Reveal()))
	if err != nil {
		// The library's texts name the kinds of PEM blocks only, never their content.
		return formFault("tls.client_unreadable", "The client certificate and its key cannot be read, or do not belong together. Paste both in PEM form; the key without a passphrase.", err)
	}
	cfg.Certificates = []tls.Certificate{pair}
	// Left alone, the library keeps a certificate back that no authority the
	// server names has signed, and the server then asks for one: a refusal
	// tells more than that.
	cfg.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return &pair, nil }
	return nil
}

// verifyChain does what the library does by itself, without the name.
func verifyChain(roots *x509.CertPool) func(tls.ConnectionState) error {
	return func(cs tls.ConnectionState) error {
		if len(cs.PeerCertificates) == 0 {
			return errors.New("the server sent no certificate")
		}
		opts := x509.VerifyOptions{Roots: roots, Intermediates: x509.NewCertPool()}
		for _, c := range cs.PeerCertificates[1:] {
			opts.Intermediates.AddCert(c)
		}
		if _, err := cs.PeerCertificates[0].Verify(opts); err != nil {
			return &tls.CertificateVerificationError{UnverifiedCertificates: cs.PeerCertificates, Err: err}
		}
		return nil
	}
}

// ClientExpiry is when the client certificate runs out, for Identity.Expiries;
// false when there is none.
func ClientExpiry(cfg *tls.Config) (connector.Expiry, bool) {
	leaf := clientLeaf(cfg)
	if leaf == nil {
		return connector.Expiry{}, false
	}
	return connector.Expiry{What: "the client certificate", At: leaf.NotAfter, Source: connector.Certificate}, true
}

func clientLeaf(cfg *tls.Config) *x509.Certificate {
	if cfg == nil || len(cfg.Certificates) == 0 {
		return nil
	}
	return cfg.Certificates[0].Leaf
}

func clientExpired(cfg *tls.Config, now time.Time) bool {
	leaf := clientLeaf(cfg)
	return leaf != nil && now.After(leaf.NotAfter)
}

// TLSWarning is what to tell about a mode, in words for people; empty when
// there is nothing to worry about.
func TLSWarning(mode string, tunnelled bool) string {
	if tunnelled {
		return ""
	}
	switch mode {
	case Off:
		return "The connection to the database is not encrypted: password and data can be read on the way."
	case Prefer:
		return "Encryption can be switched off by whoever sits on the way to the database. Choose one of the stricter kinds."
	case Require:
		return "The certificate of the database is not checked: somebody on the way could pretend to be the database."
	}
	return ""
}
