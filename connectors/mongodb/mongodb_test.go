package mongodb

import (
	"context"
	"fmt"
	"net"
	"strconv"
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/regrant/regrant/connector"
	"github.com/regrant/regrant/connector/connectortest"
	"github.com/regrant/regrant/internal/testservers/mongo"
)

const (
	canary  = "Canary-7f3a9c51-old!"
	rotated = "Canary-b80e2d64-new!"
	many    = 2500
)

// smallRecord makes small collections take several batches.
const smallRecord = 1000

func TestConformance(t *testing.T) {
	t.Parallel()
	b := bundle{mongo.Start(t, mongo.Config{}), t}
	must(t, b.CreateUser(testContext(t), "suite", canary, "readAnyDatabase:admin"))
	b.fillSuite()
	connectortest.Run(t, b.harness())
}

func (b bundle) fillSuite() {
	b.t.Helper()
	day := time.Date(2024, 3, 1, 0, 0, 0, 0, time.UTC)
	fill := func(name string, rows int, document func(i int) bson.D) {
		list := make([]any, rows)
		for i := range list {
			list[i] = document(i)
		}
		b.insert(name, list...)
	}
	fill("notes", many, func(i int) bson.D {
		return bson.D{{Key: "_id", Value: oid(i, day)}, {Key: "body", Value: fmt.Sprintf("body %d", i)}, {Key: "price", Value: float64(i) / 3},
			{Key: "by", Value: bson.D{{Key: "name", Value: "ä"}, {Key: "age", Value: i % 90}}}, {Key: "tags", Value: bson.A{"a", i}},
			{Key: "updated_at", Value: bson.NewDateTimeFromTime(day.Add(time.Duration(i) * time.Second))}}
	})
	fill("named", many, func(i int) bson.D {
		return bson.D{{Key: "_id", Value: fmt.Sprintf("%s%d", []string{"ä", "Z", "a"}[i%3], i)}, {Key: "created_at", Value: bson.NewDateTimeFromTime(day)}}
	})
	fill("numbered", many, func(i int) bson.D { return bson.D{{Key: "_id", Value: i - 100}, {Key: "v", Value: i}} })
	fill("mixed", many, func(i int) bson.D {
		if i%2 == 0 {
			return bson.D{{Key: "_id", Value: i}, {Key: "v", Value: "x"}}
		}
		return bson.D{{Key: "_id", Value: fmt.Sprint(i)}, {Key: "v", Value: i}}
	})
	single := func(i int) bson.D { return bson.D{{Key: "_id", Value: i}, {Key: "v", Value: "x"}} }
	must(b.t, b.Client().Database("shop").CreateCollection(testContext(b.t), "none"))
	fill("one", 1, single)
	fill("exactly", smallRecord, single)
	fill("onemore", smallRecord+1, single)
	fill("fragile", 1, single)
	if _, err := b.Client().Database("other").Collection("t").InsertOne(testContext(b.t), bson.D{{Key: "_id", Value: 1}}); err != nil {
		b.t.Fatal(err)
	}
}

func inSmallRecords() connector.Definition {
	d := Definition
	d.Open = func(ctx context.Context, env connector.Env) (connector.Source, error) {
		s, err := open(ctx, env)
		if err == nil {
			s.(*source).rowsEach = smallRecord
		}
		return s, err
	}
	return d
}

func (b bundle) suiteEnv(password, database string) func(testing.TB) connector.Env {
	return func(testing.TB) connector.Env {
		return connector.Env{
			Settings: map[string]string{"host": "127.0.0.1", "port": strconv.Itoa(b.Port()), "user": "suite", "database": database, "tls_mode": "off"},
			Secrets:  map[string]connector.Secret{"password": connector.NewSecret(password)},
			Dial:     (&net.Dialer{}).DialContext,
		}
	}
}

