package demo

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/regrant/regrant/client"
	"github.com/regrant/regrant/internal/testservers/mysql"
)

// tradeRows is how many rows of each kind change while a story is broken.
const tradeRows = 2_000

// engines are the databases whose stories can be played.
func engines() map[string]func(context.Context) (shop, error) {
	return map[string]func(context.Context) (shop, error){
		"postgresql": newPostgresShop,
		"mariadb":    func(ctx context.Context) (shop, error) { return newMySQLShop(ctx, mysql.MariaDB) },
		"mysql":      func(ctx context.Context) (shop, error) { return newMySQLShop(ctx, mysql.MySQL) },
	}
}

// Check plays every story on each engine unattended and prints a line for
// each. It ends with the first that fails.
func Check(ctx context.Context, c Config, names []string) error {
	passed, all := 0, len(names)*len(stories())
	for n, name := range names {
		start, ok := engines()[name]
		if !ok {
			return fmt.Errorf("no stories are written for %q", name)
		}
		c.Shop = start
		if n > 0 {
			c.Size = medium
		}
		played, err := checkOn(ctx, c)
		passed += played
		if err != nil {
			return fmt.Errorf("demo-check: %d of %d: %s: %w", passed, all, name, err)
		}
	}
	_, _ = fmt.Fprintf(c.Out, "demo-check: %d of %d\n", passed, all)
	return nil
}

func checkOn(ctx context.Context, c Config) (passed int, err error) {
	s, err := setUp(ctx, c)
	if err != nil {
		return 0, err
	}
	defer s.tearDown()
	if err := s.firstPull(ctx); err != nil {
		return 0, fmt.Errorf("first pull: %w", err)
	}
	for _, story := range stories() {
		began := time.Now()
		result, err := s.play(ctx, story)
		if err != nil {
			s.say("FAIL  %-28s %v", story.name, err)
			return passed, fmt.Errorf("%s: %w", story.name, err)
		}
		passed++
		s.say("ok    %-28s %s  (%.1f s)", story.name, result, time.Since(began).Seconds())
	}
	return passed, nil
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
	differences, err := compare(ctx, s.shop, s.product.api, slug)
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
	if limit := changed + changed/5 + s.mayReadAgain(); read > int64(limit) {
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
		func() error { changed, err = s.trade(ctx, rows); return err },
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
	table := story.table
	if table != "" {
		table = s.shop.prefix() + table
	}
	want := fmt.Sprintf("%s/%s/%s/%q exit %d", story.cause, story.actor, story.state, table, exitStatus[story.actor])
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
// trade; what has no date to follow is small and read whole each time.
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
			if t.Table != s.shop.prefix()+"shop_settings" && t.Table != s.shop.prefix()+"products" {
				rows += t.Rows
			}
		}
	}
	return rows, nil
}
