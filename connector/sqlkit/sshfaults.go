package sqlkit

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"syscall"
	"time"
	"unicode"

	"golang.org/x/crypto/ssh"

	"github.com/regrant/regrant/connector"
)

// Phases, told in Fault.Facts["phase"]: the same error means other things in
// another one.
const (
	phaseResolve = "resolve"
	phaseTCP     = "tcp"
	phaseTLS     = "tls"
	phaseSSHDial = "ssh_dial"
	phaseHostKey = "ssh_hostkey"
	phaseSSHAuth = "ssh_auth"
	phaseForward = "ssh_forward"
)

// unreachable is about the way to the SSH server itself.
func (e *entry) unreachable(err error) error {
	f := networkFault("ssh", "the SSH server", e.cfg.Address, err)
	if f == nil {
		return &connector.Fault{
			Cause: connector.Unknown, Code: "ssh.unreachable", Step: connector.StepReach, Err: err,
			Public: "Regrant could not connect to the SSH server, for a reason it has not seen before.",
			Facts:  map[string]string{"phase": phaseSSHDial, "address": e.cfg.Address},
		}
	}
	if f.Facts["phase"] == phaseTCP {
		f.Facts["phase"] = phaseSSHDial
	}
	return f
}

// failed turns the end of a handshake into a fault. The library has one text
// for most of them; what tells them apart is how far it had come.
func (e *entry) failed(w *wire, trusted bool, err error) error {
	var negotiation *ssh.AlgorithmNegotiationError
	switch {
	case errors.Is(err, errScanned):
		return err
	case errors.Is(err, errRevoked):
		return hostKeyRevoked(e.cfg, err)
	case errors.Is(err, errChanged):
		return err // judged by open, which knows what the server shows now
	case errors.As(err, &negotiation):
		return e.noCommonAlgorithm(negotiation, err)
	case errors.Is(err, context.Canceled):
		return err
	case timedOut(err):
		return e.fault(connector.Outage, "ssh.timeout", connector.StepReach, phaseSSHDial, err,
			"The SSH server at %s was reached, but does not answer in time. Regrant tries again by itself.", e.cfg.Address)
	case trusted && !hungUp(err):
		return e.loginRefused(err)
	case trusted:
		return e.fault(connector.Outage, "ssh.closed_during_login", connector.StepSignIn, phaseSSHAuth, err,
			"The SSH server at %s closed the connection during the login. Regrant tries again by itself; if this stays, ask its administrator whether the user is locked or has expired.", e.cfg.Address)
	}
	return e.strange(w, err)
}

// strange is an end before any host key was shown.
func (e *entry) strange(w *wire, err error) error {
	by := w.answeredBy()
	switch {
	case by == busySSH:
		f := e.fault(connector.Throttled, "ssh.too_many_attempts", connector.StepReach, phaseSSHDial, err,
			"The SSH server at %s turns new connections away at the moment, because there were too many. Regrant waits and tries again by itself.", e.cfg.Address)
		f.Retry = 2 * time.Minute
		return f
	case by == stranger || by == nobody && e.firstContact() && hungUp(err):
		return e.fault(connector.Invalid, "ssh.not_ssh", connector.StepReach, phaseSSHDial, err,
			"Something answers at %s, but it is not an SSH server. Check the SSH host and port: the port is usually 22.", e.cfg.Address)
	case hungUp(err):
		f := e.fault(connector.Outage, codeClosedEarly, connector.StepReach, phaseSSHDial, err,
			"The SSH server at %s closes connections before saying a word: it may be restarting or turn newcomers away. Regrant tries again by itself.", e.cfg.Address)
		f.Retry = time.Minute
		return f
	}
	return e.fault(connector.Unknown, "ssh.handshake_failed", connector.StepReach, phaseSSHDial, err,
		"The SSH server at %s answered in a way that Regrant has not seen before.", e.cfg.Address)
}

// firstContact says whether no key of this server was ever trusted.
func (e *entry) firstContact() bool { return e.fresh || len(e.known.keys) == 0 }

// noCommonAlgorithm about host keys is a changed key when some were enrolled:
// the server no longer shows a key of any enrolled type.
func (e *entry) noCommonAlgorithm(n *ssh.AlgorithmNegotiationError, err error) error {
	if n.What == "host key" && len(e.known.keys) > 0 && !e.fresh {
		return fmt.Errorf("%w: %w", errChanged, err)
	}
	cause := connector.AccessChanged
	if e.firstContact() {
		cause = connector.Invalid
	}
	f := e.fault(cause, "ssh.no_common_algorithm", connector.StepReach, phaseSSHDial, err,
		"The SSH server at %s and Regrant know no common way to encrypt. The server is very old or was restricted a lot: ask its administrator to allow current algorithms.", e.cfg.Address)
	f.Facts["kind"] = n.What
	f.Facts["ours"] = list(n.SupportedAlgorithms)
	f.Facts["theirs"] = list(n.RequestedAlgorithms)
	return f
}

