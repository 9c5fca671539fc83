package app

import (
	"context"
	"errors"
	"time"

	"github.com/regrant/regrant/internal/integration"
	"github.com/regrant/regrant/internal/job"
	"github.com/regrant/regrant/internal/pull"
)

// pullJob and probeJob are stored; their fields are never renamed.
type pullJob struct {
	Integration string `json:"integration" river:"unique"`
	Trigger     string `json:"trigger"`
	By          string `json:"by"`
}

type probeJob struct {
	Integration string `json:"integration" river:"unique"`
}

func (pullJob) Kind() string  { return "pull" }
func (probeJob) Kind() string { return "probe" }

// jobs fills integration.Jobs.
type jobs struct{ queue *job.Queue }

func (j jobs) Pull(ctx context.Context, id string, trigger integration.Trigger, by string) error {
	return j.queue.Enqueue(ctx, pullJob{Integration: id, Trigger: string(trigger), By: by}, job.Options{Unique: true})
}

func (j jobs) Probe(ctx context.Context, id string) error {
	return j.queue.Enqueue(ctx, probeJob{Integration: id}, job.Options{Unique: true})
}

// pullWorkers is how many integrations are pulled at a time: reading one
// keeps about a core busy.
const pullWorkers = 2

// tickEvery is how often it is looked what is due.
const tickEvery = time.Second

func (p *product) handleJobs() error {
	return errors.Join(
		job.Handle(p.queue, p.workPull, job.Workers(pullWorkers)),
		job.Handle(p.queue, p.workProbe),
		p.queue.Every("due", tickEvery, p.enqueueDue),
	)
}

// workPull never fails as a job: what goes wrong is an incident, and the
// heart plans the next try.
func (p *product) workPull(ctx context.Context, j pullJob) error {
	done, err := p.puller.Run(ctx, j.Integration, integration.Trigger(j.Trigger), j.By)
	switch {
	case errors.Is(err, integration.ErrNotFound): // removed or paused meanwhile
		return nil
	case errors.Is(err, pull.ErrRunning):
		return job.Snooze(time.Second)
	case err != nil:
		return err
	}
	p.metrics.PullEnded(done)
	return nil
}

func (p *product) workProbe(ctx context.Context, j probeJob) error {
	_, err := p.heart.Probe(ctx, integration.System("probe"), j.Integration)
	if errors.Is(err, integration.ErrNotFound) {
		return nil
	}
	return err
}

func (p *product) enqueueDue(ctx context.Context) error {
	pulls, probes, err := p.heart.DueNow(ctx)
	if err != nil {
		return err
	}
	var all []error
	for _, id := range pulls {
		all = append(all, jobs{p.queue}.Pull(ctx, id, integration.ByPlan, "schedule"))
	}
	for _, id := range probes {
		all = append(all, jobs{p.queue}.Probe(ctx, id))
	}
	return errors.Join(all...)
}
