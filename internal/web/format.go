package web

import (
	"fmt"
	"html/template"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/regrant/regrant/connector"
	"github.com/regrant/regrant/internal/integration"
)

func (w *Web) funcs() template.FuncMap {
	return template.FuncMap{
		"asset":      w.assets.url,
		"icon":       icons(),
		"ago":        func(t time.Time) template.HTML { return timeTag(t, w.Now(), "never") },
		"lasting":    func(t time.Time) template.HTML { return lastingTag(t, w.Now()) },
		"agoOr":      func(t time.Time, none string) template.HTML { return timeTag(t, w.Now(), none) },
		"day":        dayTag,
		"num":        number,
		"bytes":      bytesText,
		"took":       tookText,
		"every":      everyText,
		"plural":     plural,
		"look":       lookOf,
		"causeWord":  causeWord,
		"actorWord":  actorWord,
		"actorShort": actorShort,
		"causeStart": causeStart,
		"stepWord":   stepWord,
		"methodWord": methodWord,
		"roleWord":   roleWord,
		"kindIcon":   eventIcon,
		"initials":   initials,
		"hue":        hue,
		"known":      knownHow,
		"fieldID":    func(name string) string { return "f-" + strings.ReplaceAll(name, ".", "-") },
		"join":       strings.Join,
		"list":       func(v ...any) []any { return v },
		"inc":        func(n int) int { return n + 1 },
		"may":        func(p integration.Person, role string) bool { return p.Role.May(integration.Role(role)) },
		"args":       args,
		"percent":    percent,
		"isNil":      func(v any) bool { return v == nil },
		"nameLink":   nameLink,
		"lastPoint":  lastPoint,
		"everyParts": func(d time.Duration) []any { n, unit := everyParts(d); return []any{n, unit} },
		"rechecks": func() []integration.RecheckEvery {
			return []integration.RecheckEvery{integration.Always, integration.Daily, integration.Weekly, integration.Monthly, integration.Once}
		},
		"hostsOf": func(i integration.Incident) *hostKeys { return hostKeysOf(i.Facts) },
		"rate":    func(f float64) string { return number(int64(f)) + " rows/s" },
	}
}

// args makes a map of pairs, for templates that need more than one value.
func args(pairs ...any) (map[string]any, error) {
	if len(pairs)%2 != 0 {
		return nil, fmt.Errorf("args wants pairs, got %d values", len(pairs))
	}
	m := make(map[string]any, len(pairs)/2)
	for n := 0; n < len(pairs); n += 2 {
		key, ok := pairs[n].(string)
		if !ok {
			return nil, fmt.Errorf("args wants names, got %v", pairs[n])
		}
		m[key] = pairs[n+1]
	}
	return m, nil
}

// timeTag is a moment for people (how far away), for machines and, as title,
// in full. A script adds the person's own time zone to the title.
func timeTag(t, now time.Time, none string) template.HTML {
	if t.IsZero() {
		return template.HTML(`<span class="none">` + template.HTMLEscapeString(none) + `</span>`) //nolint:gosec // escaped above
	}
	u := t.UTC()
	return template.HTML(fmt.Sprintf(`<time datetime="%s" title="%s">%s</time>`, //nolint:gosec // digits and fixed words only
		u.Format(time.RFC3339), u.Format("Mon 2 Jan 2006, 15:04:05")+" UTC", relative(t, now)))
}

// lastingTag is how long something has lasted: "for 3 h".
func lastingTag(t, now time.Time) template.HTML {
	text := spanText(now.Sub(t))
	if text == "" {
		text = "a moment"
	}
	u := t.UTC()
	return template.HTML(fmt.Sprintf(`<time datetime="%s" title="since %s" data-for>for %s</time>`, //nolint:gosec // digits and fixed words only
		u.Format(time.RFC3339), u.Format("Mon 2 Jan 2006, 15:04:05")+" UTC", text))
}

func dayTag(t time.Time) template.HTML {
	if t.IsZero() {
		return `<span class="none">no known end</span>`
	}
	u := t.UTC()
	return template.HTML(fmt.Sprintf(`<time datetime="%s" title="%s" data-fixed>%s</time>`, //nolint:gosec // digits and fixed words only
		u.Format(time.RFC3339), u.Format("Mon 2 Jan 2006, 15:04:05")+" UTC", u.Format("2 Jan 2006")))
}

// relative says how far t is from now; the script in the page says the same.
func relative(t, now time.Time) string {
	d := t.Sub(now)
	text := spanText(time.Duration(math.Abs(float64(d))))
	switch {
	case text == "":
		return "just now"
	case d < 0:
		return text + " ago"
	default:
		return "in " + text
	}
}

