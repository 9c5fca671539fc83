package sqlkit_test

import (
	"context"
	"errors"
	"net"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"

	"github.com/regrant/regrant/connector"
	"github.com/regrant/regrant/connector/sqlkit"
	sshserver "github.com/regrant/regrant/internal/testservers/ssh"
)

func tryOpen(t *testing.T, cfg sqlkit.TunnelConfig) error {
	t.Helper()
	tunnel, err := sqlkit.OpenTunnel(within(t, 10*time.Second), cfg)
	if err == nil {
		_ = tunnel.Close()
	}
	return err
}

func TestReachingTheSSHServerFails(t *testing.T) {
	t.Parallel()
	k := newKey(t)
	t.Run("refused", func(t *testing.T) {
		t.Parallel()
		f := want(t, tryOpen(t, config(deadPort(t), k)), connector.Outage, "ssh.refused", connector.StepReach)
		if f.Facts["phase"] != "ssh_dial" || f.Facts["errno"] != "ECONNREFUSED" {
			t.Errorf("facts are %v", f.Facts)
		}
	})
	t.Run("no such name", func(t *testing.T) {
		t.Parallel()
		cfg := config("bastion.example:22", k)
		cfg.Dial = func(context.Context, string, string) (net.Conn, error) {
			return nil, &net.OpError{Op: "dial", Err: &net.DNSError{Err: "no such host", Name: "bastion.example", IsNotFound: true}}
		}
		f := want(t, tryOpen(t, cfg), connector.Outage, "ssh.name_not_found", connector.StepReach)
		if f.Facts["phase"] != "resolve" {
			t.Errorf("facts are %v", f.Facts)
		}
	})
	t.Run("the operator forbids it", func(t *testing.T) {
		t.Parallel()
		cfg := config("10.0.0.1:22", k)
		refusal := &connector.Fault{Cause: connector.Invalid, Code: "egress.address_refused", Step: connector.StepReach, Public: "no", Err: errors.New("refused")}
		cfg.Dial = func(context.Context, string, string) (net.Conn, error) { return nil, refusal }
		want(t, tryOpen(t, cfg), connector.Invalid, "egress.address_refused", connector.StepReach)
	})
	for _, c := range []struct {
		name  string
		b     sshserver.Behaviour
		cause connector.Cause
		code  string
	}{
		{"speaks another protocol first", sshserver.Behaviour{Greeting: "J\x00\x00\x00\x0a8.4.6\x00"}, connector.Invalid, "ssh.not_ssh"},
		{"hangs up when it hears SSH", sshserver.Behaviour{CloseAtOnce: true}, connector.Invalid, "ssh.not_ssh"},
		{"resets", sshserver.Behaviour{ResetAtOnce: true}, connector.Invalid, "ssh.not_ssh"},
		{"too many newcomers", sshserver.Behaviour{Greeting: "Exceeded MaxStartups\r\n"}, connector.Throttled, "ssh.too_many_attempts"},
		{"under a penalty", sshserver.Behaviour{Greeting: "Not allowed at this time\r\n"}, connector.Throttled, "ssh.too_many_attempts"},
		{"no common key exchange", sshserver.Behaviour{KeyExchanges: []string{"diffie-hellman-group1-sha1"}}, connector.Invalid, "ssh.no_common_algorithm"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			_, cfg := bastion(t, k, c.b)
			want(t, tryOpen(t, cfg), c.cause, c.code, connector.StepReach)
		})
	}
}

