package cli

import (
	"testing"
	"time"

	"github.com/regrant/regrant/client"
)

func TestLookTellsTheNewPullFromOthers(t *testing.T) {
	t.Parallel()
	start := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	ended := start.Add(time.Minute)
	with := func(id string, end *time.Time) client.Integration {
		return client.Integration{ID: "i", LastPull: &client.Pull{ID: id, Ended: end}}
	}
	for _, c := range []struct {
		name     string
		before   client.Integration
		known    string // asked.before
		seen     client.Integration
		progress []client.Progress
		done     bool
		sign     bool
	}{
		{"the old one", with("a", &ended), "a", with("a", &ended), nil, false, false},
		{"a new one runs", with("a", &ended), "a", with("b", nil), nil, false, true},
		{"a new one ended", with("a", &ended), "a", with("b", &ended), nil, true, true},
		{"the first ever", client.Integration{ID: "i"}, "", with("a", &ended), nil, true, true},
		{"one that ran already ends", with("a", nil), "", with("a", &ended), nil, true, false},
		{"one of a dead process", with("a", nil), "", with("a", nil), nil, false, false},
		{"a slow one", with("b", nil), "a", with("b", nil), []client.Progress{{Integration: "i"}}, false, true},
		{"waits for its turn", with("a", &ended), "a", with("a", &ended), []client.Progress{{Integration: "j"}}, false, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			one := &asked{in: c.before, after: c.before, before: c.known, sign: start}
			one.look(c.seen, c.progress, ended)
			if (one.pull != nil) != c.done || one.sign.Equal(ended) != c.sign {
				t.Fatalf("pull %v, sign %v", one.pull, one.sign)
			}
		})
	}
}
