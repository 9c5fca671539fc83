package demo

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/regrant/regrant/client"
)

// tradeRows is how many rows of each kind change while a story is broken.
const tradeRows = 2_000

// Check plays every story unattended and prints a line for each. Its error
// says how many failed.
func Check(ctx context.Context, c Config) error {
	s, err := setUp(ctx, c)
	if err != nil {
		return err
	}
	defer s.tearDown()
	if err := s.firstPull(ctx); err != nil {
		return fmt.Errorf("first pull: %w", err)
	}
	passed, all := 0, stories()
	for _, story := range all {
		began := time.Now()
		result, err := s.play(ctx, story)
		if err != nil {
			s.say("FAIL  %-28s %v", story.name, err)
			return fmt.Errorf("demo-check: %d of %d: %s: %w", passed, len(all), story.name, err)
		}
		passed++
		s.say("ok    %-28s %s  (%.1f s)", story.name, result, time.Since(began).Seconds())
	}
	s.say("demo-check: %d of %d", passed, len(all))
	return nil
}

// firstPull connects and pulls everything, shows progress and compares.
func (s *stage) firstPull(ctx context.Context) error {
	began := time.Now()
	if err := s.connect(ctx); err != nil {
		return err
	}
	in, err := s.pulled(ctx, "")
	if err != nil {
		return err
	}
	took := time.Since(began).Seconds()
	s.say("Pulled %d rows in %.1f s (%.0f rows/s).", in.LastPull.Rows, took, float64(in.LastPull.Rows)/took)
	return s.mustEqual(ctx)
}

func (s *stage) mustEqual(ctx context.Context) error {
	differences, err := compare(ctx, s.source, s.product.api, slug)
	if err == nil && len(differences) > 0 {
		err = fmt.Errorf("warehouse and source differ: %v", differences)
	}
	return err
}

// play breaks, lets the shop go on trading, looks at what the product says,
// repairs, waits until it has caught up, and compares row by row.
func (s *stage) play(ctx context.Context, story story) (string, error) {
	began := time.Now()
	changed, err := s.breakIt(ctx, story)
	if err != nil {
		return "", fmt.Errorf("breaking it: %w", err)
	}
	if err := s.notice(ctx, story); err != nil {
		return "", err
	}
	noticed := time.Since(began)
	repaired, last := time.Now(), s.lastPull(ctx)
	if err := story.repair(ctx, s); err != nil {
		return "", fmt.Errorf("repairing it: %w", err)
	}
	if _, err := s.until(ctx, 2*time.Minute, "healthy again", healthyAfter(last)); err != nil {
		return "", err
	}
	healthy := time.Since(repaired)
	read, err := s.rowsSince(ctx, repaired)
	if err != nil {
		return "", err
	}
	if err := s.mustEqual(ctx); err != nil {
		return "", err
	}
	if limit := int64(changed + changed/5); read > limit {
		return "", fmt.Errorf("%d rows were read for %d changed ones: more than 1.2 times the gap", read, changed)
	}
	return fmt.Sprintf("cause %s, actor %s, told in %.1f s, healthy %.1f s after the repair, rows equal, %d rows read for %d changed",
		story.cause, story.actor, noticed.Seconds(), healthy.Seconds(), read, changed), nil
}

// breakIt returns how many rows changed that the product has not read. A
// server that is stopped cannot trade: then the trading comes first.
func (s *stage) breakIt(ctx context.Context, story story) (changed int, err error) {
	rows := tradeRows
	if story.rows > 0 {
		rows = story.rows
	}
	steps := []func() error{
		func() error { return story.before(ctx, s) },
		func() error { s.trades++; changed, err = trade(ctx, s.pg, s.trades, rows); return err },
	}
	if story.offline {
		slices.Reverse(steps)
	}
	for _, step := range steps {
		if err := step(); err != nil {
			return changed, err
		}
	}
	return changed, nil
}

// notice makes the product read and holds what it says against the story.
func (s *stage) notice(ctx context.Context, story story) error {
	got, err := s.product.cli(ctx, nil, "update", slug, "--wait")
	if err != nil {
		return err
	}
	in, err := s.until(ctx, time.Minute, "an incident", func(in client.Integration) bool { return len(in.Incidents) > 0 && !in.Status.Running })
	if err != nil {
		return err
	}
	if len(in.Incidents) != 1 {
		return fmt.Errorf("%d incidents are open, want 1", len(in.Incidents))
	}
	i := in.Incidents[0]
	said := fmt.Sprintf("%s/%s/%s/%q exit %d", i.Cause, i.Actor, in.Status.State, i.Table, got.Status)
	want := fmt.Sprintf("%s/%s/%s/%q exit %d", story.cause, story.actor, story.state, story.table, exitStatus[story.actor])
	if said != want {
		return fmt.Errorf("it says %s, want %s (%s: %s)", said, want, i.Code, i.Public)
	}
	return nil
}

// exitStatus of a command that meets an incident, by who must act.
var exitStatus = map[string]int{"person": 3, "nobody": 4, "operator": 5}

func healthyAfter(last string) func(client.Integration) bool {
	return func(in client.Integration) bool {
		return in.Status.State == "healthy" && !in.Status.Running && in.LastPull != nil && in.LastPull.ID != last && len(in.Gaps) == 0
	}
}

// rowsSince is how many rows pulls have read since then, of the tables that
// trade; a table without a key is small and read whole each time.
func (s *stage) rowsSince(ctx context.Context, since time.Time) (rows int64, err error) {
	pulls, err := s.product.api.Pulls(ctx, client.Filter{Integration: slug, Limit: 100})
	if err != nil {
		return 0, err
	}
	for _, p := range pulls {
		if p.Started.Before(since.Add(-time.Second)) {
			continue
		}
		for _, t := range p.Tables {
			if t.Table != "public.shop_settings" {
				rows += t.Rows
			}
		}
	}
	return rows, nil
}