// TestAKnownServerMisbehaves: what is a typing error at first contact is an
// outage, or a change, once it has worked.
func TestAKnownServerMisbehaves(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name  string
		b     sshserver.Behaviour
		cause connector.Cause
		code  string
	}{
		{"hangs up", sshserver.Behaviour{CloseAtOnce: true}, connector.Outage, "ssh.closed_early"},
		{"resets", sshserver.Behaviour{ResetAtOnce: true}, connector.Outage, "ssh.closed_early"},
		{"no common key exchange", sshserver.Behaviour{KeyExchanges: []string{"diffie-hellman-group1-sha1"}}, connector.AccessChanged, "ssh.no_common_algorithm"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s, cfg := bastion(t, newKey(t), sshserver.Behaviour{})
			cfg.HostKeys = open(t, cfg).Trust()[sqlkit.TrustKey]
			s.Set(c.b)
			want(t, tryOpen(t, cfg), c.cause, c.code, connector.StepReach)
		})
	}
}

func TestLoginRefused(t *testing.T) {
	t.Parallel()
	k, other := newKey(t), newKey(t)
	password := map[string]string{"tunnel": "right horse"}
	canary := "canary-password-7f3a"
	for _, c := range []struct {
		name string
		b    sshserver.Behaviour
		edit func(*sqlkit.TunnelConfig)
		code string
	}{
		{"unknown key", sshserver.Behaviour{Keys: []string{other.public}}, nil, "ssh.login_refused"},
		{"wrong password", sshserver.Behaviour{Passwords: password}, func(c *sqlkit.TunnelConfig) {
			c.PrivateKey, c.Password = connector.Secret{}, connector.NewSecret(canary)
		}, "ssh.password_refused"},
		{"unknown key and wrong password", sshserver.Behaviour{Keys: []string{other.public}, Passwords: password}, func(c *sqlkit.TunnelConfig) {
			c.Password = connector.NewSecret(canary)
		}, "ssh.login_refused"},
		{"passwords are not taken", sshserver.Behaviour{}, func(c *sqlkit.TunnelConfig) {
			c.PrivateKey, c.Password = connector.Secret{}, connector.NewSecret(canary)
		}, "ssh.method_not_offered"},
		{"only questions", sshserver.Behaviour{OnlyAsk: true}, nil, "ssh.method_not_offered"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s, cfg := bastion(t, k, c.b)
			if c.edit != nil {
				c.edit(&cfg)
			}
			err := tryOpen(t, cfg)
			f := want(t, err, connector.AccessChanged, c.code, connector.StepSignIn)
			if strings.Contains(f.Public+err.Error(), canary) {
				t.Error("the password is in the error")
			}
			if c.code == "ssh.login_refused" && !strings.Contains(f.Public, strings.Fields(k.public)[1]) {
				t.Errorf("no line to paste in %q", f.Public)
			}
			if logins := s.Connections(); logins > 4 {
				t.Errorf("%d connections, want one login", logins)
			}
		})
	}
}

func TestPasswordLogin(t *testing.T) {
	t.Parallel()
	_, cfg := bastion(t, newKey(t), sshserver.Behaviour{Passwords: map[string]string{"tunnel": "right horse"}})
	cfg.PrivateKey, cfg.Password = connector.Secret{}, connector.NewSecret("right horse")
	tunnel := open(t, cfg)
	if tunnel.PublicKey() != "" {
		t.Error("a password login has a public key")
	}
}

func TestQuestions(t *testing.T) {
	t.Parallel()
	one := []string{"Password: "}
	for _, c := range []struct {
		name      string
		questions []string
		echo      []bool
		password  string
		code      string // empty: it logs in
	}{
		{"PAM asks for the password", one, []bool{false}, "right horse", ""},
		{"PAM asks for the password, it is wrong", one, []bool{false}, "wrong", "ssh.password_refused"},
		{"a code besides", []string{"Password: ", "Code: "}, []bool{false, false}, "right horse", "ssh.second_factor"},
		{"something visible", []string{"Name: "}, []bool{true}, "right horse", "ssh.second_factor"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			_, cfg := bastion(t, newKey(t), sshserver.Behaviour{
				OnlyAsk: true, Questions: c.questions, Echo: c.echo, Passwords: map[string]string{"tunnel": "right horse"},
			})
			cfg.PrivateKey, cfg.Password = connector.Secret{}, connector.NewSecret(c.password)
			err := tryOpen(t, cfg)
			if c.code == "" {
				if err != nil {
					t.Fatal(err)
				}
				return
			}
			want(t, err, connector.AccessChanged, c.code, connector.StepSignIn)
		})
	}
}

