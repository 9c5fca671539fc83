package mongodb

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	driver "go.mongodb.org/mongo-driver/v2/mongo"

	"github.com/regrant/regrant/connector"
	"github.com/regrant/regrant/connector/sqlkit"
	"github.com/regrant/regrant/internal/testservers/mongo"
	"github.com/regrant/regrant/internal/testservers/opmsg"
	"github.com/regrant/regrant/internal/testservers/pki"
	"github.com/regrant/regrant/internal/testservers/ssh"
)

func (b bundle) big(rows int) {
	b.t.Helper()
	list := make([]any, rows)
	for i := range list {
		list[i] = bson.D{{Key: "_id", Value: i}, {Key: "v", Value: strings.Repeat("x", 200)}}
	}
	for part := range slices.Chunk(list, 20_000) { // the server takes no more at once
		b.insert("big", part...)
	}
}

// TestThroughSSH enrols a bastion, reads through it, loses the tunnel in the
// middle, goes on, and refuses another host key.
func TestThroughSSH(t *testing.T) {
	t.Parallel()
	b := setup(t, mongo.Config{})
	const rows = 40_000
	b.big(rows)
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
	env.Trust = identity.Trust
	s := openEnv(t, env)
	req := request(tableOf(t, s, "big"), connector.AutoIncrement, "_id")
	seen := map[string]bool{}
	for batch, err := range s.Read(testContext(t), req) {
		if err != nil {
			if f := faultOf(t, err); f.Cause != connector.Outage || f.Scope != connector.WholeAuthorization {
				t.Errorf("a cut tunnel: %s %s: %v", f.Cause, f.Code, f.Err)
			}
			break
		}
		if batch.Record != nil {
			for _, row := range rowsOf(batch.Record) {
				seen[row["_id"]] = true
			}
		}
		req.Position = batch.Position
		batch.Release()
		bastion.CutSessions()
	}
	for key := range read(t, s, req).by("_id") {
		seen[key] = true
	}
	if len(seen) != rows {
		t.Errorf("%d rows in the end", len(seen))
	}
	must(t, bastion.SwapHostKey(testContext(t)))
	_, err = openEnv(t, env).Check(testContext(t))
	if f := faultOf(t, err); f.Cause != connector.AccessChanged || f.Code != "mongodb.ssh_host_key_changed" || f.Step != connector.StepTrust {
		t.Errorf("another host key: %s %s", f.Cause, f.Code)
	}
}

// TestTLS: each mode against a server with TLS and one without.
func TestTLS(t *testing.T) {
	t.Parallel()
	plain, secure := setup(t, mongo.Config{}), setup(t, mongo.Config{TLS: true})
	for _, c := range []struct {
		server bundle
		mode   string
		ca     string
		host   string
		code   string // empty: it works
	}{
		{secure, sqlkit.VerifyFull, secure.CAPEM(), "localhost", ""},
		{secure, sqlkit.VerifyFull, secure.CAPEM(), "127.0.0.1", ""},
		{secure, sqlkit.VerifyFull, "", "localhost", "tls.unknown_authority"},
		{secure, sqlkit.VerifyCA, secure.CAPEM(), "127.0.0.1", ""},
		{secure, sqlkit.Require, "", "127.0.0.1", ""},
		{secure, sqlkit.Prefer, "", "127.0.0.1", ""},
		{plain, sqlkit.Prefer, "", "127.0.0.1", ""},
		{plain, sqlkit.Require, "", "127.0.0.1", "tls.not_offered"},
		{plain, sqlkit.Off, "", "127.0.0.1", ""},
		{secure, sqlkit.Off, "", "127.0.0.1", "mongodb.tls_demanded"},
	} {
		env := c.server.env()
		maps.Copy(env.Settings, map[string]string{"tls_mode": c.mode, "tls_ca": c.ca, "host": c.host})
		identity, err := openEnv(t, env).Check(testContext(t))
		if c.code == "" {
			if err != nil {
				t.Errorf("%s at %s: %v", c.mode, c.host, err)
			} else if (identity.Facts["tls"] == "true") != (c.server.CAPEM() != "") {
				t.Errorf("%s: TLS is %s", c.mode, identity.Facts["tls"])
			}
			continue
		}
		if f := faultOf(t, err); f.Code != c.code {
			t.Errorf("%s at %s: %s, want %s: %v", c.mode, c.host, f.Code, c.code, f.Err)
		}
	}
}

