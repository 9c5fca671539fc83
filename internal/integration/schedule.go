package integration

import (
	"math/rand/v2"
	"time"

	"github.com/regrant/regrant/connector"
)

const (
	probeEvery = 55 * time.Minute // with jitter still within the hour
	confirmIn  = 45 * time.Second // one confirming attempt after a refused sign-in
	slowProbe  = time.Hour
	slowProbes = 24 // then only a person goes on: more would lock accounts
)

// plan sets when an integration is tried again after a failure of the whole
// authorization. Refused sign-ins are never retried in a loop.
func plan(in *Integration, cause connector.Cause, fault *connector.Fault, now time.Time) (retryAt time.Time) {
	in.Attempts++
	switch cause {
	case connector.Expired, connector.AccessChanged, connector.Invalid:
		in.NextPull = time.Time{}
		in.NextProbe = refusedProbe(in.Attempts, now)
		return time.Time{}
	case connector.Throttled:
		wait := fault.Retry
		if wait <= 0 {
			wait = backoff(in.Attempts, time.Minute, 15*time.Minute)
		}
		in.NextPull = now.Add(wait)
	case connector.Outage, connector.Ours:
		in.NextPull = now.Add(max(fault.Retry, backoff(in.Attempts, 10*time.Second, 15*time.Minute)))
	default:
		in.NextPull = now.Add(max(fault.Retry, backoff(in.Attempts, time.Minute, time.Hour)))
	}
	in.NextProbe = in.NextPull.Add(probeEvery)
	return in.NextPull
}

func refusedProbe(attempts int, now time.Time) time.Time {
	switch {
	case attempts <= 1:
		return now.Add(confirmIn)
	case attempts <= slowProbes+1:
		return now.Add(slowProbe)
	default:
		return time.Time{}
	}
}

// backoff doubles from first to most and takes a random half of it.
func backoff(attempts int, first, most time.Duration) time.Duration {
	d := most
	if shift := attempts - 1; shift < 20 && first<<shift < most {
		d = first << shift
	}
	return d/2 + rand.N(d/2+1) //nolint:gosec // jitter, not a secret
}

// onTime is when the next update is due after one that began at start.
func onTime(in Integration, start, now time.Time) time.Time {
	next := start.Add(in.Every)
	if next.Before(now) {
		return now
	}
	return next
}
