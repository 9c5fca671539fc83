package web

import (
	"bytes"
	"embed"
	"html/template"
	"io/fs"
	"net/http"
	"strings"
	"time"

	"github.com/regrant/regrant/internal/integration"
)

//go:embed templates/*.html
var templateFiles embed.FS

// pageData is what every page has; Data is its own part.
type pageData struct {
	Title string
	Nav   string // the entry of the navigation that is current
	Live  string // what the page listens to: "*", an integration's ID, or empty
	Watch string // ID of an attempt that the page follows
	Flash string // a sentence about what was just done
	Data  any

	Person  integration.Person
	Now     time.Time
	Version string
	Dev     bool
	Refresh bool // without script: load again by itself
}

// shared are the templates that every page may use; all others are pages.
func shared() []string {
	return []string{"templates/layout.html", "templates/parts.html", "templates/form.html", "templates/checklist.html", "templates/rows.html"}
}

func (w *Web) parse() (map[string]*template.Template, error) {
	base, err := template.New("").Funcs(w.funcs()).ParseFS(templateFiles, shared()...)
	if err != nil {
		return nil, err
	}
	files, err := fs.Glob(templateFiles, "templates/*.html")
	if err != nil {
		return nil, err
	}
	pages := make(map[string]*template.Template)
	for _, file := range files {
		t, err := base.Clone()
		if err != nil {
			return nil, err
		}
		if t, err = t.ParseFS(templateFiles, file); err != nil {
			return nil, err
		}
		pages[strings.TrimSuffix(strings.TrimPrefix(file, "templates/"), ".html")] = t
	}
	return pages, nil
}

// render writes a page. It renders into memory first: half a page with status
// 200 would be worse than an error page.
func (w *Web) render(rw http.ResponseWriter, r *http.Request, status int, name string, p pageData) {
	p.Person, p.Now, p.Version, p.Dev = person(r), w.Now(), w.Version, w.Dev
	if p.Flash == "" {
		p.Flash = flashes()[r.URL.Query().Get("done")]
	}
	var b bytes.Buffer
	if err := w.pages[name].ExecuteTemplate(&b, "layout", p); err != nil {
		w.Log.ErrorContext(r.Context(), "page not rendered", "page", name, "error", err)
		http.Error(rw, "Regrant could not draw this page. The log of this installation says why.", http.StatusInternalServerError)
		return
	}
	rw.Header().Set("Content-Type", "text/html; charset=utf-8")
	rw.WriteHeader(status)
	_, _ = rw.Write(b.Bytes())
}

func (w *Web) show(rw http.ResponseWriter, r *http.Request, name string, p pageData) error {
	w.render(rw, r, http.StatusOK, name, p)
	return nil
}

// done goes on to a page after a change, which says what was done.
func done(rw http.ResponseWriter, r *http.Request, to, what string) error {
	if what != "" {
		to += "?done=" + what
	}
	http.Redirect(rw, r, to, http.StatusSeeOther)
	return nil
}

// flashes are the sentences that may follow a change. The address carries
// only their key, so that nobody can put words into the product's mouth.
func flashes() map[string]string {
	return map[string]string{
		"renamed":    "Renamed.",
		"every":      "The interval is saved.",
		"paused":     "Paused. Nothing is pulled until you resume it; rows and settings stay.",
		"resumed":    "Resumed. The next update is on its way.",
		"removed":    "Removed. The rows that were pulled stay in the warehouse.",
		"update":     "An update has been asked for. It begins in a moment.",
		"probed":     "Probed on a fresh connection. The status below is what was found.",
		"discovered": "The tables were listed afresh.",
		"table":      "The table's settings are saved. They hold from the next update on.",
		"revoked":    "The token is revoked. Whatever still uses it is refused from now on.",
		"signedout":  "You are signed out.",
	}
}
