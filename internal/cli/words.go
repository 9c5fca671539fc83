package cli

import (
	"fmt"
	"strings"
	"time"

	"github.com/regrant/regrant/client"
)

const (
	plain  = "\x1b[0m"
	red    = "\x1b[31m"
	green  = "\x1b[32m"
	yellow = "\x1b[33m"
	dim    = "\x1b[2m"
)

// paint colours text where a person looks at a terminal.
func (a *app) paint(colour, text string) string {
	if !a.colour || colour == "" {
		return text
	}
	return colour + text + plain
}

func colourOf(s client.Status) string {
	switch byState(s) {
	case exitReauthorize, exitOurs:
		return red
	case exitWaiting, exitFailed:
		return yellow
	}
	switch s.State {
	case "healthy":
		return green
	case "paused":
		return dim
	case "action_due", "catching_up":
		return yellow
	}
	return ""
}

// ago is a moment as people say it.
func (a *app) ago(t *time.Time) string {
	if t == nil {
		return "never"
	}
	d := a.now().Sub(*t)
	if d < 0 {
		return "in " + span(-d)
	}
	if d < time.Second {
		return "now"
	}
	return span(d) + " ago"
}

func span(d time.Duration) string {
	switch {
	case d < time.Minute:
		return fmt.Sprintf("%d s", int(d.Seconds()))
	case d < time.Hour:
		return fmt.Sprintf("%d min", int(d.Minutes()))
	case d < 48*time.Hour:
		return fmt.Sprintf("%d h", int(d.Hours()))
	default:
		return fmt.Sprintf("%d days", int(d.Hours()/24))
	}
}

// count groups digits: 1,234,567.
func count(n int64) string {
	text := fmt.Sprint(n)
	sign := ""
	if strings.HasPrefix(text, "-") {
		sign, text = "-", text[1:]
	}
	for at := len(text) - 3; at > 0; at -= 3 {
		text = text[:at] + "," + text[at:]
	}
	return sign + text
}

func size(bytes int64) string {
	units := []string{"B", "kB", "MB", "GB", "TB"}
	value, n := float64(bytes), 0
	for value >= 1000 && n < len(units)-1 {
		value, n = value/1000, n+1
	}
	if n == 0 {
		return fmt.Sprintf("%d B", bytes)
	}
	return fmt.Sprintf("%.1f %s", value, units[n])
}

func stepWord(step string) string { return strings.ReplaceAll(step, "_", " ") }

func (a *app) say(format string, args ...any) {
	_, _ = fmt.Fprintf(a.out, format+"\n", args...)
}

// note tells what is not the command's result.
func (a *app) note(format string, args ...any) {
	_, _ = fmt.Fprintf(a.env.Stderr, format+"\n", args...)
}
