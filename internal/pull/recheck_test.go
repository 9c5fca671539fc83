package pull

import (
	"testing"
	"time"
	_ "time/tzdata"

	"github.com/regrant/regrant/internal/integration"
)

func TestDue(t *testing.T) {
	t.Parallel()
	const layout = "2006-01-02 15:04 MST"
	tests := []struct {
		zone      string
		every     integration.RecheckEvery
		last, now string // in RFC 3339; an empty last is never
		want      bool
	}{
		{"UTC", integration.Always, "2026-11-24T10:00:00Z", "2026-11-24T10:00:01Z", true},
		{"UTC", integration.Once, "", "2026-11-24T10:00:00Z", true},
		{"UTC", integration.Once, "2026-11-01T10:00:00Z", "2026-11-24T10:00:00Z", false},
		{"UTC", "sometimes", "", "2026-11-24T10:00:00Z", false},

		{"UTC", integration.Daily, "", "2026-11-24T10:00:00Z", true},
		{"UTC", integration.Daily, "2026-11-23T23:59:59Z", "2026-11-24T00:00:00Z", true},
		{"UTC", integration.Daily, "2026-11-24T00:00:00Z", "2026-11-24T23:59:59Z", false},
		{"America/New_York", integration.Daily, "2026-11-24T04:00:00Z", "2026-11-24T04:59:00Z", false}, // 23:59 there
		{"America/New_York", integration.Daily, "2026-11-24T04:00:00Z", "2026-11-24T05:00:00Z", true},  // midnight there
		{"Asia/Kathmandu", integration.Daily, "2026-11-23T18:14:00Z", "2026-11-23T18:15:00Z", true},    // +05:45

		// A day of 23 hours and one of 25.
		{"Europe/Berlin", integration.Daily, "2026-03-28T23:00:00Z", "2026-03-29T21:59:00Z", false},
		{"Europe/Berlin", integration.Daily, "2026-03-28T23:00:00Z", "2026-03-29T22:00:00Z", true},
		{"Europe/Berlin", integration.Daily, "2026-10-24T22:00:00Z", "2026-10-25T22:59:00Z", false},
		{"Europe/Berlin", integration.Daily, "2026-10-24T22:00:00Z", "2026-10-25T23:00:00Z", true},
		// A day that begins at 01:00 (Beirut springs forward at midnight)…
		{"Asia/Beirut", integration.Daily, "2026-03-28T21:00:00Z", "2026-03-28T21:59:00Z", false},
		{"Asia/Beirut", integration.Daily, "2026-03-28T21:00:00Z", "2026-03-28T22:00:00Z", true},
		// …and one whose midnight comes twice (Havana falls back at 01:00): the first counts.
		{"America/Havana", integration.Daily, "2026-11-01T03:59:00Z", "2026-11-01T04:00:00Z", true},
		{"America/Havana", integration.Daily, "2026-11-01T04:00:00Z", "2026-11-01T05:30:00Z", false},

		// 20 November 2026 is a Friday.
		{"UTC", integration.Weekly, "", "2026-11-20T20:00:00Z", true},
		{"UTC", integration.Weekly, "2026-11-14T00:00:00Z", "2026-11-20T20:59:59Z", false},
		{"UTC", integration.Weekly, "2026-11-20T20:59:59Z", "2026-11-20T21:00:00Z", true},
		{"UTC", integration.Weekly, "2026-11-20T21:00:00Z", "2026-11-27T20:59:59Z", false},
		{"UTC", integration.Weekly, "2026-11-20T21:00:00Z", "2026-11-27T21:00:00Z", true},
		{"UTC", integration.Weekly, "2026-11-01T00:00:00Z", "2026-11-24T10:00:00Z", true}, // missed some
		{"America/Los_Angeles", integration.Weekly, "2026-11-21T04:00:00Z", "2026-11-21T04:59:59Z", false},
		{"America/Los_Angeles", integration.Weekly, "2026-11-21T04:00:00Z", "2026-11-21T05:00:00Z", true},
		{"Pacific/Auckland", integration.Weekly, "2026-11-20T07:00:00Z", "2026-11-20T08:00:00Z", true},

		// Every fourth Friday from 2 January 1970: 23 October, 20 November and 18 December 2026.
		{"UTC", integration.Monthly, "2026-11-20T20:59:00Z", "2026-11-20T21:00:00Z", true},
		{"UTC", integration.Monthly, "2026-10-23T21:00:00Z", "2026-11-20T20:59:59Z", false},
		{"UTC", integration.Monthly, "2026-11-20T21:00:00Z", "2026-11-27T21:00:00Z", false},
		{"UTC", integration.Monthly, "2026-11-20T21:00:00Z", "2026-12-18T20:59:59Z", false},
		{"UTC", integration.Monthly, "2026-11-20T21:00:00Z", "2026-12-18T21:00:00Z", true},
	}
	for _, test := range tests {
		zone, err := time.LoadLocation(test.zone)
		if err != nil {
			t.Fatal(err)
		}
		r := integration.Recheck{Every: test.every}
		if test.last != "" {
			r.Last = at(t, test.last)
		}
		now := at(t, test.now)
		if got := due(r, now, zone); got != test.want {
			t.Errorf("%s, last %q, now %s: due %t, want %t", test.every, test.last, now.In(zone).Format(layout), got, test.want)
		}
	}
}

func at(t *testing.T, text string) time.Time {
	t.Helper()
	v, err := time.Parse(time.RFC3339, text)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// TestDueOncePerPeriod walks hours through years with an update each hour: a
// recheck is due once per day, week or four weeks, whatever the clocks do.
func TestDueOncePerPeriod(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"UTC", "Europe/Berlin", "America/Havana", "Asia/Beirut", "Australia/Lord_Howe", "Pacific/Apia", "America/St_Johns"} {
		zone, err := time.LoadLocation(name)
		if err != nil {
			t.Fatal(err)
		}
		for every, want := range map[integration.RecheckEvery]int{integration.Daily: 3 * 364, integration.Weekly: 3 * 52, integration.Monthly: 3 * 13} {
			start := time.Date(2025, 1, 4, 12, 0, 0, 0, zone) // a Saturday
			r := integration.Recheck{Every: every, Last: start}
			times := 0
			for now := start; now.Before(start.AddDate(0, 0, 3*364)); now = now.Add(20 * time.Minute) {
				if due(r, now, zone) {
					times++
					r.Last = now
				}
			}
			if times != want {
				t.Errorf("%s %s: %d times, want %d", name, every, times, want)
			}
		}
	}
}
