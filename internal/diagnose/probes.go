package diagnose

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"sync"
	"syscall"
	"time"

	"github.com/regrant/regrant/connector"
)

// maxControls bounds the connections of one diagnosis.
const maxControls = 8

// reachControls tries the operator's controls and some neighbours at once.
func (d *Diagnoser) reachControls(ctx context.Context, neighbours func(context.Context) []Target) []control {
	all := d.controls(ctx, neighbours)
	var wait sync.WaitGroup
	for n := range all {
		wait.Go(func() {
			err := d.reach(ctx, all[n].address)
			all[n].now = err == nil
			if isRefusal(err) { // by our own policy: it says nothing
				all[n].before = false
			}
		})
	}
	wait.Wait()
	return all
}

func (d *Diagnoser) controls(ctx context.Context, neighbours func(context.Context) []Target) []control {
	var all []control
	seen := map[string]bool{}
	add := func(c control) {
		if !seen[c.address] && len(all) < maxControls {
			seen[c.address] = true
			all = append(all, c)
		}
	}
	for _, address := range d.config.Controls {
		add(control{address: address, before: d.memory.workedBefore(address), operator: true})
	}
	if neighbours != nil {
		targets := neighbours(ctx)
		slices.SortFunc(targets, func(a, b Target) int { return b.WorkedAt.Compare(a.WorkedAt) })
		for _, t := range targets {
			if t.Address != "" && !t.WorkedAt.IsZero() {
				add(control{address: t.Address, before: true, integration: t.Integration})
			}
		}
	}
	return all
}

// reach opens a connection and closes it.
func (d *Diagnoser) reach(ctx context.Context, address string) error {
	conn, err := d.config.Dial(ctx, "tcp", address)
	if err != nil {
		return err
	}
	return conn.Close()
}

func isRefusal(err error) bool {
	var f *connector.Fault
	return errors.As(err, &f) && f.Cause == connector.Invalid
}

// lookUp asks our own name server for the names of the controls.
func (d *Diagnoser) lookUp(ctx context.Context) []name {
	var all []name
	for _, address := range d.config.Controls {
		host, _, err := net.SplitHostPort(address)
		if err != nil || isAddress(host) {
			continue
		}
		all = append(all, name{host: host, before: d.memory.workedBefore(host)})
	}
	var wait sync.WaitGroup
	for n := range all {
		wait.Go(func() {
			_, err := d.config.Lookup(ctx, all[n].host)
			all[n].now = err == nil
		})
	}
	wait.Wait()
	return all
}

func isAddress(host string) bool {
	_, err := netip.ParseAddr(host)
	return err == nil
}

// climb tries how far the third party can be reached without a credential.
func (d *Diagnoser) climb(ctx context.Context, address string) ladder {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return ladder{}
	}
	l := ladder{tested: true, address: address, name: isAddress(host)}
	if !l.name {
		if _, err := d.config.Lookup(ctx, host); err != nil {
			l.why = "its name " + host + " cannot be looked up"
			return l
		}
		l.name = true
	}
	began := time.Now()
	if err := d.reach(ctx, address); err != nil {
		l.why = inWords(err)
		return l
	}
	l.tcp, l.took = true, time.Since(began)
	return l
}

// inWords says why a connection did not come about.
func inWords(err error) string {
	var timeout interface{ Timeout() bool }
	switch {
	case errors.Is(err, syscall.ECONNREFUSED):
		return "it refuses connections"
	case errors.Is(err, syscall.ECONNRESET):
		return "it cut the connection"
	case errors.Is(err, syscall.ENETUNREACH):
		return "this machine has no network that leads there"
	case errors.Is(err, syscall.EHOSTUNREACH):
		return "no way leads there"
	case errors.Is(err, context.DeadlineExceeded), errors.As(err, &timeout) && timeout.Timeout():
		return "it does not answer"
	case isRefusal(err):
		return "the operator does not allow its address"
	default:
		return "no connection comes about"
	}
}

// clockSlack is how far a clock may go back without being called wrong: time
// servers correct by seconds.
const clockSlack = 5 * time.Minute

// readClock compares with what is certain to lie in the past.
func (d *Diagnoser) readClock() clock {
	now := d.config.Now()
	if last := d.memory.lastSeen(); now.Before(last.Add(-clockSlack)) {
		return clock{wrong: true, why: fmt.Sprintf("it shows %s, but was at %s before", stamp(now), stamp(last))}
	}
	if !d.config.Built.IsZero() && now.Before(d.config.Built.Add(-24*time.Hour)) {
		return clock{wrong: true, why: fmt.Sprintf("it shows %s, but this program was built on %s", stamp(now), stamp(d.config.Built))}
	}
	return clock{}
}

func stamp(t time.Time) string { return t.UTC().Format("2 January 2006 15:04 UTC") }
