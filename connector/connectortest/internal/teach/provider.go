package teach

import (
	"cmp"
	"encoding/json"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
)

// Row is a row of the third party. Updated and Added are its logical clock.
type Row struct {
	ID      int64  `json:"id"`
	Name    string `json:"name"`
	Amount  int64  `json:"amount"`
	Updated int64  `json:"updated"`
	Added   int64  `json:"added"`
}

// Provider is the third party: accounts, and for each its tables. Its zero
// value is empty and ready.
type Provider struct {
	mu      sync.Mutex
	clock   int64
	tokens  map[string]string // token → account
	expired map[string]bool
	tables  map[string]map[string][]Row // account → table → rows
	denied  map[string]bool             // tables nobody may read
}

// Grant makes a token of an account.
func (p *Provider) Grant(token, account string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.tokens == nil {
		p.tokens, p.expired, p.denied = map[string]string{}, map[string]bool{}, map[string]bool{}
		p.tables = map[string]map[string][]Row{}
	}
	p.tokens[token] = account
	if p.tables[account] == nil {
		p.tables[account] = map[string][]Row{}
	}
}

// Revoke ends a token.
func (p *Provider) Revoke(token string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.tokens, token)
}

// SetExpired lets a token's time run out, or gives it new time.
func (p *Provider) SetExpired(token string, expired bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.expired[token] = expired
}

// SetDenied takes the right to read a table, or gives it back.
func (p *Provider) SetDenied(table string, denied bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.denied[table] = denied
}

// Fill makes a table with n rows; its keys have gaps.
func (p *Provider) Fill(account, table string, n int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	rows := make([]Row, n)
	for i := range rows {
		p.clock++
		id := int64(i*3 + 1)
		// the clock runs against the keys in part, so that the two orders differ
		rows[i] = Row{ID: id, Name: "row " + strconv.FormatInt(id, 10), Amount: id * 7 % 101, Updated: p.clock ^ 1, Added: p.clock}
	}
	p.clock++
	p.tables[account][table] = rows
}

// Add inserts a row with the next key.
func (p *Provider) Add(account, table, name string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	rows := p.tables[account][table]
	id := int64(1)
	if len(rows) > 0 {
		id = rows[len(rows)-1].ID + 1
	}
	p.clock++
	p.tables[account][table] = append(slices.Clone(rows), Row{ID: id, Name: name, Updated: p.clock, Added: p.clock})
}

// Touch changes the i-th row.
func (p *Provider) Touch(account, table string, i int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	rows := slices.Clone(p.tables[account][table])
	p.clock++
	rows[i].Amount += 1000
	rows[i].Updated = p.clock
	p.tables[account][table] = rows
}

// ServeHTTP implements http.Handler.
func (p *Provider) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	p.mu.Lock()
	defer p.mu.Unlock()
	token := strings.TrimPrefix(req.Header.Get("Authorization"), "Bearer ")
	account, ok := p.tokens[token]
	switch {
	case !ok:
		refuse(w, http.StatusUnauthorized, "token_revoked")
	case p.expired[token]:
		refuse(w, http.StatusUnauthorized, "token_expired")
	case req.URL.Path == "/account":
		reply(w, map[string]any{"id": account, "name": "Shop " + account})
	case req.URL.Path == "/tables":
		p.list(w, account)
	case req.URL.Path == "/rows":
		p.rows(w, req, account)
	default:
		refuse(w, http.StatusNotFound, "no_such_page")
	}
}

func (p *Provider) list(w http.ResponseWriter, account string) {
	list := []apiTable{}
	for name, rows := range p.tables[account] {
		list = append(list, apiTable{Name: name, Rows: int64(len(rows)), Denied: p.denied[name]})
	}
	slices.SortFunc(list, func(a, b apiTable) int { return cmp.Compare(a.Name, b.Name) })
	reply(w, list)
}

// rows gives a page in the order of a column and the id, after a pair of them.
func (p *Provider) rows(w http.ResponseWriter, req *http.Request, account string) {
	q := req.URL.Query()
	rows, ok := p.tables[account][q.Get("table")]
	if !ok {
		refuse(w, http.StatusNotFound, "no_such_table")
		return
	}
	if p.denied[q.Get("table")] {
		refuse(w, http.StatusForbidden, "table_denied")
		return
	}
	after := mark{Value: number(q.Get("after_value")), ID: number(q.Get("after_id"))}
	through := number(q.Get("through_id"))
	order := q.Get("order")
	page := slices.DeleteFunc(slices.Clone(rows), func(r Row) bool {
		return markOf(r, order).compare(after) <= 0 || (through > 0 && r.ID > through)
	})
	slices.SortFunc(page, func(a, b Row) int { return markOf(a, order).compare(markOf(b, order)) })
	if limit := int(number(q.Get("limit"))); limit > 0 && limit < len(page) {
		page = page[:limit]
	}
	reply(w, apiPage{Rows: page, Clock: p.clock})
}

func number(s string) int64 {
	n, _ := strconv.ParseInt(s, 10, 64)
	return n
}

func reply(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(v)
}

func refuse(w http.ResponseWriter, status int, code string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(apiError{Code: code})
}
