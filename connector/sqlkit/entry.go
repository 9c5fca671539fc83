package sqlkit

import (
	"context"
	"errors"
	"sync/atomic"
	"time"

	"golang.org/x/crypto/ssh"

	"github.com/regrant/regrant/connector"
)

// entry is the way into a tunnel: reach, trust, log in.
type entry struct {
	cfg   TunnelConfig
	login *login
	known hostKeys
	fresh bool // the keys were enrolled just now
}

func (e *entry) open(ctx context.Context) (*Tunnel, error) {
	if len(e.known.keys) == 0 {
		if err := e.enrol(ctx); err != nil {
			return nil, err
		}
	}
	t, err := e.logIn(ctx)
	if !errors.Is(err, errChanged) {
		return t, err
	}
	if err := e.acceptNewKeys(ctx, err); err != nil {
		return nil, err
	}
	return e.logIn(ctx)
}

// enrol trusts the keys that the server shows now: first contact.
func (e *entry) enrol(ctx context.Context) error {
	shown, err := e.scan(ctx)
	if err != nil {
		return err
	}
	e.known.keys, e.fresh = shown, true
	return nil
}

// acceptNewKeys enrols anew if a person has named the new key's fingerprint.
// Otherwise it tells both fingerprints: nobody but a person can know whether
// the server was rebuilt or somebody sits in between.
func (e *entry) acceptNewKeys(ctx context.Context, mismatch error) error {
	shown, err := e.scan(ctx)
	if err != nil {
		return err
	}
	if e.cfg.AcceptHostKey != "" {
		for _, key := range shown {
			if sameFingerprint(e.cfg.AcceptHostKey, key) && !contains(e.known.revoked, key) {
				e.known.keys, e.fresh = shown, true
				return nil
			}
		}
	}
	return hostKeyChanged(e.cfg, e.known.keys, shown, mismatch)
}

// scan looks at every host key of the server, one connection for each kind.
func (e *entry) scan(ctx context.Context) ([]ssh.PublicKey, error) {
	var keys []ssh.PublicKey
	var none error
	for _, group := range algorithmGroups() {
		key, err := e.look(ctx, group)
		var missing *ssh.AlgorithmNegotiationError
		switch {
		case err == nil:
			keys = append(keys, key)
		case errors.As(err, &missing):
			none = err // the server has no key of this kind
		case connector.FaultOf(err).Code == codeClosedEarly:
			none = err // a reset may overtake the list of algorithms
		default:
			return nil, err
		}
	}
	if len(keys) == 0 {
		return nil, none
	}
	return keys, nil
}

// codeClosedEarly is looked at by scan.
const codeClosedEarly = "ssh.closed_early"

// look gets one host key and hangs up before logging in.
func (e *entry) look(ctx context.Context, algorithms []string) (ssh.PublicKey, error) {
	var shown ssh.PublicKey
	record := func(key ssh.PublicKey) error {
		shown = key
		return errScanned
	}
	_, err := e.shake(ctx, &ssh.ClientConfig{
		User: e.cfg.User, HostKeyAlgorithms: algorithms, HostKeyCallback: onKey(record),
	})
	if errors.Is(err, errScanned) {
		return shown, nil
	}
	return nil, err
}

// logIn is strict: only enrolled keys, and only asked for by their types.
func (e *entry) logIn(ctx context.Context) (*Tunnel, error) {
	return e.shake(ctx, &ssh.ClientConfig{
		User: e.cfg.User, Auth: e.login.methods(),
		HostKeyAlgorithms: algorithmsFor(e.known.keys),
		HostKeyCallback:   onKey(e.known.judge),
	})
}

// shake connects and shakes hands; the caller's ctx and a limit of our own
// both end it.
func (e *entry) shake(ctx context.Context, cfg *ssh.ClientConfig) (*Tunnel, error) {
	ctx, cancel := context.WithTimeout(ctx, handshakeTimeout)
	defer cancel()
	conn, err := e.cfg.Dial(ctx, "tcp", e.cfg.Address)
	if err != nil {
		return nil, e.unreachable(err)
	}
	w := &wire{Conn: conn}
	stop := context.AfterFunc(ctx, func() { _ = w.Conn.SetDeadline(time.Unix(1, 0)) })
	var trusted atomic.Bool
	cfg.HostKeyCallback = noting(cfg.HostKeyCallback, &trusted)
	c, channels, requests, err := ssh.NewClientConn(w, e.cfg.Address, cfg)
	if err == nil && !stop() {
		_ = c.Close() // the deadline is set, or about to be
		err = context.Cause(ctx)
	}
	if err != nil {
		stop()
		_ = w.Close()
		return nil, e.failed(w, trusted.Load(), err)
	}
	return newTunnel(e, w, c, channels, requests), nil
}
