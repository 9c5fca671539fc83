package api

import (
	"bytes"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"io"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/regrant/regrant/internal/integration"
)

// Answers are kept in memory and bounded: by number, size and time. After a
// restart a repeated write is carried out again, where the heart's own rules
// (taken names, revisions) keep it from doing harm.
const (
	keepAnswers   = 1000
	keepFor       = 24 * time.Hour
	keepAnswerMax = 256 << 10
	maxKey        = 200
)

const idempotencyHeader = "Idempotency-Key"

func idempotencyParameter() *huma.Param {
	limit := maxKey
	return &huma.Param{
		Name: idempotencyHeader, In: "header", Schema: &huma.Schema{Type: "string", MaxLength: &limit},
		Description: "Any text that is unique for this write. Within 24 hours the same key gets the same answer and nothing is done twice.",
	}
}

// answer is what a write was answered with; done is closed when it is known.
type answer struct {
	key    answerKey
	body   [sha256.Size]byte
	at     time.Time
	done   chan struct{}
	status int // 0: not kept
	header http.Header
	reply  []byte
}

type answerKey struct{ person, method, path, key string }

type answers struct {
	mu    sync.Mutex
	salt  []byte
	byKey map[answerKey]*answer
	order []*answer // oldest first
}

func newAnswers() *answers {
	return &answers{salt: []byte(rand.Text()), byKey: make(map[answerKey]*answer)}
}

// begin returns the answer under way or given, or a new one to give (ours).
func (a *answers) begin(key answerKey, body []byte, now time.Time) (_ *answer, ours bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for len(a.order) > 0 && (len(a.order) >= keepAnswers || now.Sub(a.order[0].at) > keepFor) {
		a.forget(a.order[0])
	}
	if known := a.byKey[key]; known != nil {
		return known, false
	}
	fresh := &answer{key: key, body: a.digest(body), at: now, done: make(chan struct{})}
	a.byKey[key] = fresh
	a.order = append(a.order, fresh)
	return fresh, true
}

// digest compares bodies without keeping them: they may hold secrets.
func (a *answers) digest(body []byte) (sum [sha256.Size]byte) {
	mac := hmac.New(sha256.New, a.salt)
	mac.Write(body)
	copy(sum[:], mac.Sum(nil))
	return sum
}

func (a *answers) forget(old *answer) {
	if a.byKey[old.key] == old {
		delete(a.byKey, old.key)
	}
	for n := range a.order {
		if a.order[n] == old {
			a.order = append(a.order[:n], a.order[n+1:]...)
			return
		}
	}
}

// finish keeps the answer, or forgets it so that the write can be repeated.
func (a *answers) finish(one *answer, rec *recorder) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if rec.status == 0 || rec.status >= 500 || rec.status == http.StatusTooManyRequests || rec.tooLarge {
		a.forget(one)
	} else {
		one.status, one.header, one.reply = rec.status, rec.Header().Clone(), rec.body.Bytes()
	}
	close(one.done)
}

// idempotent carries out a write with a key once.
func (s *server) idempotent(next http.Handler) http.Handler {
	kept := newAnswers()
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		key, who := r.Header.Get(idempotencyHeader), personOf(r.Context())
		if key == "" || r.Method == http.MethodGet || who.Role == "" || strings.HasPrefix(r.URL.Path, prefix+tokensPath) {
			// A new token's text is not kept; a second token does no harm.
			next.ServeHTTP(w, r)
			return
		}
		if len(key) > maxKey {
			writeProblem(w, problemOf(http.StatusBadRequest, "idempotency_key", "The Idempotency-Key is too long."))
			return
		}
		body, err := io.ReadAll(r.Body) // in memory already, see bounded
		if err != nil {
			writeProblem(w, bodyProblem(err))
			return
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
		one, ours := kept.begin(keyOf(who, r, key), body, time.Now())
		if !ours {
			replay(w, r, one, kept.digest(body))
			return
		}
		rec := &recorder{ResponseWriter: w}
		defer kept.finish(one, rec)
		next.ServeHTTP(rec, r)
	})
}

func keyOf(who integration.Person, r *http.Request, key string) answerKey {
	return answerKey{person: who.ID, method: r.Method, path: r.URL.EscapedPath(), key: key}
}

// replay waits for the first one to be answered and gives the same answer.
func replay(w http.ResponseWriter, r *http.Request, one *answer, body [sha256.Size]byte) {
	if one.body != body {
		writeProblem(w, problemOf(http.StatusUnprocessableEntity, "idempotency_key", "This Idempotency-Key was used for another request: choose a new one."))
		return
	}
	select {
	case <-one.done:
	case <-r.Context().Done():
		return
	}
	if one.status == 0 {
		writeProblem(w, problemOf(http.StatusConflict, "idempotency_lost", "The first request with this Idempotency-Key did not succeed: send it again."))
		return
	}
	for name, values := range one.header {
		w.Header()[name] = values
	}
	w.Header().Set("Idempotent-Replayed", "true")
	w.WriteHeader(one.status)
	_, _ = w.Write(one.reply)
}

// recorder passes an answer on and keeps a copy of it.
type recorder struct {
	http.ResponseWriter
	status   int
	body     bytes.Buffer
	tooLarge bool
}

func (r *recorder) WriteHeader(status int) {
	if r.status == 0 {
		r.status = status
	}
	r.ResponseWriter.WriteHeader(status)
}

func (r *recorder) Write(b []byte) (int, error) {
	if r.status == 0 {
		r.status = http.StatusOK
	}
	if r.body.Len()+len(b) > keepAnswerMax {
		r.tooLarge = true
	} else {
		r.body.Write(b)
	}
	return r.ResponseWriter.Write(b)
}

// Unwrap lets http.ResponseController flush.
func (r *recorder) Unwrap() http.ResponseWriter { return r.ResponseWriter }
