package demo

import (
	"context"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/regrant/regrant/client"
)

// Soak kills the product at random moments while rows are pulled, passwords
// are changed and credentials are swapped. After every few rounds the
// warehouse must equal the source and the credential must work.
func Soak(ctx context.Context, c Config, rounds int, seed uint64) error {
	c.Size, c.Shop = small, newPostgresShop
	s, err := setUp(ctx, c)
	if err != nil {
		return err
	}
	defer s.tearDown()
	if err := s.firstPull(ctx); err != nil {
		return fmt.Errorf("first pull: %w", err)
	}
	dice := rand.New(rand.NewPCG(seed, 1)) //nolint:gosec // a seed makes a failure repeatable
	s.say("soak: %d rounds, seed %d", rounds, seed)
	for round := 1; round <= rounds; round++ {
		if err := s.killOnce(ctx, dice, round); err != nil {
			return fmt.Errorf("round %d of %d (seed %d): %w", round, rounds, seed, err)
		}
		if round%10 == 0 || round == rounds {
			if err := s.settle(ctx); err != nil {
				return fmt.Errorf("after round %d (seed %d): %w", round, seed, err)
			}
			s.say("soak: %d of %d kills: rows equal, credential works", round, rounds)
		}
	}
	return nil
}

// killOnce does work in the background and pulls the plug in the middle of it.
func (s *stage) killOnce(ctx context.Context, dice *rand.Rand, round int) error {
	if _, err := s.trade(ctx, 200+dice.IntN(3000)); err != nil {
		return err
	}
	working, cancel := context.WithCancel(ctx)
	defer cancel()
	done := make(chan struct{})
	swap := round%4 == 0
	if swap {
		if err := changePassword(ctx, s); err != nil {
			return err
		}
	}
	go func() {
		defer close(done)
		if swap { // its outcome is settled later: the plug may be pulled first
			_, _ = s.product.cli(working, map[string]string{"password": s.password}, "reauthorize", slug)
			return
		}
		_, _ = s.product.api.Update(working, slug)
	}()
	wait(ctx, time.Duration(dice.IntN(400))*time.Millisecond)
	s.product.kill()
	cancel()
	<-done
	return s.product.start(ctx, "127.0.0.1:0")
}

// settle lets the product finish its work undisturbed and compares.
func (s *stage) settle(ctx context.Context) error {
	in, err := s.product.api.Integration(ctx, slug)
	if err != nil {
		return err
	}
	last := ""
	if in.LastPull != nil {
		last = in.LastPull.ID
	}
	// Either credential may be in force, each of them whole; the person who
	// was interrupted simply does it again.
	if err := reauthorize(ctx, s); err != nil {
		return fmt.Errorf("the credential is lost: %w", err)
	}
	if _, err := s.until(ctx, time.Minute, "healthy again", func(in client.Integration) bool { return healthyAfter(last)(in) }); err != nil {
		return err
	}
	if err := s.mustEqual(ctx); err != nil {
		return err
	}
	return s.mustBeSingle(ctx)
}

// mustBeSingle proves that no row is doubled: equal sums could hide a pair.
func (s *stage) mustBeSingle(ctx context.Context) error {
	for table, key := range map[string]string{"orders": "id", "order_items": "id", "customers": "id", "visits": "id", "products": "sku"} {
		sql := fmt.Sprintf("SELECT count(*) - count(DISTINCT %s) FROM %s.%s WHERE _regrant_deleted_at IS NULL", key, slug, table)
		result, err := s.product.api.Query(ctx, client.Query{SQL: sql})
		if err != nil {
			return err
		}
		if doubled := text(result.Rows[0][0]); doubled != "0" {
			return fmt.Errorf("%s rows of %s are doubled", doubled, table)
		}
	}
	return nil
}

func wait(ctx context.Context, d time.Duration) {
	select {
	case <-time.After(d):
	case <-ctx.Done():
	}
}
