package sqlkit

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strconv"
	"strings"
	"sync"

	"github.com/regrant/regrant/connector"
)

// Route is how a connector reaches its database: directly, or through one SSH
// tunnel that all its connections share. It dials nothing before DialContext,
// opens the tunnel with the first connection, and opens another when that one
// has broken. It is safe for concurrent use.
type Route struct {
	dial    DialFunc
	address string
	tunnel  *TunnelConfig // nil: direct

	opening chan struct{} // holds a token; whoever has it may open the tunnel
	mu      sync.Mutex
	open    *Tunnel
	trust   map[string]string
	closed  bool
}

// NewRoute reads the values of ConnectionFields and SSHFields. Its errors are
// faults of the form.
func NewRoute(id string, env connector.Env) (*Route, error) {
	address, err := addressOf(env.Settings, "host", "port")
	if err != nil {
		return nil, err
	}
	r := &Route{dial: env.Dial, address: address, opening: make(chan struct{}, 1)}
	switch env.Settings["connection"] {
	case "", Direct:
		return r, nil
	case ViaSSH:
	default:
		return nil, formFault("connection.unknown", "Choose one of the offered ways to connect.", fmt.Errorf("no connection is called %.40q", env.Settings["connection"]))
	}
	cfg, err := tunnelConfigOf(id, address, env)
	if err != nil {
		return nil, err
	}
	r.tunnel = &cfg
	return r, nil
}

func tunnelConfigOf(id, database string, env connector.Env) (TunnelConfig, error) {
	address, err := addressOf(env.Settings, "ssh_host", "ssh_port")
	if err != nil {
		return TunnelConfig{}, err
	}
	cfg := TunnelConfig{
		Connector: id, Dial: env.Dial, Address: address, Database: database, User: strings.TrimSpace(env.Settings["ssh_user"]),
		PrivateKey: env.Secrets["ssh_private_key"], Passphrase: env.Secrets["ssh_passphrase"], Password: env.Secrets["ssh_password"],
		HostKeys: env.Trust[TrustKey], AcceptHostKey: env.Settings["ssh_accept_host_key"],
	}
	if cfg.User == "" {
		return cfg, formFault("form.ssh_user_missing", "Enter the user on the SSH server.", errors.New("ssh_user is missing"))
	}
	_, err = newLogin(cfg)
	return cfg, err
}

// addressOf reads a host and a port; the port's default is that of the field.
func addressOf(settings map[string]string, hostField, portField string) (string, error) {
	host := strings.TrimSpace(settings[hostField])
	if host == "" || strings.ContainsAny(host, " /@\t\r\n\x00") || len(host) > 255 {
		return "", formFault("form."+hostField+"_invalid", "Enter the host as a name or an address, without a scheme, path or spaces.", fmt.Errorf("%s is missing or malformed", hostField))
	}
	host = strings.TrimSuffix(strings.TrimPrefix(host, "["), "]")
	text := strings.TrimSpace(settings[portField])
	if text == "" && portField == "ssh_port" {
		text = "22"
	}
	port, err := strconv.ParseUint(text, 10, 16)
	if err != nil || port == 0 {
		return "", formFault("form."+portField+"_invalid", "Enter the port as a number from 1 to 65535.", fmt.Errorf("%s is missing or no port", portField))
	}
	return net.JoinHostPort(host, strconv.FormatUint(port, 10)), nil
}

// Address is host:port of the database, as the last machine on the way sees it.
func (r *Route) Address() string { return r.address }

// Tunnelled says whether an SSH tunnel is used.
func (r *Route) Tunnelled() bool { return r.tunnel != nil }

// Trust is what Check is to return in Identity.Trust: nil when nothing was
// enrolled or confirmed.
func (r *Route) Trust() map[string]string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.trust
}

// DialContext has the shape that drivers want. Names of the database are
// resolved by the SSH server if there is one: give drivers a lookup function
// that leaves them alone.
func (r *Route) DialContext(ctx context.Context, network, address string) (net.Conn, error) {
	if r.tunnel == nil {
		return r.dial(ctx, network, address)
	}
	t, err := r.current(ctx)
	if err != nil {
		return nil, err
	}
	return t.DialContext(ctx, network, address)
}

// current gives the live tunnel. Only one caller opens one; the others wait
// for it, as long as their own ctx lasts.
func (r *Route) current(ctx context.Context) (*Tunnel, error) {
	select {
	case r.opening <- struct{}{}:
		defer func() { <-r.opening }()
	case <-ctx.Done():
		return nil, fmt.Errorf("wait for the SSH tunnel: %w", context.Cause(ctx))
	}
	t, err := r.living()
	if t != nil || err != nil {
		return t, err
	}
	t, err = OpenTunnel(ctx, *r.tunnel)
	if err != nil {
		return nil, err
	}
	return r.keep(t)
}

func (r *Route) living() (*Tunnel, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	switch {
	case r.closed:
		return nil, net.ErrClosed
	case r.open == nil:
		return nil, nil
	case r.open.lost() == nil:
		return r.open, nil
	}
	broken := r.open
	r.open = nil
	return nil, broken.Close()
}

// keep also holds on to the enrolled keys, so that a tunnel opened again
// within this source is checked against the first one.
func (r *Route) keep(t *Tunnel) (*Tunnel, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed {
		return nil, errors.Join(net.ErrClosed, t.Close())
	}
	r.open, r.trust = t, t.Trust()
	r.tunnel.HostKeys = t.trust
	return t, nil
}

// Close ends the tunnel and with it every connection through it. It may be
// called twice.
func (r *Route) Close() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.closed = true
	if r.open == nil {
		return nil
	}
	return r.open.Close()
}
