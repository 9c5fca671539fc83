package web

import (
	"fmt"
	"html/template"
	"strings"

	"github.com/regrant/regrant/connector"
	"github.com/regrant/regrant/internal/integration"
)

// look is how a state is drawn: always an icon and a word beside the colour.
type look struct{ Icon, Tone string }

// lookOf draws a state, an outcome, a cause or a check.
func lookOf(v any) (look, error) {
	switch x := v.(type) {
	case integration.State:
		return stateLook(x), nil
	case integration.Outcome:
		return outcomeLook(x), nil
	case integration.CheckState:
		return checkLook(x), nil
	case connector.Cause:
		return causeLook(x), nil
	default:
		return look{}, fmt.Errorf("no look for %T", v)
	}
}

func stateLook(s integration.State) look {
	switch s {
	case integration.Healthy:
		return look{"check", "ok"}
	case integration.CatchingUp:
		return look{"refresh", "info"}
	case integration.Checking:
		return look{"search", "info"}
	case integration.ActionDue:
		return look{"calendar", "warn"}
	case integration.Degraded:
		return look{"half", "warn"}
	case integration.WaitingForProvider:
		return look{"hourglass", "wait"}
	case integration.ThrottledUntil:
		return look{"gauge", "wait"}
	case integration.NeedsReauthorizing:
		return look{"key", "bad"}
	case integration.NeedsConfiguration:
		return look{"wrench", "bad"}
	case integration.OurFault:
		return look{"server", "ours"}
	case integration.StatePaused:
		return look{"pause", "idle"}
	case integration.InBlackout:
		return look{"moon", "idle"}
	case integration.Retired:
		return look{"archive", "idle"}
	case integration.NotFinished:
		return look{"dashed", "idle"}
	default:
		return look{"question", "warn"}
	}
}

func outcomeLook(o integration.Outcome) look {
	switch o {
	case integration.Succeeded:
		return look{"check", "ok"}
	case integration.Partly:
		return look{"half", "warn"}
	case integration.Failed:
		return look{"cross", "bad"}
	case integration.Running:
		return look{"spin", "info"}
	default:
		return look{"pause", "idle"}
	}
}

func checkLook(s integration.CheckState) look {
	switch s {
	case integration.CheckPassed:
		return look{"check", "ok"}
	case integration.CheckFailed:
		return look{"cross", "bad"}
	case integration.CheckRunning:
		return look{"spin", "info"}
	case integration.CheckSkipped:
		return look{"skip", "idle"}
	default:
		return look{"dashed", "idle"}
	}
}

func causeLook(c connector.Cause) look {
	switch c {
	case connector.Outage:
		return look{"hourglass", "wait"}
	case connector.Throttled:
		return look{"gauge", "wait"}
	case connector.Expired, connector.AccessChanged:
		return look{"key", "bad"}
	case connector.Invalid:
		return look{"wrench", "bad"}
	case connector.Ours:
		return look{"server", "ours"}
	default:
		return look{"question", "warn"}
	}
}

func causeWord(c connector.Cause) string {
	switch c {
	case connector.Outage:
		return "a problem at the third party"
	case connector.Expired:
		return "expired"
	case connector.AccessChanged:
		return "a change on your account"
	case connector.Ours:
		return "a fault on our side"
	case connector.Throttled:
		return "a rate limit"
	case connector.Invalid:
		return "what was entered never worked"
	default:
		return "not recognised"
	}
}

func actorWord(a integration.Actor) string {
	switch a {
	case integration.Somebody:
		return "You, or whoever holds the account"
	case integration.Operator:
		return "The operator of this installation"
	case integration.WhoeverTyped:
		return "Whoever entered it"
	default:
		return "Nobody: it is tried again by itself"
	}
}

// causeStart begins a sentence that goes on with how long it has lasted.
func causeStart(c connector.Cause) string {
	word := causeWord(c)
	return strings.ToUpper(word[:1]) + word[1:]
}

func actorShort(a integration.Actor) string {
	switch a {
	case integration.Somebody, integration.WhoeverTyped:
		return "Needs you"
	case integration.Operator:
		return "For the operator"
	default:
		return "Goes on by itself"
	}
}

func stepWord(s connector.Step) string {
	switch s {
	case connector.StepForm:
		return "What was entered"
	case connector.StepReach:
		return "Reach the server"
	case connector.StepTrust:
		return "Trust the server"
	case connector.StepSignIn:
		return "Sign in"
	case connector.StepAccount:
		return "Same account as before"
	case connector.StepPrivileges:
		return "Privileges"
	case connector.StepRead:
		return "Read one row of each table"
	default:
		return s.String()
	}
}

