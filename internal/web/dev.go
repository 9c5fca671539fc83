package web

import (
	"net/http"

	"github.com/regrant/regrant/internal/integration"
	"github.com/regrant/regrant/internal/web/sample"
)

// devData is the development page: every state, cause and check, so that a
// change of the style sheet is seen on all of them at once.
type devData struct {
	Rows  []*integration.View
	Cards []card
	Steps *attemptView
}

func (w *Web) showDev(rw http.ResponseWriter, r *http.Request) error {
	views := sample.Views(w.Now())
	data := devData{Rows: urgentFirst(views, func(*integration.View) bool { return true })}
	data.Cards, _ = cards(views)
	at := &attempt{id: "sample", checks: sample.Checks(), began: w.Now()}
	data.Steps = at.view()
	return w.show(rw, r, "dev", pageData{Title: "Every state", Nav: "dev", Data: data})
}
