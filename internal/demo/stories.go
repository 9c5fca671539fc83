package demo

import (
	"context"
	"fmt"
	"time"

	"golang.org/x/sys/unix"
)

// story is one way in which an authorization breaks, and its repair.
type story struct {
	name   string
	cause  string // of the incident
	actor  string // who must act
	state  string // the integration's
	table  string // of an incident of one table
	before func(context.Context, *stage) error
	repair func(context.Context, *stage) error

	rows    int  // of each kind that change meanwhile; 0: tradeRows
	offline bool // nothing can be changed while it is broken
}

func stories() []story {
	return []story{
		{name: "password changed", cause: "access_changed", actor: "person", state: "needs_reauthorization", before: changePassword, repair: reauthorize},
		{name: "role dropped", cause: "access_changed", actor: "person", state: "needs_reauthorization", before: dropRole, repair: recreateRole},
		{name: "password expired", cause: "expired", actor: "person", state: "needs_reauthorization", before: expirePassword, repair: renewPassword},
		{name: "SELECT revoked on one table", cause: "access_changed", actor: "person", state: "degraded", table: "orders", before: revokeSelect, repair: grantSelect},
		{name: "server stopped", cause: "outage", actor: "nobody", state: "waiting", before: stopServer, repair: startServer, offline: true},
		{name: "bastion host key changed", cause: "access_changed", actor: "person", state: "needs_reauthorization", before: swapHostKey, repair: acceptHostKey},
		{name: "own disk full", cause: "ours", actor: "operator", state: "our_fault", before: fillDisk, repair: freeDisk, rows: 150_000},
		{name: "own network cut", cause: "ours", actor: "operator", state: "our_fault", before: cutNetwork, repair: mendNetwork},
	}
}

func (s *stage) newPassword() string {
	s.round++
	s.password = fmt.Sprintf("correct-horse-%d", s.round+1)
	return s.password
}

func changePassword(ctx context.Context, s *stage) error {
	return s.shop.setPassword(ctx, s.newPassword())
}

func reauthorize(ctx context.Context, s *stage) error {
	return s.product.must(ctx, map[string]string{"password": s.password}, "reauthorize", slug)
}

func dropRole(ctx context.Context, s *stage) error { return s.shop.drop(ctx) }

func recreateRole(ctx context.Context, s *stage) error {
	if err := s.shop.grant(ctx, s.newPassword()); err != nil {
		return err
	}
	return reauthorize(ctx, s)
}

// expirePassword ends the password. Where a server only refuses and does not
// say why, the date is known from an earlier look, as any hourly probe has it.
func expirePassword(ctx context.Context, s *stage) error {
	until, err := s.shop.expire(ctx)
	if err != nil || until.IsZero() {
		return err
	}
	seen, err := s.product.api.Probe(ctx, slug)
	if err != nil {
		return err
	}
	if seen.Authorization == nil || len(seen.Authorization.Expiries) == 0 {
		return fmt.Errorf("the product was asked in time and does not know that the password ends at %s; now it is %s", until, time.Now())
	}
	select {
	case <-time.After(time.Until(until) + 200*time.Millisecond):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func renewPassword(ctx context.Context, s *stage) error {
	if err := s.shop.setPassword(ctx, s.newPassword()); err != nil {
		return err
	}
	return reauthorize(ctx, s)
}

func revokeSelect(ctx context.Context, s *stage) error { return s.shop.deny(ctx, "orders") }

func grantSelect(ctx context.Context, s *stage) error {
	if err := s.shop.allow(ctx, "orders"); err != nil {
		return err
	}
	return s.product.must(ctx, nil, "reauthorize", slug)
}

func stopServer(ctx context.Context, s *stage) error { return s.shop.stop(ctx) }

func startServer(ctx context.Context, s *stage) error { return s.shop.start(ctx) }

func swapHostKey(ctx context.Context, s *stage) error { return s.bastion.SwapHostKey(ctx) }

// acceptHostKey compares the fingerprint that the product shows with the
// bastion's own, as the admin should, and accepts it.
func acceptHostKey(ctx context.Context, s *stage) error {
	in, err := s.product.api.Integration(ctx, slug)
	if err != nil {
		return err
	}
	if len(in.Incidents) == 0 {
		return fmt.Errorf("no incident is open")
	}
	shown := in.Incidents[0].Facts["new_fingerprint"]
	for _, own := range s.bastion.Fingerprints() {
		if own == shown {
			return s.product.must(ctx, nil, "reauthorize", slug, "--set", "ssh_accept_host_key="+shown)
		}
	}
	return fmt.Errorf("the product shows the fingerprint %q, which is none of the bastion's", shown)
}

// fillDisk makes every write of the product beyond a small size fail, as on a
// full disk or over a quota.
func fillDisk(_ context.Context, s *stage) error { return s.limitFiles(8 << 20) }

func freeDisk(_ context.Context, s *stage) error { return s.limitFiles(unix.RLIM_INFINITY) }

func (s *stage) limitFiles(size uint64) error {
	limit := unix.Rlimit{Cur: size, Max: unix.RLIM_INFINITY}
	return unix.Prlimit(s.product.run.PID(), unix.RLIMIT_FSIZE, &limit, nil)
}

func cutNetwork(ctx context.Context, s *stage) error {
	s.controls.cut()
	return s.bastion.Stop(ctx)
}

func mendNetwork(ctx context.Context, s *stage) error {
	if err := s.controls.mend(); err != nil {
		return err
	}
	return s.bastion.Start(ctx)
}
