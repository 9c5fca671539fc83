package diagnose

import (
	"errors"
	"strings"
	"syscall"
	"time"

	"github.com/regrant/regrant/connector"
	"github.com/regrant/regrant/internal/integration"
)

// Keys of common causes, which are told once.
const (
	sharedEgress      = "own.egress"
	sharedNames       = "own.dns"
	sharedClock       = "own.clock"
	sharedDisk        = "own.disk"
	sharedWarehouse   = "own.warehouse"
	sharedCredentials = "own.credentials"
)

// judge is the one place where a cause is decided. It is pure.
func judge(f integration.Failure, seen observations) integration.Verdict {
	c := &court{failure: f, fault: f.Fault, seen: seen, verdict: integration.Verdict{
		Cause: f.Fault.Cause, Code: f.Fault.Code, Public: f.Fault.Public, Confidence: integration.Likely,
	}}
	c.theFault()
	switch {
	case isTable(f):
		c.table()
	case c.ownClock(), c.ownDisk(), c.ownNetwork():
	default:
		c.byCause()
	}
	c.history()
	if c.verdict.Cause == connector.Ours && c.fault.Cause != connector.Ours {
		c.verdict.Evidence[0].Points = integration.Neutral // it looked like another's fault
	}
	return c.verdict
}

func isTable(f integration.Failure) bool {
	return f.Table != "" || f.Fault.Scope == connector.OneTable
}

// court is one judgement under way.
type court struct {
	failure integration.Failure
	fault   *connector.Fault
	seen    observations
	verdict integration.Verdict
}

func (c *court) byCause() {
	switch c.fault.Cause {
	case connector.Outage:
		c.outage()
	case connector.Expired:
		c.expired()
	case connector.AccessChanged:
		c.accessChanged()
	case connector.Ours:
		c.ours()
	case connector.Throttled:
		c.verdict.Confidence = integration.Certain
	case connector.Invalid:
		c.invalid()
	default:
		c.unknown()
	}
}

// table: a fault of a table is about that table and nothing else.
func (c *court) table() {
	switch {
	case c.fault.Cause == connector.Unknown:
		c.verdict.Confidence = integration.Unsure
	case structured(c.fault) || c.fault.Cause == connector.Ours:
		c.verdict.Confidence = integration.Certain
	}
}

// structured says whether the fault rests on what a machine said: a code, not
// a guess from the way in which something broke.
func structured(f *connector.Fault) bool {
	for fact := range f.Facts {
		switch fact {
		case "phase", "address", "local":
		default:
			return true
		}
	}
	return false
}

// ownClock: dates that do not fit are our fault when our clock is wrong.
func (c *court) ownClock() bool {
	if !c.seen.self.clock.wrong {
		return false
	}
	aboutDates := strings.Contains(c.fault.Code, "not_yet_valid") || strings.Contains(c.fault.Code, "expired") && c.fault.Step == connector.StepTrust
	if !aboutDates {
		c.add(integration.FromControl, integration.Neutral, "The clock of this machine is wrong: "+c.seen.self.clock.why+".")
		return false
	}
	c.add(integration.FromControl, integration.Supports, "The clock of this machine is wrong: "+c.seen.self.clock.why+".")
	c.oursInstead(sharedClock, integration.Certain,
		"The clock of this machine is wrong, so valid certificates look invalid. Whoever runs this Regrant should set it; nobody has to re-authorize.")
	return true
}

// ownDisk: what the warehouse or the operating system says of our disk.
func (c *court) ownDisk() bool {
	said := errors.Is(c.fault.Err, syscall.ENOSPC) || errors.Is(c.fault.Err, syscall.EDQUOT) || errors.Is(c.fault.Err, syscall.EROFS)
	d := c.seen.self.disk
	about := said || c.fault.Code == "warehouse.disk_full"
	if !about {
		if d.full || d.broken {
			c.add(integration.FromControl, integration.Neutral, "The disk of this machine: "+d.why+".")
		}
		return false
	}
	switch {
	case d.full || d.broken:
		c.add(integration.FromControl, integration.Supports, "The disk of this machine: "+d.why+".")
	case d.tested: // the warehouse may be on another disk
		c.add(integration.FromControl, integration.Neutral, "A small trial file could be written to the data directory.")
	}
	public := c.verdict.Public
	if c.fault.Cause != connector.Ours {
		public = "The disk of this machine takes no more data. Free some space; nobody has to re-authorize."
	}
	code := c.fault.Code
	if c.fault.Cause != connector.Ours {
		code = sharedDisk
	}
	c.set(connector.Ours, code, public, integration.Certain)
	c.verdict.Shared = sharedDisk
	return true
}

const (
	publicEgress = "This installation cannot reach the outside at the moment: addresses that always answered do not answer either. Whoever runs this Regrant should check its network; nobody has to re-authorize."
	publicNoWay  = "This machine has no network that leads to the third party. Whoever runs this Regrant should check its network; nobody has to re-authorize."
	publicNames  = "This machine cannot look up names at the moment, not even those that it could before. Whoever runs this Regrant should check its name server; nobody has to re-authorize."
)

