package web

import (
	"cmp"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/regrant/regrant/connector"
	"github.com/regrant/regrant/internal/integration"
)

// perPage bounds the rows of a page.
const perPage = 100

// bucket is who must act on an integration; the headline and the filter of
// the list are made of buckets.
type bucket struct {
	Key, Word, Icon, Tone string
	Count                 int
}

// bucketOf sorts an integration by who must act.
func bucketOf(s integration.Status) string {
	switch s.State {
	case integration.StatePaused, integration.InBlackout, integration.Retired:
		return "off"
	case integration.Healthy, integration.CatchingUp, integration.Checking:
		return "well"
	}
	switch s.Actor {
	case integration.Somebody, integration.WhoeverTyped:
		return "you"
	case integration.Operator:
		return "operator"
	default:
		return "waiting"
	}
}

func newBuckets() []bucket {
	return []bucket{
		{"you", "need you", "key", "bad", 0},
		{"operator", "for the operator", "server", "ours", 0},
		{"waiting", "waiting for a provider", "hourglass", "wait", 0},
		{"well", "running well", "check", "ok", 0},
		{"off", "paused or retired", "pause", "idle", 0},
	}
}

// card is one thing that needs attention: an incident, or a cause that
// several integrations share and that is told once.
type card struct {
	Incident  *integration.Incident
	View      *integration.View   // the first
	Others    []*integration.View // that share the cause
	Supports  string              // the strongest observation
	Reachable bool                // a person can repair it by re-authorizing
}

type listData struct {
	Total, Matching int
	Headline        string
	Calm            bool
	Buckets         []bucket
	Cards           []card
	MoreCards       int
	Rows            []*integration.View
	Query, Show     string
	Page, Pages     int
	Prev, Next      string
	Catalogue       []connector.Definition
}

// maxCards bounds the cards: beyond it the table tells the rest.
const maxCards = 6

func (w *Web) home(rw http.ResponseWriter, r *http.Request) error {
	http.Redirect(rw, r, "/integrations", http.StatusSeeOther)
	return nil
}

func (w *Web) listIntegrations(rw http.ResponseWriter, r *http.Request) error {
	views, err := w.Integrations.List(r.Context())
	if err != nil {
		return err
	}
	q := r.URL.Query()
	data := listData{Total: len(views), Query: strings.TrimSpace(q.Get("q")), Show: q.Get("show"), Buckets: countBuckets(views)}
	data.Headline, data.Calm = headline(data.Buckets, len(views))
	data.Cards, data.MoreCards = cards(views)
	rows := urgentFirst(views, func(v *integration.View) bool {
		return (data.Show == "" || bucketOf(v.Status) == data.Show) && matches(v, data.Query)
	})
	data.Matching = len(rows)
	data.turnTo(q.Get("page"), rows)
	if len(views) == 0 {
		data.Catalogue = w.Integrations.Catalogue()
	}
	return w.show(rw, r, "integrations", pageData{Title: "Integrations", Nav: "integrations", Live: "*", Data: data})
}

func (d *listData) turnTo(asked string, rows []*integration.View) {
	d.Pages = max(1, (len(rows)+perPage-1)/perPage)
	d.Page, _ = strconv.Atoi(asked)
	d.Page = min(max(d.Page, 1), d.Pages)
	d.Rows = rows[(d.Page-1)*perPage : min(d.Page*perPage, len(rows))]
	if d.Page > 1 {
		d.Prev = d.address(d.Page - 1)
	}
	if d.Page < d.Pages {
		d.Next = d.address(d.Page + 1)
	}
}

func (d *listData) address(page int) string {
	v := url.Values{"page": {strconv.Itoa(page)}}
	if d.Query != "" {
		v.Set("q", d.Query)
	}
	if d.Show != "" {
		v.Set("show", d.Show)
	}
	return "/integrations?" + v.Encode()
}

func countBuckets(views []integration.View) []bucket {
	all := newBuckets()
	count := make(map[string]int)
	for n := range views {
		count[bucketOf(views[n].Status)]++
	}
	for n := range all {
		all[n].Count = count[all[n].Key]
		if all[n].Key == "you" && all[n].Count == 1 {
			all[n].Word = "needs you"
		}
	}
	return all
}

