package connectortest

import (
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
)

// maxBody is how much of a request's body a Script keeps.
const maxBody = 1 << 20

// Script is a scripted HTTP provider on a local port: it gives the replies it
// was told, counts requests, and refuses what would write. A SaaS connector is
// pointed at it by Endpoint.
type Script struct {
	t      testing.TB
	server *httptest.Server

	mu       sync.Mutex
	routes   []*route
	forced   []*route // before all routes, while something is broken
	handler  http.Handler
	allowed  []pattern
	requests []Request
	writes   []string
	named    map[string]Reply
}

// Request is what a Script saw.
type Request struct {
	Method string
	Path   string
	Query  url.Values
	Header http.Header
	Body   string
}

// NewScript starts a provider without replies; it ends with the test.
func NewScript(t testing.TB) *Script {
	s := &Script{t: t, named: map[string]Reply{}}
	s.server = httptest.NewServer(s)
	t.Cleanup(s.server.Close)
	return s
}

// URL is the provider's base address.
func (s *Script) URL() string { return s.server.URL }

// Endpoint is the Env.Endpoint that leads every base address to the script.
func (s *Script) Endpoint(string) string { return s.server.URL }

// On adds replies for requests like "GET /v1/customers?page=2": the method and
// path are equal and the query holds what is named. The most specific route
// wins. Replies are given in turn; the last one stays.
func (s *Script) On(like string, replies ...Reply) {
	s.mu.Lock()
	defer s.mu.Unlock()
	p := parsePattern(like)
	for _, r := range s.routes {
		if r.like.text == p.text {
			r.replies = append(r.replies, replies...)
			return
		}
	}
	s.routes = append(s.routes, &route{like: p, replies: replies})
}

// Handle answers what no route does, for providers that need a state.
func (s *Script) Handle(h http.Handler) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.handler = h
}

// Allow lets a request through that is not GET or HEAD and yet no write: a
// token request, a search by POST.
func (s *Script) Allow(like string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.allowed = append(s.allowed, parsePattern(like))
}

// Name keeps a reply under a name, for Break.
func (s *Script) Name(name string, r Reply) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.named[name] = r
}

// Force gives the reply to every request like the one named ("" is every
// request) until Repair.
func (s *Script) Force(like string, r Reply) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.forced = append([]*route{{like: parsePattern(like), replies: []Reply{r}}}, s.forced...)
}

// Break is a Failure's Break: from then on every request gets the reply.
func (s *Script) Break(r Reply) func(testing.TB) { return s.BreakOn("", r) }

// BreakOn is Break for some requests only.
func (s *Script) BreakOn(like string, r Reply) func(testing.TB) {
	return func(testing.TB) { s.Force(like, r) }
}

// BreakNamed is Break with a reply of Name or of a recording.
func (s *Script) BreakNamed(name string) func(testing.TB) {
	return func(t testing.TB) {
		s.mu.Lock()
		r, ok := s.named[name]
		s.mu.Unlock()
		if !ok {
			t.Fatalf("the script has no reply called %q", name)
		}
		s.Force("", r)
	}
}

// Repair is a Failure's Repair: it ends what Force and Break began.
func (s *Script) Repair(testing.TB) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.forced = nil
}

// Writes is a Harness's Writes: the requests that were refused as writes.
func (s *Script) Writes(testing.TB) []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.writes)
}

// Requests are all requests so far.
func (s *Script) Requests() []Request {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.requests)
}

// Count says how many requests like the one named came.
func (s *Script) Count(like string) int {
	p, n := parsePattern(like), 0
	for _, r := range s.Requests() {
		if p.matches(r.Method, r.Path, r.Query) {
			n++
		}
	}
	return n
}

// ServeHTTP implements http.Handler.
func (s *Script) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	body, _ := io.ReadAll(io.LimitReader(req.Body, maxBody))
	answer := s.answer(Request{Method: req.Method, Path: req.URL.Path, Query: req.URL.Query(), Header: req.Header.Clone(), Body: string(body)})
	req.Body = io.NopCloser(strings.NewReader(string(body)))
	answer(w, req)
}

// answer notes the request and decides who replies.
func (s *Script) answer(req Request) http.HandlerFunc {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.requests = append(s.requests, req)
	if !s.reads(req) {
		s.writes = append(s.writes, req.Method+" "+req.Path)
		return Reply{Status: http.StatusMethodNotAllowed, Body: `{"error":"this provider refuses writes"}`}.send
	}
	if r := best(s.forced, req); r != nil {
		return r.next().send
	}
	if r := best(s.routes, req); r != nil {
		return r.next().send
	}
	if s.handler != nil {
		return s.handler.ServeHTTP
	}
	s.t.Errorf("the script has no reply for %s %s?%s", req.Method, req.Path, req.Query.Encode())
	return Reply{Status: http.StatusNotImplemented, Body: `{"error":"the script has no reply"}`}.send
}

func (s *Script) reads(req Request) bool {
	if req.Method == http.MethodGet || req.Method == http.MethodHead {
		return true
	}
	return slices.ContainsFunc(s.allowed, func(p pattern) bool { return p.matches(req.Method, req.Path, req.Query) })
}

// route gives replies to requests of one kind.
type route struct {
	like    pattern
	replies []Reply
	given   int
}

func (r *route) next() Reply {
	i := min(r.given, len(r.replies)-1)
	r.given++
	if i < 0 {
		return Reply{}
	}
	return r.replies[i]
}

// best is the route that matches with the most query values.
func best(routes []*route, req Request) (found *route) {
	for _, r := range routes {
		if r.like.matches(req.Method, req.Path, req.Query) && (found == nil || len(r.like.query) > len(found.like.query)) {
			found = r
		}
	}
	return found
}

// pattern is a kind of request; the empty one is every request.
type pattern struct {
	text, method, path string
	query              url.Values
}

func parsePattern(text string) pattern {
	method, target, _ := strings.Cut(text, " ")
	path, query, _ := strings.Cut(target, "?")
	values, _ := url.ParseQuery(query)
	return pattern{text: text, method: method, path: path, query: values}
}

func (p pattern) matches(method, path string, query url.Values) bool {
	if p.text == "" {
		return true
	}
	if p.method != method || p.path != path {
		return false
	}
	for name, values := range p.query {
		if !slices.Equal(query[name], values) {
			return false
		}
	}
	return true
}
