package web_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/regrant/regrant/internal/integration"
	"github.com/regrant/regrant/internal/web"
	"github.com/regrant/regrant/internal/web/sample"
	"github.com/regrant/regrant/internal/web/webtest"
)

// BenchmarkTheListOfTenThousand draws the Integrations page of 10,000
// integrations; the design wants it in less than 100 ms with storage.
func BenchmarkTheListOfTenThousand(b *testing.B) {
	now := time.Now()
	heart, door := webtest.NewHeart(now), &webtest.Door{Now: now}
	few := sample.Views(now)
	var views []integration.View
	for n := range 10_000 {
		v := few[n%len(few)]
		v.Integration.Name = fmt.Sprintf("%s %d", v.Integration.Name, n)
		views = append(views, v)
	}
	heart.Replace(views)
	pages, err := web.New(web.Config{Integrations: heart, People: door, Sessions: door, Warehouse: webtest.Rows{}, Hub: heart.Hub})
	if err != nil {
		b.Fatal(err)
	}
	defer pages.Stop()
	r := httptest.NewRequest(http.MethodGet, "/integrations", nil)
	r.AddCookie(&http.Cookie{Name: webtest.Cookie, Value: "admin"})
	b.ReportAllocs()
	for b.Loop() {
		rec := httptest.NewRecorder()
		pages.ServeHTTP(rec, r)
		if rec.Code != http.StatusOK {
			b.Fatal(rec.Code)
		}
	}
}