// headline says the most urgent thing first: who must act on how many.
func headline(b []bucket, total int) (string, bool) {
	you, operator, waiting := b[0].Count, b[1].Count, b[2].Count
	switch {
	case total == 0:
		return "Nothing is connected yet", true
	case you > 0:
		return plural(you, "integration needs you", "integrations need you"), false
	case operator > 0:
		return plural(operator, "integration waits for the operator", "integrations wait for the operator"), false
	case waiting > 0:
		return "Nothing for you to do: " + plural(waiting, "integration waits", "integrations wait") + " for a provider", true
	default:
		return "Everything that runs is running well", true
	}
}

func matches(v *integration.View, query string) bool {
	if query == "" {
		return true
	}
	hay := strings.ToLower(strings.Join([]string{
		v.Integration.Name, v.Integration.Slug, v.Title, v.Integration.Authorization.Identity.Account, v.Status.Word,
	}, "\n"))
	for _, word := range strings.Fields(strings.ToLower(query)) {
		if !strings.Contains(hay, word) {
			return false
		}
	}
	return true
}

// urgentFirst picks rows and orders them by who must act, then by name. It
// works on pointers: a view is big, and there may be ten thousand.
func urgentFirst(views []integration.View, pick func(*integration.View) bool) []*integration.View {
	type keyed struct {
		view *integration.View
		rank int
		name string
	}
	rank := map[string]int{"you": 0, "operator": 1, "waiting": 2, "well": 3, "off": 4}
	picked := make([]keyed, 0, len(views))
	for n := range views {
		if v := &views[n]; pick(v) {
			picked = append(picked, keyed{v, rank[bucketOf(v.Status)], strings.ToLower(v.Integration.Name)})
		}
	}
	slices.SortFunc(picked, func(a, b keyed) int {
		if d := a.rank - b.rank; d != 0 {
			return d
		}
		return cmp.Or(strings.Compare(a.name, b.name), strings.Compare(a.view.Integration.ID, b.view.Integration.ID))
	})
	rows := make([]*integration.View, 0, len(picked))
	for _, k := range picked {
		rows = append(rows, k.view)
	}
	return rows
}

// cards are made of the deciding incidents; one per shared cause.
func cards(views []integration.View) ([]card, int) {
	var all []card
	shared := make(map[string]int)
	for n := range views {
		v := &views[n]
		i := v.Status.Incident
		if i == nil || v.Integration.Paused {
			continue
		}
		if at, ok := shared[i.Shared]; ok && i.Shared != "" {
			all[at].Others = append(all[at].Others, v)
			continue
		}
		if i.Shared != "" {
			shared[i.Shared] = len(all)
		}
		all = append(all, card{Incident: i, View: v, Supports: strongest(i.Evidence), Reachable: v.Status.Problem()})
	}
	rank := map[integration.Actor]int{integration.Somebody: 0, integration.WhoeverTyped: 0, integration.Operator: 1, integration.Nobody: 2}
	slices.SortStableFunc(all, func(a, b card) int {
		return cmp.Or(rank[a.Incident.Actor()]-rank[b.Incident.Actor()], b.Incident.Opened.Compare(a.Incident.Opened))
	})
	if len(all) > maxCards {
		return all[:maxCards], len(all) - maxCards
	}
	return all, 0
}

func strongest(evidence []integration.Evidence) string {
	for _, e := range evidence {
		if e.Points == integration.Supports {
			return e.Text
		}
	}
	return ""
}

// lastPoint is when the newest row of any table arrived.
func lastPoint(tables []integration.Table) time.Time {
	var last time.Time
	for n := range tables {
		if at := tables[n].LastPoint; at.After(last) {
			last = at
		}
	}
	return last
}

// nameLink is where the name leads: to the repair of what is wrong.
func nameLink(v *integration.View) string {
	if v.Status.Problem() {
		return "/integrations/" + v.Integration.Slug + "/authorize"
	}
	return "/integrations/" + v.Integration.Slug
}