func spanText(d time.Duration) string {
	switch {
	case d < 10*time.Second:
		return ""
	case d < 90*time.Second:
		return strconv.Itoa(int(d.Seconds())) + " s"
	case d < 90*time.Minute:
		return strconv.Itoa(int(d.Minutes()+0.5)) + " min"
	case d < 36*time.Hour:
		return strconv.Itoa(int(d.Hours()+0.5)) + " h"
	case d < 60*24*time.Hour:
		return plural(int64(d.Hours()/24+0.5), "day", "days")
	default:
		return plural(int64(d.Hours()/24/30.44+0.5), "month", "months")
	}
}

func tookText(d time.Duration) string {
	switch {
	case d < time.Second:
		return strconv.FormatInt(d.Milliseconds(), 10) + " ms"
	case d < 10*time.Second:
		return strconv.FormatFloat(d.Seconds(), 'f', 1, 64) + " s"
	case d < 2*time.Minute:
		return strconv.Itoa(int(d.Seconds())) + " s"
	case d < 2*time.Hour:
		return fmt.Sprintf("%d min %02d s", int(d.Minutes()), int(d.Seconds())%60)
	default:
		return fmt.Sprintf("%d h %02d min", int(d.Hours()), int(d.Minutes())%60)
	}
}

func everyText(d time.Duration) string {
	switch {
	case d <= 0:
		return "by the default"
	case d%(24*time.Hour) == 0:
		return "every " + pluralOne(int64(d/(24*time.Hour)), "day", "days")
	case d%time.Hour == 0:
		return "every " + pluralOne(int64(d/time.Hour), "hour", "hours")
	default:
		return "every " + pluralOne(int64(d/time.Minute), "minute", "minutes")
	}
}

func pluralOne(n int64, one, many string) string {
	if n == 1 {
		return one
	}
	return number(n) + " " + many
}

func plural(n any, one, many string) string {
	var v int64
	switch x := n.(type) {
	case int:
		v = int64(x)
	case int64:
		v = x
	}
	if v == 1 {
		return "1 " + one
	}
	return number(v) + " " + many
}

// number groups digits with thin spaces' plain cousin, the comma.
func number(v any) string {
	var n int64
	switch x := v.(type) {
	case int:
		n = int64(x)
	case int64:
		n = x
	}
	s := strconv.FormatInt(n, 10)
	sign := ""
	if n < 0 {
		sign, s = "−", s[1:]
	}
	for at := len(s) - 3; at > 0; at -= 3 {
		s = s[:at] + "," + s[at:]
	}
	return sign + s
}

func bytesText(n int64) string {
	f, unit := float64(n), 0
	for f >= 1000 && unit < 4 {
		f, unit = f/1024, unit+1
	}
	units := [...]string{"bytes", "KB", "MB", "GB", "TB"}
	if unit == 0 || f >= 100 || f == math.Trunc(f) {
		return fmt.Sprintf("%.0f %s", f, units[unit])
	}
	return fmt.Sprintf("%.1f %s", f, units[unit])
}

func percent(part, whole int64) int64 {
	if whole <= 0 {
		return 0
	}
	return min(100, part*100/whole)
}

// initials are those of two words, or the first two letters of one.
func initials(title string) string {
	words := strings.Fields(title)
	if len(words) == 0 {
		return "?"
	}
	first := []rune(words[0])
	if len(words) > 1 {
		return strings.ToUpper(string(first[:1]) + string([]rune(words[1])[:1]))
	}
	return strings.ToUpper(string(first[:1])) + string(first[1:min(2, len(first))])
}

// hue spreads connectors over the eight tile colours of the style sheet.
func hue(id string) string {
	n := 0
	for _, b := range []byte(id) {
		n = (n*31 + int(b)) % 8
	}
	return strconv.Itoa(n)
}

func roleWord(r integration.Role) string {
	switch r {
	case integration.Admin:
		return "administrator"
	case integration.Standard:
		return "standard"
	case integration.ReadOnly:
		return "read-only"
	default:
		return "none"
	}
}

func methodWord(m connector.Method) string {
	switch m {
	case connector.ModifiedAt:
		return "Modified At"
	case connector.AutoIncrement:
		return "Single Auto-Incrementing PK"
	case connector.AddDate:
		return "Add Date"
	case connector.PrimaryKeyBatch:
		return "Primary Key Batch Monitoring"
	case connector.FullTable:
		return "Full Table"
	case connector.Paused:
		return "Paused"
	case "":
		return "not chosen yet"
	default:
		return string(m)
	}
}

func knownHow(s connector.ExpirySource) string {
	switch s {
	case connector.ReadFromCredential:
		return "read from the credential"
	case connector.DeclaredByVendor:
		return "declared by the vendor"
	case connector.InactivityRule:
		return "ends when it is not used"
	case connector.Certificate:
		return "read from the certificate"
	case connector.PasswordValidity:
		return "read from the password's validity"
	case connector.Sunset:
		return "the vendor ends this API"
	default:
		return string(s)
	}
}
