package diagnose

import (
	"fmt"
	"strings"
	"time"

	"github.com/regrant/regrant/connector"
	"github.com/regrant/regrant/internal/integration"
)

// outage: our own network is not the reason; what is seen of the third party?
func (c *court) outage() {
	up, down := c.seen.self.counted()
	c.tellControls(up, down, integration.Supports)
	c.tellLadder()
	switch {
	case c.answered():
		c.verdict.Confidence = integration.Certain // its own word
	case c.seen.ladder.tested && !c.seen.ladder.ok() && len(up) > 0:
		c.verdict.Confidence = integration.Certain // it alone is out of reach
	}
	c.commonOutage()
}

// commonOutage: several accounts at one vendor that stop together have one
// reason, which is told once.
func (c *court) commonOutage() {
	if c.seen.databases {
		return
	}
	alike, well := c.neighbours(func(n integration.Neighbour) bool { return n.Connector == c.failure.Integration.Connector })
	switch {
	case len(alike) > 0 && well == 0:
		c.add(integration.FromNeighbours, integration.Supports, many(len(alike), "other integration")+" at the same third party stopped in the same way.")
		c.verdict.Shared = c.failure.Integration.Connector + ".outage"
	case well > 0:
		c.add(integration.FromNeighbours, integration.Contradicts, many(well, "other integration")+" at the same third party work.")
		if c.verdict.Confidence == integration.Likely {
			c.verdict.Confidence = integration.Unsure
		}
	}
}

func (c *court) expired() {
	c.verdict.Confidence = integration.Likely
	if structured(c.fault) {
		c.verdict.Confidence = integration.Certain
	}
	c.passedExpiry()
}

// accessChanged splits what "refused" can mean, as far as it can be split.
func (c *court) accessChanged() {
	if structured(c.fault) && !signInRefused(c.fault) {
		c.verdict.Confidence = integration.Certain
	}
	if c.fault.Step != connector.StepSignIn {
		return
	}
	if e, ok := c.passedExpiry(); ok && signInRefused(c.fault) {
		c.set(connector.Expired, expiredCode(c.fault.Code),
			fmt.Sprintf("Signing in was refused, and %s ended on %s. Renew it, or enter a new one: click the name.", e.What, e.At.UTC().Format("2 January 2006")),
			integration.Certain)
		return
	}
	if c.failure.WorkedAt.IsZero() {
		c.verdict.Cause = connector.Invalid
		c.add(integration.FromHistory, integration.Supports, "It has never worked, so nothing can have been changed: what was entered is not right.")
	}
}

// signInRefused is the answer that does not say why: wrong, changed, removed
// and expired look the same.
func signInRefused(f *connector.Fault) bool {
	return f.Step == connector.StepSignIn && strings.HasSuffix(f.Code, "_refused") && f.Code != "ssh.forwarding_refused"
}

func expiredCode(code string) string {
	vendor, _, _ := strings.Cut(code, ".")
	return vendor + ".credential_expired"
}

// skew is by how much a third party's clock may run ahead of ours: it refuses
// by its own.
const skew = time.Minute

// passedExpiry is the newest known date that has passed.
func (c *court) passedExpiry() (last connector.Expiry, ok bool) {
	for _, e := range c.failure.Integration.Authorization.Identity.Expiries {
		if !e.At.After(c.failure.At.Add(skew)) && (!ok || e.At.After(last.At)) {
			last, ok = e, true
		}
	}
	if ok {
		c.add(integration.FromExpiry, integration.Supports,
			fmt.Sprintf("It was known that %s ends on %s (%s). That date has passed.", last.What, stamp(last.At), known(last.Source)))
	}
	return last, ok
}

func known(s connector.ExpirySource) string {
	switch s {
	case connector.ReadFromCredential:
		return "read from the credential"
	case connector.DeclaredByVendor:
		return "declared by the third party"
	case connector.InactivityRule:
		return "it ends when it is not used"
	case connector.Certificate:
		return "read from the certificate"
	case connector.PasswordValidity:
		return "read from the account"
	case connector.Sunset:
		return "announced by the third party"
	default:
		return "known before"
	}
}

// ours keeps what we said of ourselves and groups what has one reason.
func (c *court) ours() {
	c.verdict.Confidence = integration.Certain
	switch {
	case strings.HasPrefix(c.fault.Code, "warehouse."):
		c.verdict.Shared = sharedWarehouse
	case strings.HasPrefix(c.fault.Code, "credential."):
		c.verdict.Shared = sharedCredentials
	}
	if d := c.seen.self.disk; d.tested && !d.full && !d.broken {
		c.add(integration.FromControl, integration.Neutral, "The disk of this machine takes writes.")
	}
}

// invalid passes: the connector looked at what was entered.
func (c *court) invalid() {
	c.verdict.Confidence = integration.Certain
	if !c.failure.WorkedAt.IsZero() {
		c.verdict.Confidence = integration.Likely
		c.add(integration.FromHistory, integration.Contradicts, "It worked before with what was entered.")
	}
}

// unknown stays unknown: the evidence is kept for whoever extends the table.
func (c *court) unknown() {
	c.verdict.Confidence = integration.Unsure
	up, down := c.seen.self.counted()
	c.tellControls(up, down, integration.Neutral)
	c.tellLadder()
}
