package mongo

import (
	"context"
	"errors"
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
)

// TestServer: it keeps what is written over a restart and lets nobody in
// without the right password, with TLS and without.
func TestServer(t *testing.T) {
	t.Parallel()
	for name, cfg := range map[string]Config{"plain": {}, "tls": {TLS: true}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
			defer cancel()
			s := Start(t, cfg)
			things := s.Client().Database("shop").Collection("things")
			if _, err := things.InsertOne(ctx, bson.D{{Key: "a", Value: 1}}); err != nil {
				t.Fatal(err)
			}
			if err := errors.Join(s.Stop(ctx), s.Start(ctx)); err != nil {
				t.Fatal(err)
			}
			if n, err := things.CountDocuments(ctx, bson.D{}); n != 1 || err != nil {
				t.Errorf("%d documents after a restart: %v", n, err)
			}
			if cfg.TLS {
				return
			}
			if err := s.CreateUser(ctx, "somebody", "Ab1!something", "readAnyDatabase:admin"); err != nil {
				t.Fatal(err)
			}
			for password, code := range map[string]int32{"Ab1!something": 0, "Ab1!otherwise": 18} {
				if got := signIn(ctx, t, s, password); got != code {
					t.Errorf("password %s: code %d, want %d", password, got, code)
				}
			}
		})
	}
}

func signIn(ctx context.Context, t *testing.T, s *Server, password string) int32 {
	t.Helper()
	c, err := mongo.Connect(options.Client().SetHosts([]string{s.Address()}).SetDirect(true).
		SetAuth(options.Credential{AuthSource: "admin", Username: "somebody", Password: password}))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = c.Disconnect(ctx) }()
	var refused mongo.CommandError
	if err := c.Ping(ctx, nil); errors.As(err, &refused) {
		return refused.Code
	} else if err != nil {
		t.Fatal(err)
	}
	return 0
}
