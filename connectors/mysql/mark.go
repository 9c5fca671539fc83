package mysql

import (
	"context"
	"errors"
	"fmt"
	"math"
	"strconv"

	"github.com/regrant/regrant/connector/mysqlwire"
)

// kind is what a followed column holds, which decides how wide a window must be.
type kind uint8

const (
	numbers kind = iota
	instants
	localTimes
	days
)

// How long a transaction may run and still be found, where the server does not
// tell which ones do; with the privilege PROCESS it does, and the window is as
// wide as the oldest one needs.
const (
	assumedRun = 15 * 60 // seconds
	// localSlack is for dates without a zone: when clocks are set back, an
	// hour of dates comes twice.
	localSlack = 60 * 60
	// numberWindow is how many numbers below the mark are looked at at least.
	numberWindow = 1_000
	mostPast     = 24
)

// mark takes the next mark, before anything is read.
func (f *follower) mark(ctx context.Context) (mark, error) {
	running, err := f.running(ctx)
	if err != nil {
		return mark{}, err
	}
	next, err := f.high(ctx, max(running, assumedRun))
	if err != nil {
		return mark{}, err
	}
	next.Of = f.hashedBy()
	if next.High != "" {
		if next.Window, err = f.tally(ctx, f.window(next.Since, next.High)); err != nil {
			return mark{}, err
		}
	}
	if f.kind != numbers {
		next.Odd, err = f.tally(ctx, f.odd())
	}
	return next, err
}

// running is for how many seconds the oldest transaction has been running; 0
// where that is not to be known.
func (f *follower) running(ctx context.Context) (int64, error) {
	if err := f.fresh(ctx); err != nil || f.c.noTrx {
		return 0, err
	}
	rows, err := f.c.All(ctx, "SELECT TIMESTAMPDIFF(SECOND, CONVERT_TZ(MIN(trx_started), 'SYSTEM', '+00:00'), UTC_TIMESTAMP()) FROM information_schema.innodb_trx")
	var refused *mysqlwire.Error
	switch {
	case errors.As(err, &refused): // 1227: not granted
		f.c.noTrx = true
		return 0, nil
	case err != nil:
		return 0, err
	case len(rows) != 1 || rows[0][0] == nil:
		return 0, nil
	}
	const margin = 60
	return max(number64(rows[0][0]), 0) + margin, nil
}

// high finds the highest value to read up to, and where the window below it begins.
func (f *follower) high(ctx context.Context, seconds int64) (mark, error) {
	limit, back := "", ""
	switch f.kind {
	case numbers:
		back = "NULL"
	case instants:
		limit = " WHERE " + f.expr() + " <= UTC_TIMESTAMP(6)"
		back = fmt.Sprintf("DATE_SUB(x.m, INTERVAL %d SECOND)", seconds)
	case localTimes:
		// Its zone is not known: the application may write local time. Dates
		// that no zone has yet do not count.
		limit = " WHERE " + f.expr() + " <= UTC_TIMESTAMP(6) + INTERVAL 14 HOUR"
		back = fmt.Sprintf("DATE_SUB(x.m, INTERVAL %d SECOND)", seconds+localSlack)
	case days:
		limit = " WHERE " + f.expr() + " <= UTC_TIMESTAMP() + INTERVAL 14 HOUR"
		back = fmt.Sprintf("DATE_SUB(x.m, INTERVAL %d DAY)", 1+seconds/86_400)
	}
	rows, err := f.ask(ctx, "SELECT x.m, "+back+", UNIX_TIMESTAMP() FROM (SELECT MAX("+f.expr()+") m FROM "+f.t.from()+limit+") x")
	if err != nil {
		return mark{}, err
	}
	if len(rows) != 1 || len(rows[0]) != 3 {
		return mark{}, fmt.Errorf("the mark came as %d rows", len(rows))
	}
	next, err := f.markOf(rows[0][0], rows[0][1])
	if err != nil || next.High == "" {
		return next, err
	}
	if f.kind == numbers {
		f.rememberNumbers(&next, number64(rows[0][2]), seconds)
	}
	return next, nil
}

// markOf writes the values down. A table that was emptied at the source keeps
// its mark.
func (f *follower) markOf(high, since []byte) (mark, error) {
	var next mark
	if high == nil {
		if f.pos.Done != nil {
			next.High, next.Since = f.pos.Done.High, f.pos.Done.Since
		}
		return next, nil
	}
	var ok bool
	if next.High, ok = f.by.form.key.text(high); !ok {
		return next, f.ours("key_value", "The column by which this table is followed has a value that Regrant cannot write down. Please report it.", errKeyValue)
	}
	if next.Since, ok = f.by.form.key.text(since); since == nil || !ok {
		next.Since = next.High // before the year 1, or a date that no calendar has
	}
	return next, nil
}

// rememberNumbers finds a number that was the highest before the oldest
// transaction began: numbers say nothing about time, but earlier marks do.
func (f *follower) rememberNumbers(next *mark, now, seconds int64) {
	var past []moment
	if f.pos.Done != nil {
		past = f.pos.Done.Past
	}
	next.Past, next.Since = thinned(append(past[:len(past):len(past)], moment{At: now, High: next.High}), now-seconds), ""
	if oldest := next.Past[0]; oldest.At <= now-seconds {
		next.Since = oldest.High
	}
	next.Since = lowerNumber(next.Since, next.High)
}

// thinned drops moments that are not needed: all but the newest of those
// before the horizon, and every second one where there are too many.
func thinned(past []moment, horizon int64) []moment {
	for len(past) > 1 && past[1].At <= horizon {
		past = past[1:]
	}
	if len(past) <= mostPast {
		return past
	}
	kept := past[:1:1]
	for i := 1; i < len(past)-1; i += 2 {
		kept = append(kept, past[i])
	}
	return append(kept, past[len(past)-1])
}

// lowerNumber is the lower one of since and a window's width below high. An
// unsigned number may not be representable as a signed one.
func lowerNumber(since, high string) string {
	h, err := strconv.ParseInt(high, 10, 64)
	if err != nil { // above 2^63
		u, err := strconv.ParseUint(high, 10, 64)
		if err != nil {
			return high
		}
		if s, err := strconv.ParseUint(since, 10, 64); err == nil && s < u-numberWindow {
			return since
		}
		return strconv.FormatUint(u-numberWindow, 10)
	}
	low := h - numberWindow
	if h < math.MinInt64+numberWindow {
		low = math.MinInt64
	}
	if s, err := strconv.ParseInt(since, 10, 64); err == nil && s < low {
		low = s
	}
	return strconv.FormatInt(low, 10)
}
