package postgresql

import (
	"maps"
	"strconv"
	"strings"
	"testing"

	"github.com/regrant/regrant/connector"
	"github.com/regrant/regrant/connector/sqlkit"
	"github.com/regrant/regrant/internal/testservers/ssh"
)

// TestThroughSSH enrols a bastion, reads through it, loses the tunnel in the
// middle, goes on, and refuses another host key.
func TestThroughSSH(t *testing.T) {
	t.Parallel()
	b := setup(t, "CREATE TABLE big (id int PRIMARY KEY, v text)", "INSERT INTO big SELECT i, repeat('x', 200) FROM generate_series(1, 200000) i")
	private, public, err := sqlkit.GenerateKey()
	must(t, err)
	bastion := ssh.Start(t, ssh.WithAuthorizedKeys(sqlkit.AuthorizedKeysLine(public, b.Address())))
	env := b.env()
	maps.Copy(env.Settings, map[string]string{"connection": "ssh", "ssh_host": "127.0.0.1", "ssh_port": strconv.Itoa(bastion.Port()), "ssh_user": bastion.User()})
	env.Secrets["ssh_private_key"] = private
	identity, err := openEnv(t, env).Check(testContext(t))
	must(t, err)
	if len(identity.Trust) == 0 {
		t.Fatal("no host key was enrolled")
	}
	for _, w := range identity.Warnings {
		if strings.Contains(w, "TLS") {
			t.Errorf("inside a tunnel: %s", w)
		}
	}
	env.Trust = identity.Trust
	s := openEnv(t, env)
	req := request(tableOf(t, s, "public.big"), connector.AutoIncrement, "id")
	seen := warehouse{}
	cut := false
	for batch, err := range s.Read(testContext(t), req) {
		if err != nil {
			if f := faultOf(t, err); f.Cause != connector.Outage || f.Scope != connector.WholeAuthorization {
				t.Errorf("a cut tunnel: %s %s: %v", f.Cause, f.Code, f.Err)
			}
			cut = true
			break
		}
		if batch.Record != nil {
			seen.take(reading{rows: rowsOf(batch.Record)}, "id")
		}
		req.Position = batch.Position
		batch.Release()
		bastion.CutSessions()
	}
	if !cut {
		t.Error("the reading did not notice the cut")
	}
	seen.take(read(t, s, req), "id")
	if len(seen) != 200_000 {
		t.Errorf("%d rows in the end", len(seen))
	}

	must(t, bastion.SwapHostKey(testContext(t)))
	_, err = openEnv(t, env).Check(testContext(t))
	if f := faultOf(t, err); f.Cause != connector.AccessChanged || f.Code != "postgresql.ssh_host_key_changed" || f.Step != connector.StepTrust {
		t.Errorf("another host key: %s %s", f.Cause, f.Code)
	}
}

// TestServerRestarts: a session that lay idle over a restart is replaced
// without anybody noticing.
func TestServerRestarts(t *testing.T) {
	t.Parallel()
	b := setup(t, ordersSQL)
	s := b.open()
	table := tableOf(t, s, "public.orders")
	must(t, b.Stop(testContext(t)))
	must(t, b.Start(testContext(t)))
	if got := read(t, s, request(table, connector.AutoIncrement, "id")); len(got.rows) != 5000 {
		t.Errorf("%d rows", len(got.rows))
	}
}

// TestCancelledByAdministrator: a statement that the server gives up on again
// and again is a fault of its table; the session stays of use.
func TestCancelledByAdministrator(t *testing.T) {
	t.Parallel()
	b := setup(t, "CREATE TABLE dull (id int PRIMARY KEY)", "INSERT INTO dull VALUES (1)", "CREATE VIEW never AS SELECT id, pg_sleep(3600)::text AS s FROM dull")
	s := b.open()
	req := request(tableOf(t, s, "public.never"), connector.FullTable, "")
	failed := make(chan error, 1)
	go func() {
		_, err := tryRead(testContext(t), s, req)
		failed <- err
	}()
	w := openWriter(t, b)
	for {
		select {
		case err := <-failed:
			if f := faultOf(t, err); f.Code != "postgresql.statement_cancelled" || f.Scope != connector.OneTable || f.Retry == 0 {
				t.Errorf("%s %d", f.Code, f.Scope)
			}
			if _, err := s.Tables(testContext(t)); err != nil {
				t.Errorf("the session afterwards: %v", err)
			}
			return
		default: // it may not sleep yet
			must(t, w.exec(testContext(t), "SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE wait_event = 'PgSleep'"))
		}
	}
}