// ownNetwork: the third party is out of reach, and so is everything else.
func (c *court) ownNetwork() bool {
	if !c.outOfReach() {
		return false
	}
	up, down := c.seen.self.counted()
	switch local := c.localError(); {
	case c.nameFailed() && c.seen.self.namesLost():
		c.tellControls(up, down, integration.Supports)
		c.add(integration.FromControl, integration.Supports, "Names that could be looked up before cannot be looked up now.")
		c.oursInstead(sharedNames, integration.Certain, publicNames)
		return true
	case len(up) > 0:
		// Our network works, so it is theirs, or only our way to them.
		if local && c.fault.Cause == connector.Ours {
			c.tellControls(up, down, integration.Neutral)
			c.set(connector.Ours, c.fault.Code, publicNoWay, integration.Likely)
			return true
		}
		return false
	case len(down) > 0:
		c.tellControls(up, down, integration.Supports)
		c.oursInstead(sharedEgress, sureness(down, local), publicEgress)
		return true
	case local:
		c.add(integration.FromFault, integration.Supports, "The operating system of this machine says so, not the third party.")
		c.oursInstead(sharedEgress, integration.Likely, publicNoWay)
		return true
	case c.everyoneFails():
		c.oursInstead(sharedEgress, integration.Likely, publicEgress)
		return true
	}
	return false
}

// sureness: two that never fail together, or our own system's word, are
// certain. One other integration alone may be down by chance.
func sureness(down []control, local bool) integration.Confidence {
	operators := 0
	for _, c := range down {
		if c.operator {
			operators++
		}
	}
	switch {
	case len(down) > 1 || local:
		return integration.Certain
	case operators == 1:
		return integration.Likely
	default:
		return integration.Unsure
	}
}

// outOfReach says whether the failure is about reaching at all. What a third
// party answered is its word, whatever our network does. An Unknown stays
// Unknown, except where the operating system named the reason.
func (c *court) outOfReach() bool {
	switch c.fault.Cause {
	case connector.Outage:
		return !c.answered()
	case connector.Ours, connector.Unknown:
		return c.localError()
	default:
		return false
	}
}

// answered says whether the third party itself said that it is out of order.
func (c *court) answered() bool {
	for _, fact := range []string{"sqlstate", "status", "vendor_code", "number"} {
		if c.fault.Facts[fact] != "" {
			return true
		}
	}
	return false
}

// localError says whether the operating system of this machine, and nobody
// outside, knows no way there.
func (c *court) localError() bool {
	switch c.fault.Facts["errno"] {
	case "ENETUNREACH", "ENETDOWN", "EHOSTUNREACH":
		return true
	case "":
		if c.fault.Facts["local"] == "true" {
			return true
		}
	}
	return errors.Is(c.fault.Err, syscall.ENETUNREACH) || errors.Is(c.fault.Err, syscall.ENETDOWN) || errors.Is(c.fault.Err, syscall.EHOSTUNREACH)
}

func (c *court) nameFailed() bool {
	return strings.Contains(c.fault.Code, "name_") || c.seen.ladder.tested && !c.seen.ladder.name
}

// everyoneFails says whether integrations at different third parties broke
// alike and none is well. Databases prove nothing here: several often stand
// behind one bastion.
func (c *court) everyoneFails() bool {
	alike, well := c.neighbours(func(n integration.Neighbour) bool { return n.Connector != c.failure.Integration.Connector })
	if well > 0 || c.seen.databases {
		return false
	}
	others := map[string]bool{}
	for _, n := range alike {
		others[n.Connector] = true
	}
	if len(others) < 2 {
		return false
	}
	c.add(integration.FromNeighbours, integration.Supports,
		many(len(alike), "integration")+" at other third parties stopped in the same way, and none is well.")
	return true
}

// neighbours are those that are out of reach like this one, and how many are
// not broken although they worked lately.
func (c *court) neighbours(at func(integration.Neighbour) bool) (alike []integration.Neighbour, well int) {
	for _, n := range c.failure.Others {
		switch {
		case !at(n):
		case n.Broken && (n.Failing == connector.Outage || n.Failing == connector.Ours):
			alike = append(alike, n)
		case !n.Broken && n.WorkedAt.After(c.failure.At.Add(-recently)):
			well++
		}
	}
	return alike, well
}

// recently is how old a neighbour's success may be to speak against a fault
// that everybody has.
const recently = 15 * time.Minute

func (c *court) set(cause connector.Cause, code, public string, confidence integration.Confidence) {
	c.verdict.Cause, c.verdict.Code, c.verdict.Public, c.verdict.Confidence = cause, code, public, confidence
}

// oursInstead blames us for what looked like another's fault.
func (c *court) oursInstead(shared string, confidence integration.Confidence, public string) {
	c.set(connector.Ours, shared, public, confidence)
	c.verdict.Shared = shared
}
