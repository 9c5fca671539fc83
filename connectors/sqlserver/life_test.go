package sqlserver

import (
	"errors"
	"maps"
	"net"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/regrant/regrant/connector"
	"github.com/regrant/regrant/connector/sqlkit"
	"github.com/regrant/regrant/internal/testservers/ssh"
	"github.com/regrant/regrant/internal/testservers/tds"
)

// A database behind a bastion has a name that only the bastion knows: the
// driver must not look it up, and the certificate is checked by that name.
func TestThroughSSH(t *testing.T) {
	t.Parallel()
	b, ca := encrypted(t, "sql.internal.invalid")
	private, public, err := sqlkit.GenerateKey()
	mustTB(t, err)
	database := net.JoinHostPort("127.0.0.1", strconv.Itoa(b.Port()))
	var asked atomic.Value
	bastion := ssh.StartBastion(t, ssh.Behaviour{Keys: []string{public}, Dial: func(address string) (net.Conn, error) {
		asked.Store(address)
		return net.Dial("tcp", database)
	}})
	env := b.env()
	maps.Copy(env.Settings, map[string]string{"connection": "ssh", "ssh_host": "127.0.0.1", "ssh_port": strconv.Itoa(bastion.Port()), "ssh_user": "tunnel",
		"host": "sql.internal.invalid", "tls_mode": "verify-full", "tls_ca": ca})
	env.Secrets["ssh_private_key"] = private
	s := openEnv(t, env)
	found, err := s.Check(testContext(t))
	mustTB(t, err)
	if name, _ := asked.Load().(string); !strings.HasPrefix(name, "sql.internal.invalid:") {
		t.Errorf("the bastion was asked for %q", name)
	}
	if len(found.Trust) == 0 || found.Facts["tls"] != "true" {
		t.Errorf("trust %v, facts %v", found.Trust, found.Facts)
	}
	if got := read(t, s, request(tableOf(t, s, "dbo.t"), connector.FullTable, "")); len(got.rows) != 3000 {
		t.Errorf("%d rows", len(got.rows))
	}
	bastion.Set(ssh.Behaviour{Keys: []string{public}, Dial: func(string) (net.Conn, error) { return nil, errors.New("connection refused") }})
	_, err = s.Check(testContext(t))
	if f := faultOf(t, err); f.Cause != connector.Outage || f.Scope != connector.WholeAuthorization {
		t.Errorf("the database behind the tunnel is down: %s, %s", f.Cause, f.Code)
	}
}

// A server that was restarted while a session lay idle is no failure.
func TestRestartedServer(t *testing.T) {
	t.Parallel()
	b := setup(t, counted("t", 10))
	s := b.open()
	table := tableOf(t, s, "dbo.t")
	b.Stop()
	mustTB(t, b.Start())
	if got := read(t, s, request(table, connector.FullTable, "")); len(got.rows) != 10 {
		t.Errorf("%d rows", len(got.rows))
	}
}

// A page that loses to somebody's work is tried again, smaller.
func TestDeadlockIsTriedAgain(t *testing.T) {
	t.Parallel()
	b := setup(t, counted("t", 10))
	s := b.open()
	table := tableOf(t, s, "dbo.t")
	var refused atomic.Int64
	b.script.On("[dbo].[t]", tds.Reply{Errors: []tds.Error{{Number: 1205, State: 51, Class: 13, Message: "Transaction was deadlocked."}}}, func() {
		if refused.Add(1) == 2 {
			b.script.Clear()
		}
	})
	got := read(t, s, request(table, connector.PrimaryKeyBatch, ""))
	if len(got.rows) != 10 || refused.Load() < 2 {
		t.Errorf("%d rows after %d deadlocks", len(got.rows), refused.Load())
	}
}

// What answers on the port need not be SQL Server.
func TestAnotherProtocol(t *testing.T) {
	t.Parallel()
	for _, greeting := range []string{"SSH-2.0-OpenSSH_9.2\r\n", "HTTP/1.1 400 Bad Request\r\n\r\n", "\x4a\x00\x00\x00\x0a8.4.0\x00"} {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		mustTB(t, err)
		t.Cleanup(func() { _ = l.Close() })
		go func() {
			for {
				c, err := l.Accept()
				if err != nil {
					return
				}
				_, _ = c.Write([]byte(greeting))
				_ = c.Close()
			}
		}()
		env := bundle{Server: &tds.Server{}, t: t}.env()
		env.Settings["port"] = strconv.Itoa(l.Addr().(*net.TCPAddr).Port)
		_, err = openEnv(t, env).Check(testContext(t))
		if f := faultOf(t, err); f.Cause == connector.AccessChanged || f.Cause == connector.Expired {
			t.Errorf("%q makes somebody re-authorize: %s, %s", greeting, f.Cause, f.Code)
		} else if f.Code != "sqlserver.protocol" && f.Cause != connector.Outage { // a reset may come first
			t.Errorf("%q: %s, %s", greeting, f.Cause, f.Code)
		}
	}
}

func TestReadIntentIsTold(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for _, want := range []bool{true, false} {
		env := b.env()
		env.Settings["read_intent"] = strconv.FormatBool(want)
		_, err := openEnv(t, env).Check(testContext(t))
		mustTB(t, err)
		if got := b.db.LastLogin(); got.ReadIntent != want || got.App != "regrant" || got.Database != "shop" {
			t.Errorf("signed in with %+v", got)
		}
	}
}
