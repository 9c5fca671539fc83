package amazonrds

import (
	"crypto/x509"
	_ "embed"
	"encoding/pem"
	"strings"
	"time"
)

// The authorities of RDS itself, one set for each region.
//
//go:embed ca/rds.pem
var rdsRoots string

// Amazon's public authorities, which sign the certificates of RDS Proxy.
//
//go:embed ca/proxies.pem
var proxyRoots string

// rootsFor is the PEM of the authorities that a server behind the endpoint can
// have, and the earliest day on which one of them ends. Only those of its own
// region are trusted, where it is known. Both are empty for a region that
// Amazon opened after the list was made, and for China and GovCloud, which
// have lists of their own.
func rootsFor(e endpoint, region string) (roots string, ends time.Time) {
	list, word := rdsRoots, " "+region+" "
	if e.kind == proxy {
		list, word = proxyRoots, ""
	} else if region == "" {
		word = ""
	}
	var b strings.Builder
	for rest := []byte(list); ; {
		var block *pem.Block
		block, rest = pem.Decode(rest)
		if block == nil {
			return b.String(), ends
		}
		cert, err := x509.ParseCertificate(block.Bytes)
		if err != nil || !strings.Contains(cert.Subject.CommonName, word) {
			continue
		}
		b.Write(pem.EncodeToMemory(block))
		if ends.IsZero() || cert.NotAfter.Before(ends) {
			ends = cert.NotAfter
		}
	}
}
