package api_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/regrant/regrant/internal/api/apitest"
	"github.com/regrant/regrant/internal/integration"
)

// BenchmarkList answers with 10,000 integrations.
func BenchmarkList(b *testing.B) {
	heart := apitest.New()
	who := integration.System("bench")
	for n := range 10_000 {
		name := fmt.Sprintf("shop %d", n)
		if _, err := heart.Begin(b.Context(), who, "shopdb", name, ""); err != nil {
			b.Fatal(err)
		}
	}
	handler, err := apitest.Handler(heart, nil, nil)
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		req := httptest.NewRequest(http.MethodGet, "/api/v1/integrations", nil)
		req.Header.Set("Authorization", "Bearer "+apitest.ReadOnlyToken)
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, req)
		if w.Code != http.StatusOK {
			b.Fatal(w.Body)
		}
		b.SetBytes(int64(w.Body.Len()))
	}
}
