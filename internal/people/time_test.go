package people

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/regrant/regrant/internal/integration"
)

var start = time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)

func TestThrottleDoubles(t *testing.T) {
	t.Parallel()
	th := newThrottle(3)
	now := start
	for range 3 {
		if until := th.attempt("a", now); !until.IsZero() {
			t.Fatalf("throttled until %s too early", until)
		}
	}
	wait := firstWait
	for range 20 {
		until := th.attempt("a", now)
		if got := until.Sub(now); got != wait {
			t.Fatalf("wait is %s, want %s", got, wait)
		}
		now = until
		if until := th.attempt("a", now); !until.IsZero() {
			t.Fatal("not admitted after the wait")
		}
		wait = min(2*wait, longestWait)
	}
	if until := th.attempt("b", now); !until.IsZero() {
		t.Error("another key is throttled")
	}
	th.forget("a")
	if until := th.attempt("a", now); !until.IsZero() {
		t.Error("throttled after a success")
	}
	now = now.Add(3 * longestWait)
	if th.attempt("a", now); th.keys["a"].count != 1 {
		t.Error("old attempts still count")
	}
}

func TestThrottleGivesAnAttemptBack(t *testing.T) {
	t.Parallel()
	th := newThrottle(3)
	for n := range 50 { // successes of an address are not counted
		if until := th.attempt("a", start); !until.IsZero() {
			t.Fatalf("throttled after %d attempts that were taken back", n)
		}
		th.undo("a")
	}
	th.undo("b")
	if _, known := th.keys["b"]; known {
		t.Error("taking back makes a key")
	}
}

func TestThrottleIsBounded(t *testing.T) {
	t.Parallel()
	th := newThrottle(3)
	for range 5 {
		th.attempt("victim", start)
	}
	for n := range throttleSize + 1000 {
		th.attempt(fmt.Sprint(n), start)
	}
	if len(th.keys) > throttleSize {
		t.Errorf("%d keys are kept", len(th.keys))
	}
	if until := th.attempt("victim", start); until.IsZero() {
		t.Error("a flood of other keys frees the one under attack")
	}
}

// clock is a storage of one session, with what the service asks of it.
type clock struct {
	Storage
	session StoredSession
	touched int
	dropped bool
}

func (c *clock) Session(context.Context, string) (StoredSession, Account, error) {
	if c.dropped {
		return StoredSession{}, Account{}, integration.ErrNotFound
	}
	return c.session, Account{ID: "a", Email: "ada@example.com", Role: integration.Admin}, nil
}

func (c *clock) TouchSession(_ context.Context, _ string, seen time.Time) error {
	c.session.Seen = seen
	c.touched++
	return nil
}

func (c *clock) DropSession(context.Context, string) error {
	c.dropped = true
	return nil
}

func TestSessionsEnd(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		every time.Duration // between two requests
		lasts time.Duration // at least, and less than every more
	}{
		"used all the time": {time.Hour, SessionLife - time.Hour},
		"used rarely":       {SessionIdle - time.Minute, SessionLife - SessionIdle},
		"not used":          {SessionIdle, 0},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			now := start
			c := &clock{session: StoredSession{Created: start, Seen: start}}
			s, err := New(Config{Storage: c, Cost: Cost{Time: 1, Memory: 64, Threads: 1}})
			if err != nil {
				t.Fatal(err)
			}
			s.now = func() time.Time { return now }
			for {
				now = now.Add(test.every)
				if _, err := s.Session(t.Context(), "token"); err != nil {
					if !errors.Is(err, ErrSignedOut) || !c.dropped {
						t.Errorf("ended with %v", err)
					}
					break
				}
			}
			if lasted := now.Add(-test.every).Sub(start); lasted < test.lasts || lasted > test.lasts+test.every {
				t.Errorf("it lasted %s, want %s", lasted, test.lasts)
			}
		})
	}
}

func TestUseIsStoredOnceAMinute(t *testing.T) {
	t.Parallel()
	now := start
	c := &clock{session: StoredSession{Created: start, Seen: start}}
	s, err := New(Config{Storage: c, Cost: Cost{Time: 1, Memory: 64, Threads: 1}})
	if err != nil {
		t.Fatal(err)
	}
	s.now = func() time.Time { return now }
	for range 120 {
		now = now.Add(time.Second)
		if _, err := s.Session(t.Context(), "token"); err != nil {
			t.Fatal(err)
		}
	}
	if c.touched != 2 {
		t.Errorf("120 requests in two minutes were %d writes", c.touched)
	}
}

func TestLocalToken(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	token, err := LocalToken(dir)
	if err != nil {
		t.Fatal(err)
	}
	again, err := LocalToken(dir)
	if err != nil || again != token || !strings.HasPrefix(token, TokenPrefix) {
		t.Errorf("again it is %q, not %q: %v", again, token, err)
	}
	path := filepath.Join(dir, LocalTokenFile)
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
	left, err := os.ReadDir(dir)
	if err != nil || len(left) != 1 {
		t.Errorf("the directory holds %v, %v", left, err)
	}
	s, err := New(Config{Storage: noTokens{}, Local: token, Cost: Cost{Time: 1, Memory: 64, Threads: 1}})
	if err != nil {
		t.Fatal(err)
	}
	who, err := s.Token(t.Context(), token)
	if err != nil || who.Role != integration.Admin {
		t.Errorf("it acts as %+v, %v", who, err)
	}
	if _, err := s.Token(t.Context(), token+"x"); !errors.Is(err, ErrToken) {
		t.Errorf("another token: %v", err)
	}
	if err := os.Chmod(path, 0o644); err != nil { //nolint:gosec // that is the test
		t.Fatal(err)
	}
	if _, err := LocalToken(dir); err == nil {
		t.Error("a token that others can read was taken")
	}
}

type noTokens struct{ Storage }

func (noTokens) Token(context.Context, string) (Token, error) {
	return Token{}, integration.ErrNotFound
}

func FuzzParseHash(f *testing.F) {
	good, err := hashPassword("password", Cost{Time: 1, Memory: 64, Threads: 1})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(good)
	f.Add("$argon2id$v=19$m=64,t=1,p=1$$")
	f.Fuzz(func(t *testing.T, stored string) {
		c, _, sum, err := parseHash(stored)
		if err == nil && (len(sum) != hashBytes || c.Memory > 1<<20 || c.Time == 0 || c.Threads == 0) {
			t.Errorf("%q is taken with %+v", stored, c)
		}
	})
}