func eventIcon(k integration.EventKind) string {
	switch k {
	case integration.EventCreated, integration.EventConnected:
		return "plug"
	case integration.EventIncidentOpen, integration.EventGapOpen:
		return "alert"
	case integration.EventIncidentClose, integration.EventGapClosed:
		return "check"
	case integration.EventAttempt, integration.EventReauthorized, integration.EventSecretOpened:
		return "key"
	case integration.EventUndone:
		return "undo"
	case integration.EventPull:
		return "refresh"
	case integration.EventPaused:
		return "pause"
	case integration.EventResumed:
		return "play"
	case integration.EventRemoved:
		return "trash"
	case integration.EventSettings, integration.EventTables:
		return "sliders"
	case integration.EventProbe:
		return "search"
	case integration.EventSignedIn:
		return "person"
	default:
		return "dot"
	}
}

// icons draws the product's own line icons. They say nothing to a screen
// reader: the word beside them does.
func icons() func(name string) template.HTML {
	drawn := make(map[string]template.HTML)
	for name, d := range iconPaths() {
		class := "icon"
		if name == "spin" {
			class = "icon spin"
		}
		drawn[name] = template.HTML(`<svg class="` + class + `" viewBox="0 0 16 16" aria-hidden="true" focusable="false">` + d + `</svg>`) //nolint:gosec // fixed text
	}
	return func(name string) template.HTML {
		if d, ok := drawn[name]; ok {
			return d
		}
		return drawn["dot"]
	}
}

