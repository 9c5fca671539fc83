package pull

import (
	"time"

	"github.com/regrant/regrant/internal/integration"
)

// due says whether a recheck belongs to an update that begins now. Days and
// weeks are those of the zone.
func due(r integration.Recheck, now time.Time, zone *time.Location) bool {
	var since time.Time
	switch r.Every {
	case integration.Always:
		return true
	case integration.Once:
		return r.Last.IsZero()
	case integration.Daily:
		since = lastMidnight(now, zone)
	case integration.Weekly:
		since = lastFriday(now, zone)
	case integration.Monthly:
		since = lastFourthFriday(now, zone)
	default:
		return false
	}
	return r.Last.Before(since)
}

// fridayHour is when the quiet of the weekend begins: Friday 21:00.
const fridayHour = 21

// lastMidnight is the newest midnight that is not after now.
func lastMidnight(now time.Time, zone *time.Location) time.Time {
	y, m, d := now.In(zone).Date()
	t := wall(y, m, d, 0, zone)
	if t.After(now) { // only where a day begins later than midnight
		t = wall(y, m, d-1, 0, zone)
	}
	return t
}

// lastFriday is the newest Friday 21:00 that is not after now.
func lastFriday(now time.Time, zone *time.Location) time.Time {
	local := now.In(zone)
	y, m, d := local.Date()
	d -= (int(local.Weekday()) - int(time.Friday) + 7) % 7
	t := wall(y, m, d, fridayHour, zone)
	if t.After(now) {
		t = wall(y, m, d-7, fridayHour, zone)
	}
	return t
}

// lastFourthFriday is the newest Friday 21:00 not after now in every fourth
// week, counted from Friday, 2 January 1970: all tables share the same weeks.
func lastFourthFriday(now time.Time, zone *time.Location) time.Time {
	t := lastFriday(now, zone)
	y, m, d := t.In(zone).Date()
	days := int(time.Date(y, m, d, 0, 0, 0, 0, time.UTC).Unix() / (24 * 60 * 60))
	const firstFriday = 1
	over := ((days-firstFriday)/7%4 + 4) % 4
	return wall(y, m, d-7*over, fridayHour, zone)
}

// wall is the first instant at which a clock in the zone shows the hour, or
// jumps over it.
func wall(y int, m time.Month, d, hour int, zone *time.Location) time.Time {
	t := time.Date(y, m, d, hour, 0, 0, 0, zone)
	start, end := t.ZoneBounds()
	want := time.Date(y, m, d, hour, 0, 0, 0, time.UTC)
	if shown := clockOf(t); !shown.Equal(want) { // the hour does not exist that day
		if shown.Before(want) {
			return end
		}
		return start
	}
	if start.IsZero() {
		return t
	}
	_, before := start.Add(-time.Second).Zone()
	_, after := t.Zone()
	if earlier := t.Add(-time.Duration(before-after) * time.Second); earlier.Before(start) && clockOf(earlier).Equal(want) {
		return earlier // the hour exists twice that day
	}
	return t
}

// clockOf reads what the clock shows as if it were UTC.
func clockOf(t time.Time) time.Time {
	y, m, d := t.Date()
	return time.Date(y, m, d, t.Hour(), t.Minute(), t.Second(), 0, time.UTC)
}
