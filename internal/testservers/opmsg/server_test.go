package opmsg

import (
	"context"
	"errors"
	"net"
	"slices"
	"strconv"
	"testing"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
)

func client(t *testing.T, port int) (*mongo.Client, context.Context) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	c, err := mongo.Connect(options.Client().SetHosts([]string{net.JoinHostPort("127.0.0.1", strconv.Itoa(port))}).SetDirect(true).SetRetryReads(false).SetServerSelectionTimeout(2 * time.Second))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = c.Disconnect(ctx)
		cancel()
	})
	return c, ctx
}

// TestAnswers: the driver meets the code that was asked for, directly and
// through a proxy, and a cut connection as one.
func TestAnswers(t *testing.T) {
	t.Parallel()
	s := Start(t, nil, func(name string, _ bson.Raw) any {
		switch name {
		case "find":
			return Error(13, "Unauthorized", "not authorized on shop to execute command")
		case "count":
			return Cut{}
		}
		return nil
	})
	p := StartProxy(t, net.JoinHostPort("127.0.0.1", strconv.Itoa(s.Port())), nil)
	for _, port := range []int{s.Port(), p.Port()} {
		c, ctx := client(t, port)
		things := c.Database("shop").Collection("things")
		var refused mongo.CommandError
		if err := things.FindOne(ctx, bson.D{}).Err(); !errors.As(err, &refused) || refused.Code != 13 {
			t.Errorf("find: %v, want code 13", err)
		}
		if _, err := things.EstimatedDocumentCount(ctx); !mongo.IsNetworkError(err) {
			t.Errorf("count: %v, want a network error", err)
		}
	}
	p.Set(func(string, bson.Raw) any { return Error(91, "ShutdownInProgress", "bye") })
	c, ctx := client(t, p.Port())
	if err := c.Ping(ctx, nil); err == nil {
		t.Error("a ping passes though everything is refused")
	}
	if seen := p.Seen(); !slices.Contains(seen, "find") || !slices.Contains(seen, "count") {
		t.Errorf("the proxy saw %v", seen)
	}
}