// loginRefused splits what the server puts into one sentence, as far as it can
// be split: it never says whether a key was removed, has expired, or the user
// is unknown.
func (e *entry) loginRefused(err error) error {
	l, database := e.login, oneOf(e.cfg.Database, "127.0.0.1:PORT")
	switch {
	case errors.Is(err, errSecondFactor):
		return e.fault(connector.AccessChanged, "ssh.second_factor", connector.StepSignIn, phaseSSHAuth, err,
			"The SSH server at %s asks for something only a person can answer, such as a code from a phone. Ask its administrator to let the user %s in with a key alone.", e.cfg.Address, e.cfg.User)
	case l.signer != nil && !l.keyTried.Load() && !l.passwordTried.Load():
		return e.fault(connector.AccessChanged, "ssh.method_not_offered", connector.StepSignIn, phaseSSHAuth, err,
			"The SSH server at %s takes no keys from the user %s. Ask its administrator to allow public keys (PubkeyAuthentication yes).", e.cfg.Address, e.cfg.User)
	case l.signer == nil && !l.passwordTried.Load():
		return e.fault(connector.AccessChanged, "ssh.method_not_offered", connector.StepSignIn, phaseSSHAuth, err,
			"The SSH server at %s takes no passwords from the user %s. Use a key instead; Regrant can make one.", e.cfg.Address, e.cfg.User)
	case l.signer == nil:
		return e.fault(connector.AccessChanged, "ssh.password_refused", connector.StepSignIn, phaseSSHAuth, err,
			"The SSH server at %s refused the password of the user %s. It does not say whether the password was changed, has expired, or the user was removed. Enter the present password.", e.cfg.Address, e.cfg.User)
	}
	f := e.fault(connector.AccessChanged, "ssh.login_refused", connector.StepSignIn, phaseSSHAuth, err,
		"The SSH server at %s refused the key of the user %s. It does not say why: the key may be missing in authorized_keys or have expired, or the user may be unknown or locked. The line for authorized_keys is:\n%s",
		e.cfg.Address, e.cfg.User, AuthorizedKeysLine(l.publicKey(), database))
	f.Facts["key_fingerprint"] = ssh.FingerprintSHA256(l.signer.PublicKey())
	return f
}

func (e *entry) fault(cause connector.Cause, code string, step connector.Step, phase string, err error, public string, args ...any) *connector.Fault {
	return &connector.Fault{
		Cause: cause, Code: code, Step: step, Err: err,
		Public: fmt.Sprintf(public, args...),
		Facts:  map[string]string{"phase": phase, "address": e.cfg.Address, "ssh_user": e.cfg.User},
	}
}

func unreadableTrust(err error) *connector.Fault {
	return &connector.Fault{
		Cause: connector.Ours, Code: "ssh.host_keys_unreadable", Step: connector.StepTrust, Err: err,
		Public: "The stored host keys of the SSH server cannot be read any more, so Regrant does not connect. Whoever runs this Regrant finds the reason in the log.",
		Facts:  map[string]string{"phase": phaseHostKey},
	}
}

func hostKeyRevoked(cfg TunnelConfig, err error) *connector.Fault {
	return &connector.Fault{
		Cause: connector.AccessChanged, Code: "ssh.host_key_revoked", Step: connector.StepTrust, Err: err,
		Public: "The SSH server at " + cfg.Address + " shows a key that was marked as revoked. Ask its administrator to give it a new one.",
		Facts:  map[string]string{"phase": phaseHostKey, "address": cfg.Address},
	}
}

// hostKeyChanged blocks until a person decides.
func hostKeyChanged(cfg TunnelConfig, old, shown []ssh.PublicKey, err error) *connector.Fault {
	before, now := pair(old, shown)
	was, is := ssh.FingerprintSHA256(before), ssh.FingerprintSHA256(now)
	return &connector.Fault{
		Cause: connector.AccessChanged,
		Code:  oneOf(cfg.Connector, "ssh") + ".ssh_host_key_changed",
		Step:  connector.StepTrust,
		Err:   err,
		Public: fmt.Sprintf("The SSH server at %s shows another key than before, so Regrant does not connect. Either it was rebuilt, or somebody pretends to be it. "+
			"Before: %s. Now: %s. Compare the new one with the server's administrator (ssh-keygen -lf on the server shows it), then re-authorize and enter it under \"Accept a new host key\".", cfg.Address, was, is),
		Facts: map[string]string{
			"phase": phaseHostKey, "address": cfg.Address, "key_type": now.Type(),
			"old_fingerprint": was, "new_fingerprint": is,
		},
	}
}