// TestCertificate signs in with a client certificate at a server that looks at
// it as MongoDB does, and has its end among the expiries.
func TestCertificate(t *testing.T) {
	t.Parallel()
	ca, err := pki.NewCA("test CA")
	must(t, err)
	own, err := ca.Server("127.0.0.1")
	must(t, err)
	pair, err := own.TLS()
	must(t, err)
	client, err := ca.Client("pull_ro")
	must(t, err)
	conf := &tls.Config{Certificates: []tls.Certificate{pair}, ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: ca.Pool(), MinVersion: tls.VersionTLS12}
	var refuse bool
	p := opmsg.Start(t, conf, func(name string, command bson.Raw) any {
		switch name {
		case "authenticate":
			if refuse || command.Lookup("mechanism").StringValue() != "MONGODB-X509" {
				return opmsg.Error(18, "AuthenticationFailed", "Authentication failed.")
			}
			return bson.D{{Key: "ok", Value: 1.0}}
		case "listCollections":
			return bson.D{{Key: "ok", Value: 1.0}, {Key: "cursor", Value: bson.D{{Key: "id", Value: int64(0)}, {Key: "ns", Value: "shop.$cmd.listCollections"}, {Key: "firstBatch", Value: bson.A{}}}}}
		}
		return nil
	})
	env := connector.Env{
		Settings: map[string]string{"host": "127.0.0.1", "port": fmt.Sprint(p.Port()), "database": "shop", "tls_mode": sqlkit.VerifyFull, "tls_ca": string(ca.PEM()), "tls_cert": string(client.CertPEM)},
		Secrets:  map[string]connector.Secret{"tls_key": connector.NewSecret(string(client.KeyPEM))},
		Dial:     dialer(),
	}
	identity, err := openEnv(t, env).Check(testContext(t))
	must(t, err)
	leaf, err := x509.ParseCertificate(mustPair(t, client).Certificate[0])
	must(t, err)
	if len(identity.Expiries) != 1 || !identity.Expiries[0].At.Equal(leaf.NotAfter) {
		t.Errorf("expiries %v, want %s", identity.Expiries, leaf.NotAfter)
	}
	refuse = true
	_, err = openEnv(t, env).Check(testContext(t))
	if f := faultOf(t, err); f.Code != "mongodb.login_refused" || f.Step != connector.StepSignIn {
		t.Errorf("refused: %s at %s: %v", f.Code, f.Step, f.Err)
	}
}

func mustPair(t *testing.T, p pki.Pair) tls.Certificate {
	t.Helper()
	pair, err := p.TLS()
	must(t, err)
	return pair
}

// TestServerRestarts: a session that lay idle over a restart is replaced
// without anybody noticing.
func TestServerRestarts(t *testing.T) {
	t.Parallel()
	b := setup(t, mongo.Config{})
	b.big(100)
	s := b.open()
	table := tableOf(t, s, "big")
	must(t, b.Stop(testContext(t)))
	must(t, b.Start(testContext(t)))
	if got := read(t, s, request(table, connector.AutoIncrement, "_id")); len(got.rows) != 100 {
		t.Errorf("%d rows", len(got.rows))
	}
}

// TestLate: what becomes visible late, and dates that are missing, are found by
// the next pull; what is older than the overlap is not sent again.
func TestLate(t *testing.T) {
	t.Parallel()
	b := setup(t, mongo.Config{})
	now := time.Now()
	doc := func(n int, at any) bson.D { return bson.D{{Key: "_id", Value: n}, {Key: "updated_at", Value: at}} }
	b.insert("orders", doc(1, bson.NewDateTimeFromTime(now.Add(-48*time.Hour))), doc(2, bson.NewDateTimeFromTime(now)))
	_, err := b.coll("orders").Indexes().CreateOne(testContext(t), driver.IndexModel{Keys: bson.D{{Key: "updated_at", Value: 1}}})
	must(t, err)
	s := b.open()
	table := tableOf(t, s, "orders")
	if r := table.Replications[0]; r.Method != connector.ModifiedAt || r.Column != "updated_at" {
		t.Errorf("recommended: %s by %s", r.Method, r.Column)
	}
	if c, _ := table.Column("updated_at"); !c.Indexed || c.Nullable {
		t.Errorf("updated_at: indexed %t, nullable %t", c.Indexed, c.Nullable)
	}
	req := request(table, connector.ModifiedAt, "updated_at")
	first := read(t, s, req)
	if len(first.rows) != 2 {
		t.Errorf("%d rows at first", len(first.rows))
	}
	b.insert("orders", doc(3, bson.NewDateTimeFromTime(now.Add(-5*time.Minute))), doc(4, nil), bson.D{{Key: "_id", Value: 5}}, doc(6, bson.NewDateTimeFromTime(now.Add(1000*time.Hour))), doc(7, "no date"))
	req.Position = first.at
	next := read(t, s, req)
	if got := len(next.by("_id")); got != 6 || next.by("_id")["1"] != nil {
		t.Errorf("%d rows then, the old one among them: %t", got, next.by("_id")["1"] != nil)
	}
	b.insert("orders", doc(8, bson.NewDateTimeFromTime(time.Now())))
	req.Position = next.at
	if read(t, s, req).by("_id")["8"] == nil {
		t.Error("a date in the future hides what comes after it")
	}
}
