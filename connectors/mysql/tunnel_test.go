package mysql

import (
	"context"
	"strconv"
	"testing"
	"time"

	"github.com/regrant/regrant/connector"
	"github.com/regrant/regrant/internal/testservers/mysql"
	"github.com/regrant/regrant/internal/testservers/ssh"
)

// TestTunnel reads through an SSH server, has the tunnel cut in the middle of
// a reading, and goes on through another one; a call that is cancelled ends at
// once although a raw SSH channel knows no deadline.
func TestTunnel(t *testing.T) {
	t.Parallel()
	each(t, mysql.Config{}, func(t *testing.T, b bundle) {
		b.exec("CREATE TABLE big (id int AUTO_INCREMENT PRIMARY KEY, v text)", "INSERT INTO big SELECT i, REPEAT('x', 100) FROM "+series(100_000))
		bastion := ssh.StartBastion(t, ssh.Behaviour{Passwords: map[string]string{"tunnel": "bastion-pass"}})
		env := b.with("connection", "ssh", "ssh_host", "127.0.0.1", "ssh_port", strconv.Itoa(bastion.Port()), "ssh_user", "tunnel")
		env.Secrets["ssh_password"] = connector.NewSecret("bastion-pass")
		s := openEnv(t, env)
		id, err := s.Check(testContext(t))
		must(t, err)
		if len(id.Trust) == 0 || len(id.Warnings) != 0 {
			t.Errorf("%+v", id)
		}
		req := request(tableOf(t, s, "shop.big"), connector.AutoIncrement, "id")
		seen := warehouse{}
		var failure error
		for batch, err := range s.Read(testContext(t), req) {
			if err != nil {
				failure = err
				break
			}
			if batch.Record != nil {
				seen.take(reading{rows: rowsOf(batch.Record)}, "id")
				bastion.Cut()
			}
			req.Position = batch.Position
			batch.Release()
		}
		if f := faultOf(t, failure); f.Cause != connector.Outage || f.Scope != connector.WholeAuthorization {
			t.Errorf("%v", f)
		}
		seen.take(read(t, s, req), "id")
		if len(seen) != 100_000 {
			t.Errorf("%d rows in the end", len(seen))
		}
		cancelSoon(t, s.(*source))
	})
}

func cancelSoon(t *testing.T, s *source) {
	t.Helper()
	c, err := s.connect(testContext(t))
	must(t, err)
	defer c.close()
	ctx, cancel := context.WithTimeout(testContext(t), 200*time.Millisecond)
	defer cancel()
	began := time.Now()
	err = c.Exec(ctx, "SELECT SLEEP(20)")
	if err == nil || time.Since(began) > 2*time.Second {
		t.Errorf("%v after %s", err, time.Since(began))
	}
}

// TestCrash ends the server in the middle of a reading and starts it again:
// not a row is lost or too many.
func TestCrash(t *testing.T) {
	t.Parallel()
	each(t, mysql.Config{}, func(t *testing.T, b bundle) {
		b.exec("CREATE TABLE big (id int PRIMARY KEY, v text)", "INSERT INTO big SELECT i, REPEAT('x', 400) FROM "+series(150_000))
		s := b.open()
		for _, method := range []connector.Method{connector.PrimaryKeyBatch, connector.FullTable} {
			req := request(tableOf(t, s, "shop.big"), method, "")
			seen := warehouse{}
			var failure error
			for batch, err := range s.Read(testContext(t), req) {
				if failure = err; err != nil {
					break
				}
				if batch.Record != nil {
					seen.take(reading{rows: rowsOf(batch.Record)}, "id")
					must(t, b.Crash(testContext(t)))
				}
				req.Position = batch.Position
				batch.Release()
			}
			if f := faultOf(t, failure); f.Cause != connector.Outage || f.Scope != connector.WholeAuthorization {
				t.Errorf("%s: %v", method, f)
			}
			must(t, b.Start(testContext(t)))
			seen.take(read(t, s, req), "id")
			if len(seen) != 150_000 {
				t.Errorf("%s: %d rows in the end", method, len(seen))
			}
		}
	})
}