// pair picks the first key that differs together with its predecessor of the
// same type, if there is one.
func pair(old, shown []ssh.PublicKey) (before, now ssh.PublicKey) {
	for _, key := range shown {
		if was := ofType(old, key.Type()); was != nil && !contains(old, key) {
			return was, key
		}
	}
	for _, key := range shown {
		if !contains(old, key) {
			return old[0], key
		}
	}
	return old[0], shown[0]
}

// forwardFault is about the way from the SSH server to the database.
func forwardFault(refused *ssh.OpenChannelError, address, publicKey string) *connector.Fault {
	f := &connector.Fault{Err: refused, Facts: map[string]string{
		"phase": phaseForward, "address": address, "reason": fmt.Sprint(uint32(refused.Reason)), "ssh_message": clean(refused.Message),
	}}
	switch refused.Reason {
	case ssh.Prohibited, ssh.UnknownChannelType:
		f.Cause, f.Code, f.Step = connector.AccessChanged, "ssh.forwarding_refused", connector.StepSignIn
		f.Public = "The SSH server lets Regrant log in, but not through to " + address + ". Forwarding was switched off there (AllowTcpForwarding), or this target is not permitted. The line for authorized_keys is:\n" + AuthorizedKeysLine(publicKey, address)
	case ssh.ConnectionFailed:
		f.Cause, f.Code, f.Step = connector.Outage, "ssh.target_unreachable", connector.StepReach
		f.Public = "The SSH server works, but it cannot reach the database at " + address + ": the database may be down, or a firewall stands between them. Regrant tries again by itself."
	case ssh.ResourceShortage:
		f.Cause, f.Code, f.Step, f.Retry = connector.Throttled, "ssh.too_many_sessions", connector.StepReach, 30*time.Second
		f.Public = "The SSH server allows no more connections at the moment. Regrant waits and tries again by itself."
	default:
		f.Cause, f.Code, f.Step = connector.Unknown, "ssh.forwarding_failed", connector.StepReach
		f.Public = "The SSH server did not connect to the database, for a reason that Regrant has not seen before."
	}
	return f
}

// targetSilent is a database, or a firewall, that lets the SSH server wait.
func targetSilent(address string, err error) *connector.Fault {
	return &connector.Fault{
		Cause: connector.Outage, Code: "ssh.target_unreachable", Step: connector.StepReach, Err: err,
		Public: "The SSH server works, but gets no answer from the database at " + address + ": the database may be down, or a firewall stands between them. Regrant tries again by itself.",
		Facts:  map[string]string{"phase": phaseForward, "address": address},
	}
}

// tunnelLost is a tunnel that worked and broke.
func tunnelLost(address string, err error) *connector.Fault {
	if err == nil {
		err = io.EOF
	}
	return &connector.Fault{
		Cause: connector.Outage, Code: "ssh.tunnel_lost", Step: connector.StepReach,
		Public: "The SSH tunnel broke. Regrant opens it again by itself and goes on where it was.",
		Facts:  map[string]string{"phase": phaseSSHDial, "address": address},
		Err:    fmt.Errorf("SSH tunnel to %s: %w", address, err),
	}
}

// hungUp says whether the other side ended the connection.
func hungUp(err error) bool {
	return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, syscall.ECONNRESET) ||
		errors.Is(err, syscall.EPIPE) || errors.Is(err, syscall.ECONNABORTED)
}

func timedOut(err error) bool {
	var n net.Error
	return errors.Is(err, os.ErrDeadlineExceeded) || errors.Is(err, context.DeadlineExceeded) || errors.As(err, &n) && n.Timeout()
}

// clean makes a foreign text short and printable.
func clean(s string) string {
	const most = 400
	s = strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return ' '
	}, strings.ToValidUTF8(s, "?"))
	if len(s) > most {
		s = strings.ToValidUTF8(s[:most], "") + "…"
	}
	return s
}

func list(names []string) string {
	if len(names) > 20 {
		names = names[:20]
	}
	return clean(strings.Join(names, " "))
}
