package amazonrds

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/regrant/regrant/connector"
)

// TestToken signs at a known time: inside the bubble the year is 2000. The
// token was computed by hand, after Amazon's description of version 4.
func TestToken(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		env := newEnv()
		env.Settings["user"] = "pull ro/é"
		p, err := newPlan(env)
		must(t, err)
		s := &signer{plan: p}
		if got := s.token(); got != unsigned {
			t.Errorf("Open signs: %s", got)
		}
		s.arm()
		first := s.token()
		const want = testHost + ":5432?Action=connect&DBUser=pull%20ro%2F%C3%A9&X-Amz-Algorithm=AWS4-HMAC-SHA256" +
			"&X-Amz-Credential=AKIAEXAMPLEKEY000001%2F20000101%2Feu-central-1%2Frds-db%2Faws4_request" +
			"&X-Amz-Date=20000101T000000Z&X-Amz-Expires=900&X-Amz-SignedHeaders=host&X-Amz-Signature=e8d0cc606e6e199282e764049a9ce09b8f0eb9d10e22fc99d9ea2f28a5fae559"
		if first != want {
			t.Errorf("signed\n%s, want\n%s", first, want)
		}
		time.Sleep(time.Second) // of the bubble
		if second := s.token(); second == first {
			t.Error("a token is used twice")
		}
		if f := s.fault(); f != nil {
			t.Error(f)
		}
	})
}

// newEnv is an authorization with a key, for tests without a server.
func newEnv() connector.Env {
	a := &amazon{}
	env := a.env("postgresql", 5432, "")
	env.Settings["host"] = testHost
	env.Endpoint = nil
	delete(env.Settings, "endpoint")
	return env
}
