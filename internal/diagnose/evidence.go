package diagnose

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/regrant/regrant/connector"
	"github.com/regrant/regrant/internal/integration"
)

func (c *court) add(kind integration.EvidenceKind, points integration.Points, text string) {
	c.verdict.Evidence = append(c.verdict.Evidence, integration.Evidence{Kind: kind, Points: points, Text: text, Seen: c.failure.At})
}

// theFault is the first piece of evidence: what happened, and at which step.
func (c *court) theFault() {
	text := "It failed " + during(c.fault.Step) + " (" + c.fault.Code + ")."
	if said := theirWords(c.fault.Facts); said != "" {
		text = "It failed " + during(c.fault.Step) + ": " + said + " (" + c.fault.Code + ")."
	}
	points := integration.Supports
	if c.fault.Cause == connector.Unknown {
		points = integration.Neutral
	}
	c.verdict.Evidence = append(c.verdict.Evidence, integration.Evidence{
		Kind: integration.FromFault, Points: points, Text: text, Seen: c.failure.At, Details: c.fault.Facts,
	})
}

func during(s connector.Step) string {
	switch s {
	case connector.StepForm:
		return "before the third party was asked"
	case connector.StepReach:
		return "while reaching the third party"
	case connector.StepTrust:
		return "while checking whether it is the right server"
	case connector.StepSignIn:
		return "while signing in"
	case connector.StepAccount:
		return "while looking whose account it is"
	case connector.StepPrivileges:
		return "while looking at what may be read"
	default:
		return "while reading rows"
	}
}

// theirWords are the codes by which machines name reasons.
func theirWords(facts map[string]string) string {
	labels := []struct{ fact, label string }{
		{"sqlstate", "the server answered SQLSTATE"}, {"status", "the answer was HTTP"}, {"vendor_code", "the answer was"},
		{"oauth_error", "the answer was"}, {"errno", "the operating system said"},
	}
	for _, l := range labels {
		if v := facts[l.fact]; v != "" {
			return l.label + " " + v
		}
	}
	return ""
}

// tellControls says how our own network did.
func (c *court) tellControls(up, down []control, points integration.Points) {
	opposite := map[integration.Points]integration.Points{
		integration.Supports: integration.Contradicts, integration.Neutral: integration.Neutral,
	}
	blamed := len(up) == 0
	switch {
	case len(up) > 0:
		c.add(integration.FromControl, points, fmt.Sprintf("Our own network works: %s answered.", listed(up)))
		if len(down) > 0 {
			c.add(integration.FromControl, opposite[points], fmt.Sprintf("%s, reached before, did not answer.", upper(listed(down))))
		}
	case len(down) > 0 && blamed:
		c.add(integration.FromControl, points, fmt.Sprintf("%s, reached before, did not answer either.", upper(listed(down))))
	default:
		c.add(integration.FromControl, integration.Neutral,
			"There was nothing to compare with: name control addresses in the settings to tell your own network from theirs.")
	}
}

// listed names at most three.
func listed(controls []control) string {
	var names []string
	for _, c := range controls {
		names = append(names, c.address)
	}
	slices.Sort(names)
	if len(names) > 3 {
		return strings.Join(names[:3], ", ") + fmt.Sprintf(" and %d more", len(names)-3)
	}
	return strings.Join(names, ", ")
}

// tellLadder says how far the third party could be reached meanwhile.
func (c *court) tellLadder() {
	l := c.seen.ladder
	switch {
	case !l.tested:
	case !l.ok():
		c.add(integration.FromReachability, integration.Supports, fmt.Sprintf("%s cannot be reached: %s.", l.address, l.why))
	case viaSSH(c.failure.Integration):
		c.add(integration.FromReachability, integration.Neutral,
			fmt.Sprintf("The SSH server %s can be reached (%s); what is behind it is not seen from here.", l.address, l.took.Round(time.Millisecond)))
	default:
		c.add(integration.FromReachability, c.pointsOfReach(), fmt.Sprintf("%s can be reached now (%s).", l.address, l.took.Round(time.Millisecond)))
	}
}

// pointsOfReach: that it can be reached speaks against a failure to reach it,
// and says nothing of what came later.
func (c *court) pointsOfReach() integration.Points {
	if c.fault.Cause == connector.Outage && c.fault.Step == connector.StepReach && !c.answered() {
		return integration.Contradicts
	}
	return integration.Neutral
}

// history says when it last worked.
func (c *court) history() {
	if isTable(c.failure) || c.failure.WorkedAt.IsZero() {
		return
	}
	c.add(integration.FromHistory, integration.Neutral, "It last worked on "+stamp(c.failure.WorkedAt)+".")
}

func many(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

func upper(s string) string {
	if s == "" {
		return s
	}
	return strings.ToUpper(s[:1]) + s[1:]
}
