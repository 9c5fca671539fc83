package sqlkit

import (
	"errors"
	"time"
)

var errSilent = errors.New("no answer to three keep-alive requests")

// keepAlive asks for a sign of life every 30 seconds. Anything that arrives is
// one: a server that sends rows does not have to answer in time. A middlebox
// that forgot the connection makes neither answer nor error, hence the count.
func (t *Tunnel) keepAlive() {
	ticker := time.NewTicker(keepaliveInterval)
	defer ticker.Stop()
	var misses int
	var seen int64
	var waiting bool
	answered := make(chan struct{}, 1)
	for {
		select {
		case <-t.dead:
			return
		case <-answered:
			misses, waiting = 0, false
		case <-ticker.C:
			if now := t.wire.count(); now != seen {
				misses, seen = 0, now
			} else if waiting {
				misses++
			}
			if misses >= keepaliveMisses {
				t.end(errSilent)
				return
			}
			if !waiting {
				waiting = true
				t.group.Go(func() { t.ask(answered) })
			}
		}
	}
}

// ask returns when the server has answered, be it with a refusal, or when the
// tunnel has ended.
func (t *Tunnel) ask(answered chan<- struct{}) {
	_, _, err := t.client.SendRequest("keepalive@openssh.com", true, nil)
	if err == nil {
		answered <- struct{}{}
	}
}