// iconPaths are drawn on a 16 × 16 grid with a stroke of the text's colour.
func iconPaths() map[string]string {
	return map[string]string{
		"check":     `<circle cx="8" cy="8" r="6.25"/><path d="m5.4 8.2 1.8 1.8 3.5-3.8"/>`,
		"cross":     `<circle cx="8" cy="8" r="6.25"/><path d="m6 6 4 4m0-4-4 4"/>`,
		"skip":      `<circle cx="8" cy="8" r="6.25"/><path d="M5.5 8h5"/>`,
		"dashed":    `<circle cx="8" cy="8" r="6.25" stroke-dasharray="2.4 2.5"/>`,
		"half":      `<circle cx="8" cy="8" r="6.25"/><path d="M8 1.75a6.25 6.25 0 0 1 0 12.5z" fill="currentColor" stroke="none"/>`,
		"spin":      `<circle cx="8" cy="8" r="6" opacity=".25"/><path d="M8 2a6 6 0 0 1 6 6"/>`,
		"alert":     `<path d="M8 2.2 14.2 13H1.8z"/><path d="M8 6.4v3M8 11.2v.1"/>`,
		"question":  `<circle cx="8" cy="8" r="6.25"/><path d="M6.2 6.3c.2-1.1 1-1.6 1.9-1.6 1 0 1.8.7 1.8 1.6 0 1.3-1.9 1.5-1.9 2.8M8 11.3v.1"/>`,
		"info":      `<circle cx="8" cy="8" r="6.25"/><path d="M8 7.4v3.8M8 4.8v.1"/>`,
		"hourglass": `<path d="M4 1.8h8M4 14.2h8M4.8 1.8c0 3.6 3.2 4 3.2 6.2s-3.2 2.6-3.2 6.2M11.2 1.8c0 3.6-3.2 4-3.2 6.2s3.2 2.6 3.2 6.2"/>`,
		"gauge":     `<path d="M2.6 12.2a6.25 6.25 0 1 1 10.8 0"/><path d="m8 9 2.6-3.2"/><circle cx="8" cy="9.3" r=".8" fill="currentColor" stroke="none"/>`,
		"calendar":  `<rect x="2" y="3.2" width="12" height="10.8" rx="2"/><path d="M2 6.6h12M5.2 1.7v3M10.8 1.7v3"/>`,
		"key":       `<circle cx="5.2" cy="10.8" r="3.2"/><path d="m7.6 8.5 6-6M11.2 4.8l1.8 1.8M9.3 6.7l1.2 1.2"/>`,
		"wrench":    `<path d="M13.7 4.3a3.6 3.6 0 0 1-4.9 4.4l-4.7 4.8a1.5 1.5 0 0 1-2.1-2.1l4.8-4.7a3.6 3.6 0 0 1 4.4-4.9L9 4l.4 2.6 2.6.4z"/>`,
		"server":    `<rect x="2" y="2.2" width="12" height="5" rx="1.4"/><rect x="2" y="8.8" width="12" height="5" rx="1.4"/><path d="M4.7 4.7h.1M4.7 11.3h.1M8 4.7h3.3M8 11.3h3.3"/>`,
		"refresh":   `<path d="M13.6 6.6A6 6 0 0 0 2.7 5.4M2.4 9.4a6 6 0 0 0 10.9 1.2"/><path d="M2.4 2.2v3.3h3.3M13.6 13.8v-3.3h-3.3"/>`,
		"pause":     `<circle cx="8" cy="8" r="6.25"/><path d="M6.4 5.8v4.4M9.6 5.8v4.4"/>`,
		"play":      `<circle cx="8" cy="8" r="6.25"/><path d="m6.8 5.6 3.6 2.4-3.6 2.4z"/>`,
		"moon":      `<path d="M13.4 9.6A5.9 5.9 0 0 1 6.4 2.6a5.9 5.9 0 1 0 7 7z"/>`,
		"archive":   `<path d="M2 3h12v3H2zM3 6v7h10V6M6.4 8.7h3.2"/>`,
		"plug":      `<path d="M5.4 1.8v3.4M10.6 1.8v3.4M3.6 5.2h8.8v2.4a4.4 4.4 0 0 1-8.8 0zM8 12v2.4"/>`,
		"database":  `<ellipse cx="8" cy="3.8" rx="5.4" ry="2"/><path d="M2.6 3.8v8.4c0 1.1 2.4 2 5.4 2s5.4-.9 5.4-2V3.8M2.6 8c0 1.1 2.4 2 5.4 2s5.4-.9 5.4-2"/>`,
		"people":    `<circle cx="6" cy="5" r="2.6"/><path d="M1.4 13.6c0-2.7 2-4.4 4.6-4.4s4.6 1.7 4.6 4.4M10.6 2.6a2.6 2.6 0 0 1 0 4.8M12.2 9.6c1.5.6 2.4 2.1 2.4 4"/>`,
		"person":    `<circle cx="8" cy="5" r="2.8"/><path d="M2.8 14c0-2.9 2.3-4.8 5.2-4.8s5.2 1.9 5.2 4.8"/>`,
		"list":      `<path d="M5.4 4h8.4M5.4 8h8.4M5.4 12h8.4M2.3 4h.1M2.3 8h.1M2.3 12h.1"/>`,
		"search":    `<circle cx="7" cy="7" r="4.6"/><path d="m10.4 10.4 3.6 3.6"/>`,
		"arrow":     `<path d="M3 8h10M9 4l4 4-4 4"/>`,
		"back":      `<path d="M13 8H3M7 4 3 8l4 4"/>`,
		"plus":      `<path d="M8 3v10M3 8h10"/>`,
		"copy":      `<rect x="5.4" y="5.4" width="8.4" height="8.4" rx="1.6"/><path d="M10.6 5.4V3.8a1.6 1.6 0 0 0-1.6-1.6H3.8a1.6 1.6 0 0 0-1.6 1.6V9a1.6 1.6 0 0 0 1.6 1.6h1.6"/>`,
		"undo":      `<path d="M3 6.4h6.6a3.7 3.7 0 0 1 0 7.4H6"/><path d="M6 3.4 3 6.4l3 3"/>`,
		"shield":    `<path d="M8 1.8 13 3.6v4c0 3.2-2.1 5.4-5 6.6-2.9-1.2-5-3.4-5-6.6v-4z"/>`,
		"trash":     `<path d="M2.6 4.2h10.8M6 4.2V2.4h4v1.8M4 4.2l.7 9.6h6.6l.7-9.6M6.7 7v4M9.3 7v4"/>`,
		"sliders":   `<path d="M2 4.6h6M11.4 4.6H14M2 11.4h2.6M8 11.4h6"/><circle cx="9.7" cy="4.6" r="1.7"/><circle cx="6.3" cy="11.4" r="1.7"/>`,
		"menu":      `<path d="M2 4.2h12M2 8h12M2 11.8h12"/>`,
		"out":       `<path d="M6.4 2.4H3.2v11.2h3.2M10 5l3 3-3 3M13 8H6.4"/>`,
		"table":     `<rect x="2" y="2.6" width="12" height="10.8" rx="1.6"/><path d="M2 6.2h12M6.6 6.2v7.2"/>`,
		"external":  `<path d="M9.4 2.4h4.2v4.2M13.4 2.6 8 8M6.4 3.6H3.2a.9.9 0 0 0-.9.9v8.3c0 .5.4.9.9.9h8.3c.5 0 .9-.4.9-.9V9.6"/>`,
		"receipt":   `<path d="M3.4 1.9h9.2v12.2l-1.9-1.2-1.8 1.2-1.8-1.2-1.8 1.2-1.9-1.2zM5.8 5.4h4.4M5.8 8.4h4.4"/>`,
		"chevron":   `<path d="m6 3.6 4.4 4.4L6 12.4"/>`,
		"dot":       `<circle cx="8" cy="8" r="2" fill="currentColor" stroke="none"/>`,
	}
}
