package sqlkit

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"strings"
	"syscall"
	"time"

	"github.com/regrant/regrant/connector"
)

// Attempt says what was tried when an error came up, for its Fault.
type Attempt struct {
	Host string // as dialled: host, or host:port
	TLS  *tls.Config
}

// Fault gives the fault of an error that is about reaching or trusting the
// server, or nil when it is about something else. A Fault that is already in
// the chain (of the tunnel, of the guarded dialer) is given as it is.
func (a Attempt) Fault(err error) *connector.Fault {
	if err == nil {
		return nil
	}
	var f *connector.Fault
	if errors.As(err, &f) {
		return f
	}
	if f := a.tlsFault(err); f != nil {
		return f
	}
	return networkFault("net", "the database server", a.Host, err)
}

// networkFault tells apart what keeps a connection from coming about, or ends
// it. Nobody is asked to re-authorize because of it.
func networkFault(prefix, what, host string, err error) *connector.Fault {
	var f *connector.Fault
	if errors.As(err, &f) {
		return f
	}
	if errors.Is(err, context.Canceled) {
		return nil
	}
	var dns *net.DNSError
	if errors.As(err, &dns) {
		return nameFault(prefix, what, host, dns, err)
	}
	if f := errnoFault(prefix, what, host, false, err); f != nil {
		return f
	}
	switch {
	case timedOut(err):
		return outage(prefix+".timeout", host, err,
			"%s at %s does not answer. It may be down, or a firewall does not let this Regrant through any more. Regrant tries again by itself.", upper(what), host)
	case hungUp(err):
		return outage(prefix+".closed", host, err,
			"%s at %s closed the connection. Regrant tries again by itself.", upper(what), host)
	}
	return errnoFault(prefix, what, host, true, err)
}

func nameFault(prefix, what, host string, dns *net.DNSError, err error) *connector.Fault {
	f := outage(prefix+".name_lookup_failed", host, err,
		"The name of %s, %s, cannot be looked up at the moment. Regrant tries again by itself.", what, host)
	if dns.IsNotFound {
		f = outage(prefix+".name_not_found", host, err,
			"The name of %s, %s, does not exist at the moment. If it is spelled right, the entry was removed or moved. Regrant tries again by itself.", what, host)
	}
	f.Facts["phase"] = phaseResolve
	f.Facts["name"] = dns.Name
	return f
}

// errno is what the system says about a connection. A local one is about our
// own machine and outranked by whatever came from outside.
type errno struct {
	number syscall.Errno
	name   string
	code   string
	local  bool
	text   string // with {host} and {What}
}

func errnos() []errno {
	const (
		cut     = "{What} at {host} cut the connection. Regrant tries again by itself."
		noWay   = "No way leads to {host} at the moment. The machine or the network before it may be down. Regrant tries again by itself."
		noNet   = "This Regrant has no network that leads to {host}. Whoever runs it should check its network."
		blocked = "This machine does not let Regrant connect to {host}. Whoever runs it should look at its firewall."
		files   = "Too many files and connections are open on this machine. Whoever runs this Regrant should raise the limit."
	)
	return []errno{
		{syscall.ECONNREFUSED, "ECONNREFUSED", "refused", false, "{What} at {host} refuses connections: it may be down or restarting, or listen on another port. Regrant tries again by itself."},
		{syscall.ECONNRESET, "ECONNRESET", "reset", false, cut},
		{syscall.ECONNABORTED, "ECONNABORTED", "reset", false, cut},
		{syscall.EPIPE, "EPIPE", "reset", false, cut},
		{syscall.EHOSTUNREACH, "EHOSTUNREACH", "host_unreachable", false, noWay},
		{syscall.EHOSTDOWN, "EHOSTDOWN", "host_unreachable", false, noWay},
		{syscall.ENETUNREACH, "ENETUNREACH", "network_unreachable", true, noNet},
		{syscall.ENETDOWN, "ENETDOWN", "network_unreachable", true, noNet},
		{syscall.EADDRNOTAVAIL, "EADDRNOTAVAIL", "no_local_address", true, "This Regrant has no free address or port left for a connection to {host}. Whoever runs it should check its network."},
		{syscall.EMFILE, "EMFILE", "too_many_files", true, files},
		{syscall.ENFILE, "ENFILE", "too_many_files", true, files},
		{syscall.EACCES, "EACCES", "blocked_here", true, blocked},
		{syscall.EPERM, "EPERM", "blocked_here", true, blocked},
	}
}

func errnoFault(prefix, what, host string, local bool, err error) *connector.Fault {
	for _, e := range errnos() {
		if e.local != local || !errors.Is(err, e.number) {
			continue
		}
		text := strings.NewReplacer("{What}", upper(what), "{host}", host).Replace(e.text)
		f := outage(prefix+"."+e.code, host, err, "%s", text)
		f.Facts["errno"] = e.name
		if local {
			f.Cause = connector.Ours
			f.Facts["local"] = "true"
		}
		return f
	}
	return nil
}

func outage(code, host string, err error, public string, args ...any) *connector.Fault {
	return &connector.Fault{
		Cause: connector.Outage, Code: code, Step: connector.StepReach, Err: err,
		Public: fmt.Sprintf(public, args...),
		Facts:  map[string]string{"phase": phaseTCP, "address": host},
	}
}

// upper makes the first letter one that begins a sentence; what is ASCII.
func upper(what string) string { return string(what[0]-'a'+'A') + what[1:] }

