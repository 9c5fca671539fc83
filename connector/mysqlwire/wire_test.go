package mysqlwire_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"strconv"
	"testing"
	"time"

	"github.com/regrant/regrant/connector"
	"github.com/regrant/regrant/connector/mysqlwire"
	"github.com/regrant/regrant/internal/testservers/mysqlfake"
)

const password = "canary-wire-5531"

func config(f *mysqlfake.Server) mysqlwire.Config {
	return mysqlwire.Config{User: "u", Password: connector.NewSecret(password), Dial: func(ctx context.Context) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(f.Port())))
	}}
}

func connect(t *testing.T, s mysqlfake.Script) (*mysqlwire.Conn, *mysqlfake.Server, error) {
	t.Helper()
	f := mysqlfake.New(t, s)
	c, err := mysqlwire.Connect(t.Context(), config(f))
	if err == nil {
		t.Cleanup(func() { _ = c.Close() })
	}
	return c, f, err
}

func TestQuery(t *testing.T) {
	t.Parallel()
	c, _, err := connect(t, mysqlfake.Script{Version: "5.5.5-10.11.19-MariaDB", Answer: func(sql string) any {
		switch sql {
		case "rows":
			return mysqlfake.Rows{{"a", ""}, {"b", "c"}}
		case "refused":
			return &mysqlfake.Refusal{Code: 1142, State: "42000", Message: "denied"}
		}
		return nil
	}})
	if err != nil {
		t.Fatal(err)
	}
	if !c.MariaDB() || c.Version() != "10.11.19-MariaDB" {
		t.Errorf("version %q", c.Version())
	}
	rows, err := c.All(t.Context(), "rows")
	if err != nil || fmt.Sprintf("%q", rows) != `[["a" ""] ["b" "c"]]` {
		t.Errorf("%q %v", rows, err)
	}
	err = c.Exec(t.Context(), "refused")
	var refused *mysqlwire.Error
	if !errors.As(err, &refused) || refused.Code != 1142 || refused.State != "42000" {
		t.Errorf("%v", err)
	}
	if c.Broken() {
		t.Error("a refusal breaks the session")
	}
	if err := c.Exec(t.Context(), "anything"); err != nil {
		t.Error(err)
	}
}

// TestPasswordStaysSecret: a server may ask for the password in plain text;
// without TLS it does not get it, whatever it asks.
func TestPasswordStaysSecret(t *testing.T) {
	t.Parallel()
	for _, plugin := range []string{"mysql_clear_password", "dialog", "mysql_old_password", "sha256_password", "caching_sha2_password", "mysql_native_password", ""} {
		_, f, err := connect(t, mysqlfake.Script{Switch: plugin, SignIn: &mysqlfake.Refusal{Code: 1045, State: "28000"}})
		if err == nil {
			t.Errorf("%s: signed in", plugin)
		}
		if bytes.Contains(f.Sent(), []byte(password)) {
			t.Errorf("%s: the password was sent in plain text", plugin)
		}
		var asked *mysqlwire.PluginError
		if errors.As(err, &asked) && (asked.Plugin != plugin || asked.Plain != (plugin == "mysql_clear_password")) {
			t.Errorf("%s: %v", plugin, err)
		}
	}
}

// TestStrangers: what is no MySQL is said to be none, and nothing hangs or panics.
func TestStrangers(t *testing.T) {
	t.Parallel()
	for name, raw := range map[string]string{
		"an SSH server": "SSH-2.0-OpenSSH_9.2\r\n", "a web server": "HTTP/1.1 400 Bad Request\r\n\r\n", "an empty packet": "\x00\x00\x00\x00",
		"an old protocol": "\x02\x00\x00\x00\x09x", "a cut greeting": "\x08\x00\x00\x00\x0a9.7.4\x00a", "out of sequence": "\x01\x00\x00\x05\x0a",
	} {
		_, _, err := connect(t, mysqlfake.Script{Raw: []byte(raw)})
		if err == nil {
			t.Errorf("%s: signed in", name)
		}
	}
}

func TestMalformedResults(t *testing.T) {
	t.Parallel()
	for name, raw := range map[string]string{
		"nothing": "\x00\x00\x00\x01", "a local file": "\x02\x00\x00\x01\xfbx", "no columns": "\x01\x00\x00\x01\xfc",
		"cut": "\x01\x00\x00\x01\x01\x05\x00\x00\x02\x03de", "bad column": "\x01\x00\x00\x01\x01\x02\x00\x00\x02\xff\xff",
	} {
		c, _, err := connect(t, mysqlfake.Script{Answer: func(sql string) any {
			if sql == "SELECT 1" {
				return []byte(raw)
			}
			return mysqlfake.Hangup{}
		}})
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond) // a cut answer would be waited for
		defer cancel()
		if _, err := c.All(ctx, "SELECT 1"); err == nil {
			t.Errorf("%s: no error", name)
		}
		if !c.Broken() {
			t.Errorf("%s: the session is not broken", name)
		}
	}
}

// TestCancel ends calls to which no answer comes.
func TestCancel(t *testing.T) {
	t.Parallel()
	silent := make(chan struct{})
	asked := make(chan struct{}, 1)
	c, _, err := connect(t, mysqlfake.Script{Answer: func(string) any { asked <- struct{}{}; <-silent; return mysqlfake.Hangup{} }})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { close(silent) }) // before the server waits for its sessions
	why := errors.New("the person left")
	ctx, cancel := context.WithCancelCause(t.Context())
	go func() { <-asked; cancel(why) }()
	err = c.Exec(ctx, "SELECT SLEEP(1000)")
	if !errors.Is(err, context.Canceled) || !errors.Is(err, why) {
		t.Errorf("%v", err)
	}
	if err := c.Exec(t.Context(), "SELECT 1"); !errors.Is(err, net.ErrClosed) {
		t.Errorf("after that: %v", err)
	}
}

// TestFailedConsumer: what rows refuses ends the query and the session.
func TestFailedConsumer(t *testing.T) {
	t.Parallel()
	c, _, err := connect(t, mysqlfake.Script{Answer: func(string) any { return mysqlfake.Rows{{"a"}, {"b"}} }})
	if err != nil {
		t.Fatal(err)
	}
	full := errors.New("full")
	if err := c.Query(t.Context(), "SELECT 1", refuser{full}); !errors.Is(err, full) || !c.Broken() {
		t.Errorf("%v, broken %v", err, c.Broken())
	}
}

type refuser struct{ err error }

func (refuser) Columns([]string) error { return nil }
func (r refuser) Row([][]byte) error   { return r.err }
