package api_test

import (
	"sync"
	"testing"

	"github.com/regrant/regrant/internal/api/apitest"
)

func TestIdempotencyKeys(t *testing.T) {
	t.Parallel()
	b := setup(t, nil)
	const path, body = "/api/v1/integrations", `{"connector":"shopdb","name":"shop"}`
	key := []string{"Idempotency-Key", "k1"}
	first := b.do(t, apitest.AdminToken, "POST", path, body, key...)
	again := b.do(t, apitest.AdminToken, "POST", path, body, key...)
	if first.status != 201 || again.status != 201 || first.body != again.body || again.header.Get("Idempotent-Replayed") != "true" {
		t.Fatal(first, again)
	}
	if got := b.do(t, apitest.AdminToken, "POST", path, body); got.status != 409 {
		t.Fatal("without the key it is another write", got)
	}
	if got := b.do(t, apitest.AdminToken, "POST", path, `{"connector":"shopdb","name":"other"}`, key...); got.status != 422 || got.problem(t).Code != "idempotency_key" {
		t.Fatal("the key fits another body", got)
	}
	if got := b.do(t, apitest.StandardToken, "POST", path, body, key...); got.status != 403 {
		t.Fatal("another person got the answer", got)
	}
	if got := b.do(t, "", "POST", path, body, key...); got.status != 401 {
		t.Fatal("a stranger got the answer", got)
	}
}

func TestIdempotencyUnderRace(t *testing.T) {
	t.Parallel()
	b := setup(t, nil)
	var made sync.WaitGroup
	var mu sync.Mutex
	fresh := 0
	for range 12 {
		made.Go(func() {
			got := b.do(t, apitest.AdminToken, "POST", "/api/v1/integrations", `{"connector":"shopdb","name":"shop"}`, "Idempotency-Key", "same")
			mu.Lock()
			defer mu.Unlock()
			if got.status != 201 {
				t.Errorf("%d %s", got.status, got.body)
			}
			if got.header.Get("Idempotent-Replayed") == "" {
				fresh++
			}
		})
	}
	made.Wait()
	if fresh != 1 {
		t.Fatalf("carried out %d times", fresh)
	}
}

func TestFailuresOfOursAreNotKept(t *testing.T) {
	t.Parallel()
	b := setup(t, nil)
	b.shop(t)
	const path = "/api/v1/integrations/shop/authorize"
	for range 2 {
		got := b.do(t, apitest.AdminToken, "POST", path, `{"settings":{"host":"panics"}}`, "Idempotency-Key", "p")
		if got.status != 500 || got.header.Get("Idempotent-Replayed") != "" {
			t.Fatal(got)
		}
	}
	// A stream is kept, too.
	first := b.do(t, apitest.AdminToken, "POST", path, `{"secrets":{"password":"correct"}}`, "Idempotency-Key", "s", "Accept", "text/event-stream")
	again := b.do(t, apitest.AdminToken, "POST", path, `{"secrets":{"password":"correct"}}`, "Idempotency-Key", "s", "Accept", "text/event-stream")
	if first.body != again.body || again.header.Get("Content-Type") != "text/event-stream" {
		t.Fatal(first, again)
	}
}
