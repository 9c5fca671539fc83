package cli

import (
	"context"
	"fmt"
	"time"

	"github.com/regrant/regrant/client"
)

const (
	lookEvery = 400 * time.Millisecond
	quietTime = 2 * time.Minute // without a sign of the pull that was asked for
)

type updateCmd struct {
	Name []string `arg:"" optional:"" help:"Which (all)."`
	Wait bool     `help:"Wait until the rows are there; the exit status says how it went."`
}

// asked is a pull that was asked for.
type asked struct {
	in     client.Integration // as it was before
	before string             // its newest pull then, unless that is still running
	pull   *client.Pull
	after  client.Integration
	sign   time.Time // when something was last seen of the pull
}

// Run asks for pulls and waits for them if it should.
func (c *updateCmd) Run(ctx *runContext, a *app) error {
	server, err := a.client(ctx, false)
	if err != nil {
		return err
	}
	names := c.Name
	if len(names) == 0 {
		if names, err = a.updatable(ctx, server); err != nil {
			return err
		}
	}
	waiting := make([]*asked, 0, len(names))
	for _, name := range names {
		in, err := server.Update(ctx, name)
		if err != nil {
			return a.noIntegration(ctx, server, name, err)
		}
		one := &asked{in: in, after: in, sign: a.now()}
		if in.LastPull != nil && in.LastPull.Ended != nil {
			one.before = in.LastPull.ID
		}
		waiting = append(waiting, one)
	}
	if !c.Wait {
		return a.askedFor(waiting)
	}
	if err := a.follow(ctx, server, waiting); err != nil {
		return err
	}
	return a.outcome(waiting)
}

// updatable is what an update of all can be asked of.
func (a *app) updatable(ctx context.Context, server *client.Client) ([]string, error) {
	all, err := server.Integrations(ctx)
	if err != nil {
		return nil, err
	}
	var out []string
	for _, in := range all {
		if in.Paused || in.Authorization == nil {
			a.note("%s is left out: %s", in.Slug, in.Status.Word)
			continue
		}
		out = append(out, in.Slug)
	}
	return out, nil
}

func (a *app) askedFor(waiting []*asked) error {
	out := make([]client.Integration, 0, len(waiting))
	for _, one := range waiting {
		out = append(out, one.in)
	}
	return a.show(items(out), func() {
		if len(waiting) == 0 {
			a.say("There is nothing to update.")
		}
		for _, one := range waiting {
			a.say("%s: an update was asked for.", one.in.Slug)
		}
	})
}

// follow looks until every pull has ended.
func (a *app) follow(ctx context.Context, server *client.Client, waiting []*asked) error {
	shown := a.newMeter(ctx, waiting)
	defer shown.end()
	for {
		progress, err := server.Progress(ctx)
		if err != nil {
			return err
		}
		shown.progress(progress)
		open := false
		for _, one := range waiting {
			if one.pull != nil {
				continue
			}
			in, err := server.Integration(ctx, one.in.ID)
			if err != nil {
				return fmt.Errorf("%s: %w", one.in.Slug, err)
			}
			one.look(in, progress, a.now())
			switch {
			case one.pull != nil:
				shown.ended(one)
			case a.now().Sub(one.sign) > quietTime:
				return fmt.Errorf("%s: nothing was pulled for %s: look at regrant doctor", one.in.Slug, quietTime)
			default:
				open = true
			}
		}
		if !open {
			return nil
		}
		if err := wait(ctx, lookEvery); err != nil {
			return err
		}
	}
}

// look takes what is new of one pull. One that looks as if it ran may belong
// to a process that died: only another pull, or progress, is a sign of life;
// progress of any integration, since this one may wait for its turn.
func (one *asked) look(in client.Integration, progress []client.Progress, now time.Time) {
	moved := in.LastPull != nil && (one.after.LastPull == nil || in.LastPull.ID != one.after.LastPull.ID)
	if moved || len(progress) > 0 {
		one.sign = now
	}
	one.after = in
	if in.LastPull != nil && in.LastPull.ID != one.before && in.LastPull.Ended != nil {
		one.pull = in.LastPull
	}
}

// outcome shows how the pulls ended; the status is that of the worst.
func (a *app) outcome(waiting []*asked) error {
	status, pulls := exitDone, make([]client.Pull, 0, len(waiting))
	for _, one := range waiting {
		pulls = append(pulls, *one.pull)
		status = worse(status, one.status())
	}
	if a.json {
		if err := a.show(items(pulls), nil); err != nil {
			return err
		}
	}
	return told(status)
}

func (one *asked) status() int {
	switch one.pull.Outcome {
	case "succeeded":
		return exitDone
	case "partly", "failed":
		if status := byState(one.after.Status); status != exitDone {
			return status
		}
	}
	return exitFailed
}

// told sentence of one pull's end.
func (a *app) pulledLine(one *asked) string {
	p := one.pull
	took := ""
	if p.Ended != nil {
		took = " in " + p.Ended.Sub(p.Started).Round(100*time.Millisecond).String()
	}
	line := fmt.Sprintf("%s: %s, %s rows, %s%s", one.in.Slug, p.Outcome, count(p.Rows), size(p.Bytes), took)
	if p.Outcome != "succeeded" {
		line += ". " + one.after.Status.Word + ". " + nextStep(one.after)
	}
	return printable(line)
}
