package cli

import (
	"context"
	"fmt"
	"time"

	"github.com/regrant/regrant/client"
)

const (
	lookEvery = 400 * time.Millisecond
	beginTime = 2 * time.Minute // for a pull that was asked for to begin
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
		one := &asked{in: in, after: in}
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
	deadline := a.now().Add(beginTime)
	for {
		open := false
		for _, one := range waiting {
			if one.pull != nil {
				continue
			}
			in, err := server.Integration(ctx, one.in.ID)
			if err != nil {
				return fmt.Errorf("%s: %w", one.in.Slug, err)
			}
			one.look(in)
			switch {
			case one.pull != nil:
				shown.ended(one)
			case !one.begun(in) && a.now().After(deadline):
				return fmt.Errorf("%s: the pull did not begin within %s: look at regrant doctor", one.in.Slug, beginTime)
			default:
				open = true
			}
		}
		if !open {
			return nil
		}
		progress, err := server.Progress(ctx)
		if err != nil {
			return err
		}
		shown.progress(progress)
		if err := wait(ctx, lookEvery); err != nil {
			return err
		}
	}
}

func (one *asked) begun(in client.Integration) bool {
	return in.LastPull != nil && in.LastPull.ID != one.before
}

func (one *asked) look(in client.Integration) {
	one.after = in
	if one.begun(in) && in.LastPull.Ended != nil {
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
