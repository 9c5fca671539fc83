package amazonrds

import (
	"crypto/x509"
	"encoding/pem"
	"strings"
	"testing"
	"time"
)

func certificates(t *testing.T, text string) []*x509.Certificate {
	t.Helper()
	var certs []*x509.Certificate
	for rest := []byte(text); ; {
		var block *pem.Block
		block, rest = pem.Decode(rest)
		if block == nil {
			return certs
		}
		cert, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			t.Fatalf("certificate %d: %v", len(certs)+1, err)
		}
		certs = append(certs, cert)
	}
}

// TestRoots looks at every certificate that the binary brings along.
func TestRoots(t *testing.T) {
	t.Parallel()
	for _, list := range []struct {
		name, text string
		least      int
		owner      func(*x509.Certificate) bool
	}{
		{"rds.pem", rdsRoots, 81, func(c *x509.Certificate) bool {
			return strings.HasPrefix(c.Subject.CommonName, "Amazon RDS ") && strings.Contains(c.Subject.CommonName, " Root CA ") && c.Subject.Organization[0] == "Amazon Web Services, Inc."
		}},
		{"proxies.pem", proxyRoots, 5, func(c *x509.Certificate) bool {
			return strings.HasPrefix(c.Subject.CommonName, "Amazon Root CA ") || c.Subject.CommonName == "Starfield Services Root Certificate Authority - G2"
		}},
	} {
		certs := certificates(t, list.text)
		if len(certs) < list.least || len(certs) != strings.Count(list.text, "BEGIN CERTIFICATE") {
			t.Errorf("%s has %d certificates that can be read, want %d", list.name, len(certs), list.least)
		}
		for _, c := range certs {
			name := c.Subject.CommonName
			if !c.IsCA || c.CheckSignatureFrom(c) != nil {
				t.Errorf("%s: %s is no authority that signed itself", list.name, name)
			}
			if !list.owner(c) {
				t.Errorf("%s: %s is not one of Amazon's for databases", list.name, name)
			}
			if time.Now().AddDate(1, 0, 0).After(c.NotAfter) {
				t.Errorf("%s: %s ends on %s. Take a newer version of the package in ca/update.sh and run go generate ./connectors/amazonrds", list.name, name, c.NotAfter.Format(time.DateOnly))
			}
		}
	}
}

func TestRootsFor(t *testing.T) {
	t.Parallel()
	for host, want := range map[string]int{
		"shop.abcdefghijkl.eu-central-1.rds.amazonaws.com":         3,
		"shop.cluster-ro-abcdefghijkl.us-east-1.rds.amazonaws.com": 3,
		"pool.proxy-abcdefghijkl.eu-central-1.rds.amazonaws.com":   5,
		"shop.abcdefghijkl.us-gov-west-1.rds.amazonaws.com":        0,
		"shop.abcdefghijkl.rds.cn-north-1.amazonaws.com.cn":        0,
		"world.global-abcdefghijkl.global.rds.amazonaws.com":       81,
		"db.example.com": 81,
	} {
		e := parseEndpoint(host)
		roots, ends := rootsFor(e, e.region)
		certs := certificates(t, roots)
		if len(certs) != want || (want > 0) != ends.After(time.Now()) {
			t.Errorf("%s: %d roots until %s, want %d", host, len(certs), ends, want)
		}
		for _, c := range certs {
			if want == 3 && !strings.Contains(c.Subject.CommonName, " "+e.region+" ") {
				t.Errorf("%s trusts %s", host, c.Subject.CommonName)
			}
		}
	}
}