func TestForwardingRefused(t *testing.T) {
	t.Parallel()
	k := newKey(t)
	for _, c := range []struct {
		reason ssh.RejectionReason
		cause  connector.Cause
		code   string
		step   connector.Step
	}{
		{ssh.Prohibited, connector.AccessChanged, "ssh.forwarding_refused", connector.StepSignIn},
		{ssh.ConnectionFailed, connector.Outage, "ssh.target_unreachable", connector.StepReach},
		{ssh.UnknownChannelType, connector.AccessChanged, "ssh.forwarding_refused", connector.StepSignIn},
		{ssh.ResourceShortage, connector.Throttled, "ssh.too_many_sessions", connector.StepReach},
		{ssh.RejectionReason(77), connector.Unknown, "ssh.forwarding_failed", connector.StepReach},
	} {
		t.Run(c.reason.String(), func(t *testing.T) {
			t.Parallel()
			_, cfg := bastion(t, k, sshserver.Behaviour{Refuse: c.reason})
			_, err := open(t, cfg).DialContext(within(t, 5*time.Second), "tcp", "db.internal:5432")
			f := want(t, err, c.cause, c.code, c.step)
			if f.Facts["phase"] != "ssh_forward" || f.Facts["address"] != "db.internal:5432" {
				t.Errorf("facts are %v", f.Facts)
			}
		})
	}
}

func TestFormFaults(t *testing.T) {
	t.Parallel()
	k := newKey(t)
	locked := lockedKey(t, "open sesame")
	for _, c := range []struct {
		name string
		edit func(*sqlkit.TunnelConfig)
		code string
	}{
		{"nothing entered", func(c *sqlkit.TunnelConfig) { c.PrivateKey = connector.Secret{} }, "ssh.key_missing"},
		{"the public half", func(c *sqlkit.TunnelConfig) { c.PrivateKey = connector.NewSecret(k.public) }, "ssh.key_is_public"},
		{"nonsense", func(c *sqlkit.TunnelConfig) { c.PrivateKey = connector.NewSecret("canary-nonsense") }, "ssh.key_unreadable"},
		{"cut off", func(c *sqlkit.TunnelConfig) { c.PrivateKey = connector.NewSecret(k.private.Reveal()[:120]) }, "ssh.key_unreadable"},
		{"no passphrase", func(c *sqlkit.TunnelConfig) { c.PrivateKey = locked }, "ssh.passphrase_missing"},
		{"wrong passphrase", func(c *sqlkit.TunnelConfig) {
			c.PrivateKey, c.Passphrase = locked, connector.NewSecret("canary-nonsense")
		}, "ssh.passphrase_wrong"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			cfg := config("127.0.0.1:1", k)
			cfg.Dial = func(context.Context, string, string) (net.Conn, error) { panic("dialled with a bad form") }
			c.edit(&cfg)
			err := tryOpen(t, cfg)
			f := want(t, err, connector.Invalid, c.code, connector.StepForm)
			if strings.Contains(f.Public+err.Error(), "canary") {
				t.Error("a secret is in the error")
			}
		})
	}
}

func TestKeysOpen(t *testing.T) {
	t.Parallel()
	locked := lockedKey(t, "open sesame")
	if _, err := sqlkit.PublicKey(locked, connector.NewSecret("open sesame")); err != nil {
		t.Error(err)
	}
	k := newKey(t)
	windows := connector.NewSecret("\r\n " + strings.ReplaceAll(k.private.Reveal(), "\n", "\r\n"))
	got, err := sqlkit.PublicKey(windows, connector.Secret{})
	if err != nil || got != k.public || !strings.HasPrefix(got, "ssh-ed25519 ") {
		t.Errorf("%q, %v", got, err)
	}
}
