package mongodb

import (
	"fmt"
	"net"
	"strings"
	"sync/atomic"
	"testing"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/regrant/regrant/connector"
	"github.com/regrant/regrant/internal/testservers/mongo"
	"github.com/regrant/regrant/internal/testservers/opmsg"
)

// asSet lets a proxy say that it is a member of a replica set: its primary, or
// a secondary without one.
func asSet(p *opmsg.Server, name string, secondary bool) opmsg.Answer {
	address := net.JoinHostPort("127.0.0.1", fmt.Sprint(p.Port()))
	return func(command string, _ bson.Raw) any {
		switch command {
		case "hello", "isMaster", "ismaster":
			reply := bson.D{{Key: "setName", Value: name}, {Key: "setVersion", Value: int32(1)}, {Key: "hosts", Value: bson.A{address}}, {Key: "me", Value: address}, {Key: "secondary", Value: secondary}}
			for _, e := range opmsg.Plain("hello") {
				if secondary && (e.Key == "ismaster" || e.Key == "isWritablePrimary") {
					e.Value = false
				}
				reply = append(reply, e)
			}
			return reply
		}
		return nil
	}
}

// TestReplicaSet meets a mechanism that is not offered, finds the members of a set, and tells a wrong name from a set
// that has no member to read from.
func TestReplicaSet(t *testing.T) {
	t.Parallel()
	_, p, env := proxied(t)
	env.Settings["auth_mechanism"] = "SCRAM-SHA-1"
	_, err := openEnv(t, env).Check(testContext(t))
	if f := faultOf(t, err); f.Code != "mongodb.mechanism_unavailable" || f.Step != connector.StepSignIn {
		t.Errorf("a mechanism that the server does not offer: %s at %s: %v", f.Code, f.Step, f.Err)
	}
	env.Settings["auth_mechanism"], env.Settings["deployment"] = "SCRAM-SHA-256", replicaSet
	for _, c := range []struct {
		entered, name, read string
		secondary           bool
		code                string
		cause               connector.Cause
	}{
		{"", "rs0", "secondaryPreferred", false, "", 0},
		{"rs0", "rs0", "secondaryPreferred", true, "", 0},
		{"rs0", "rs0", "primary", true, "mongodb.no_member", connector.Outage},
		{"rs1", "rs0", "secondaryPreferred", false, "mongodb.replica_set_name", connector.AccessChanged},
	} {
		p.Set(asSet(p, c.name, c.secondary))
		env.Settings["replica_set"], env.Settings["read_preference"] = c.entered, c.read
		identity, err := openEnv(t, env).Check(testContext(t))
		if c.code == "" {
			must(t, err)
			if identity.Facts["replica_set"] != c.name {
				t.Errorf("the set is %q", identity.Facts["replica_set"])
			}
			continue
		}
		if f := faultOf(t, err); f.Code != c.code || f.Cause != c.cause {
			t.Errorf("%q at %q: %s %s, want %s: %v", c.entered, c.name, f.Cause, f.Code, c.code, f.Err)
		}
	}
}

// TestSRV: a cluster's name that does not exist is an outage that names it.
func TestSRV(t *testing.T) {
	t.Parallel()
	env := connector.Env{
		Settings: map[string]string{"host": "cluster.shop.invalid", "port": "27017", "user": testUser, "database": "shop", "deployment": srvName},
		Secrets:  map[string]connector.Secret{"password": connector.NewSecret(testPassword)},
		Dial:     dialer(),
	}
	_, err := openEnv(t, env).Check(testContext(t))
	f := faultOf(t, err)
	if f.Cause != connector.Outage || f.Step != connector.StepReach || !strings.HasPrefix(f.Code, "net.") {
		t.Errorf("%s %s at %s: %v", f.Cause, f.Code, f.Step, f.Err)
	}
}

// TestHangsUp: a server that cuts every connection is an outage, wherever it
// does so.
func TestHangsUp(t *testing.T) {
	t.Parallel()
	_, p, env := proxied(t)
	for _, at := range []string{"hello", "saslContinue", "ping", "listCollections"} {
		var cut atomic.Bool
		p.Set(func(command string, _ bson.Raw) any {
			if command == at || at == "hello" {
				cut.Store(true)
				return opmsg.Cut{}
			}
			return nil
		})
		_, err := openEnv(t, env).Check(testContext(t))
		if !cut.Load() {
			t.Errorf("%s was not asked", at)
			continue
		}
		if f := faultOf(t, err); f.Cause != connector.Outage || f.Scope != connector.WholeAuthorization {
			t.Errorf("cut at %s: %s %s at %s: %v", at, f.Cause, f.Code, f.Step, f.Err)
		}
	}
}

// TestUUIDKeys: the pass of keys ascends as the warehouse does.
func TestUUIDKeys(t *testing.T) {
	t.Parallel()
	b := setup(t, mongo.Config{})
	for i := range 50 {
		data := []byte("0123456789abcdef")
		data[0], data[15] = byte(i*37), byte(i)
		b.insert("uuids", bson.D{{Key: "_id", Value: bson.Binary{Subtype: 4, Data: data}}, {Key: "v", Value: i}})
	}
	s := b.open()
	table := tableOf(t, s, "uuids")
	if len(table.Key) != 1 {
		t.Fatal("no key")
	}
	req := request(table, connector.FullTable, "")
	req.Pass, req.Columns = connector.PassKeys, table.Key
	last := ""
	got := read(t, s, req)
	for _, row := range got.rows {
		if row["_id"] <= last {
			t.Errorf("%s comes after %s", row["_id"], last)
		}
		last = row["_id"]
	}
	if len(got.rows) != 50 {
		t.Errorf("%d keys", len(got.rows))
	}
}