// tlsFault is about certificates, ours or the server's.
func (a Attempt) tlsFault(err error) *connector.Fault {
	if f := a.serverCertificateFault(err); f != nil {
		return f
	}
	var record tls.RecordHeaderError
	if errors.As(err, &record) {
		return a.NotOffered(err)
	}
	alert, ok := remoteAlert(err)
	expired := clientExpired(a.TLS, time.Now())
	// The reset that follows the server's alert may overtake it.
	if !ok && !(expired && hungUp(err)) {
		return nil
	}
	if alert == alertExpired || expired {
		return a.trustFault(connector.Expired, "tls.client_certificate_expired", err,
			"The client certificate has expired. Ask the database's administrator for a new one and re-authorize with it.")
	}
	if isAboutOurCertificate(alert) {
		return a.trustFault(connector.AccessChanged, "tls.client_certificate_refused", err,
			"The database server refused the client certificate. It may have been revoked, or the server asks for one and none was entered. Re-authorize with a present one.")
	}
	f := a.trustFault(connector.AccessChanged, "tls.handshake_refused", err,
		"The database server and Regrant could not agree on how to encrypt. Ask its administrator whether the TLS settings were changed; TLS 1.2 or newer is needed.")
	f.Facts["alert"] = fmt.Sprint(uint8(alert))
	return f
}

func (a Attempt) serverCertificateFault(err error) *connector.Fault {
	var name x509.HostnameError
	var invalid x509.CertificateInvalidError
	var authority x509.UnknownAuthorityError
	switch {
	case errors.As(err, &name):
		f := a.trustFault(connector.AccessChanged, "tls.wrong_name", err,
			"The certificate of the database server is not made out to "+clean(name.Host)+". Enter the name that stands in the certificate, or choose to check the certificate without the name.")
		f.Facts["expected_name"] = clean(name.Host)
		if name.Certificate != nil {
			f.Facts["certificate_names"] = list(name.Certificate.DNSNames)
		}
		return f
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired:
		return a.datesFault(invalid, err)
	case errors.As(err, &authority):
		return a.trustFault(connector.AccessChanged, "tls.unknown_authority", err,
			"The certificate of the database server comes from an authority that is not known here. Paste the CA certificate of the database; if there is one already, it may have been replaced by a new one.")
	case errors.As(err, &invalid), isVerification(err):
		return a.trustFault(connector.AccessChanged, "tls.certificate_invalid", err,
			"The certificate of the database server is not valid. Ask its administrator to look at it.")
	}
	return nil
}

func isVerification(err error) bool {
	var v *tls.CertificateVerificationError
	return errors.As(err, &v)
}

// datesFault tells a certificate that has run out from one that is not valid
// yet, which is a clock that is wrong, here or there.
func (a Attempt) datesFault(invalid x509.CertificateInvalidError, err error) *connector.Fault {
	cert := invalid.Cert
	if cert != nil && time.Now().Before(cert.NotBefore) {
		return a.trustFault(connector.AccessChanged, "tls.server_certificate_not_yet_valid", err,
			"The certificate of the database server is not valid yet. Either it was made too early, or the clock of this machine is wrong.")
	}
	f := a.trustFault(connector.Expired, "tls.server_certificate_expired", err,
		"The certificate of the database server has expired. Its administrator has to renew it; after that Regrant goes on by itself.")
	if cert != nil {
		f.Facts["not_after"] = cert.NotAfter.UTC().Format(time.RFC3339)
	}
	return f
}

// NotOffered is the fault of a server that does not speak TLS although the
// mode asks for it. Drivers have their own errors for it, hence exported.
func (a Attempt) NotOffered(err error) *connector.Fault {
	return a.trustFault(connector.AccessChanged, "tls.not_offered", err,
		"The database server does not offer encryption any more, or never did. Ask its administrator to switch TLS on; or choose another kind of encryption, if you may.")
}

func (a Attempt) trustFault(cause connector.Cause, code string, err error, public string) *connector.Fault {
	return &connector.Fault{
		Cause: cause, Code: code, Step: connector.StepTrust, Public: public, Err: err,
		Facts: map[string]string{"phase": phaseTLS, "address": a.Host},
	}
}

// Alerts of RFC 8446, section 6.
const (
	alertBadCertificate     tls.AlertError = 42
	alertUnsupported        tls.AlertError = 43
	alertRevoked            tls.AlertError = 44
	alertExpired            tls.AlertError = 45
	alertUnknown            tls.AlertError = 46
	alertUnknownCA          tls.AlertError = 48
	alertAccessDenied       tls.AlertError = 49
	alertCertificateMissing tls.AlertError = 116
)

func isAboutOurCertificate(a tls.AlertError) bool {
	switch a {
	case alertBadCertificate, alertUnsupported, alertRevoked, alertExpired, alertUnknown, alertUnknownCA, alertAccessDenied, alertCertificateMissing:
		return true
	}
	return false
}

// remoteAlert finds the alert that the other side sent. The library's type for
// it is not exported, but prints like the exported one.
func remoteAlert(err error) (tls.AlertError, bool) {
	var op *net.OpError
	if !errors.As(err, &op) || op.Op != "remote error" || op.Err == nil {
		return 0, false
	}
	text := op.Err.Error()
	for n := range 256 {
		if a := tls.AlertError(n); a.Error() == text {
			return a, true
		}
	}
	return 0, false
}