func (b bundle) harness() connectortest.Harness {
	password := func(p string) func(testing.TB) {
		return func(t testing.TB) { must(t, b.SetPassword(testContext(t), "suite", p)) }
	}
	made := 0
	return connectortest.Harness{
		Definition: inSmallRecords(),
		Env:        b.suiteEnv(canary, "shop"),
		Other:      b.suiteEnv(canary, "other"),
		Rotated: func(t testing.TB) connector.Env {
			password(rotated)(t)
			t.Cleanup(func() { password(canary)(t) })
			return b.suiteEnv(rotated, "shop")(t)
		},
		Failures: []connectortest.Failure{
			{Name: "password changed", At: connectortest.OnCheck, Break: password("Another-1!"), Repair: password(canary),
				Want: connector.AccessChanged, Code: "mongodb.login_refused", Step: connector.StepSignIn},
			{Name: "user dropped", At: connectortest.OnCheck, Break: func(t testing.TB) { must(t, b.DropUser(testContext(t), "suite")) },
				Repair: func(t testing.TB) { must(t, b.CreateUser(testContext(t), "suite", canary, "readAnyDatabase:admin")) },
				Want:   connector.AccessChanged, Code: "mongodb.login_refused", Step: connector.StepSignIn},
			{Name: "server stopped", At: connectortest.OnCheck, Break: func(t testing.TB) { must(t, b.Stop(testContext(t))) }, Repair: func(t testing.TB) { must(t, b.Start(testContext(t))) },
				Want: connector.Outage, Code: "net.refused", Step: connector.StepReach},
			{Name: "collection renamed", At: connectortest.OnRead, Table: "fragile", Break: func(t testing.TB) { b.rename(t, "fragile", "renamed") }, Repair: func(t testing.TB) { b.rename(t, "renamed", "fragile") },
				Want: connector.AccessChanged, Code: "mongodb.table_missing", Step: connector.StepRead, Scope: connector.OneTable},
			{Name: "keys of another kind", At: connectortest.OnRead, Table: "fragile", Break: func(t testing.TB) { b.insert("fragile", bson.D{{Key: "_id", Value: "text"}}) },
				Repair: func(t testing.TB) {
					_, err := b.coll("fragile").DeleteOne(testContext(t), bson.D{{Key: "_id", Value: "text"}})
					must(t, err)
				},
				Want: connector.AccessChanged, Code: "mongodb.key_kind", Step: connector.StepRead, Scope: connector.OneTable},
		},
		Tables: []string{"notes", "named", "numbered", "mixed"},
		Sizes: []connectortest.Size{
			{Table: "none", Rows: 0}, {Table: "one", Rows: 1}, {Table: "exactly", Rows: smallRecord}, {Table: "onemore", Rows: smallRecord + 1},
		},
		Changes: []connectortest.Change{{Table: "notes", Make: func(t testing.TB) {
			made++
			b.insert("notes", bson.D{{Key: "_id", Value: bson.NewObjectID()}, {Key: "body", Value: "made while reading"}, {Key: "updated_at", Value: bson.NewDateTimeFromTime(time.Now())}})
			_, err := b.coll("notes").UpdateOne(testContext(t), bson.D{{Key: "_id", Value: oid(12, time.Date(2024, 3, 1, 0, 0, 0, 0, time.UTC))}},
				bson.D{{Key: "$set", Value: bson.D{{Key: "body", Value: fmt.Sprintf("changed %d", made)}, {Key: "updated_at", Value: bson.NewDateTimeFromTime(time.Now())}}}})
			must(t, err)
		}}},
		Skip: map[connectortest.Check]string{
			connectortest.Memory:        "records are made of garbage-collected memory, there is no allocator to count with",
			connectortest.ReadOnly:      "proven by a proxy that sees every command: TestOnlyReads",
			connectortest.FailureCauses: "errors that nobody has seen before are played by a proxy: TestCodes",
		},
	}
}

func (b bundle) rename(t testing.TB, from, to string) {
	t.Helper()
	must(t, b.Client().Database("admin").RunCommand(testContext(t), bson.D{{Key: "renameCollection", Value: "shop." + from}, {Key: "to", Value: "shop." + to}}).Err())
}
