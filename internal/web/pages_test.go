package web_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/regrant/regrant/connector"
	"github.com/regrant/regrant/internal/integration"
)

func TestPagesOpen(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for name, path := range pages() {
		want := http.StatusOK
		if name == "missing" {
			want = http.StatusNotFound
		}
		a := b.get(t, "admin", path)
		if a.status != want {
			t.Errorf("%s answered %d", path, a.status)
		}
		if !strings.Contains(a.body, "</html>") || strings.Contains(a.body, "<no value>") || strings.Contains(a.body, "ZgotmplZ") {
			t.Errorf("%s is not whole: %s", path, a.body)
		}
	}
}

func TestNobodySeesAnythingBeforeSigningIn(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for name, path := range pages() {
		if name == "missing" || name == "dev" {
			continue
		}
		a := b.get(t, "", path)
		if a.status != http.StatusSeeOther || !strings.HasPrefix(a.header.Get("Location"), "/sign-in?next=") {
			t.Errorf("%s answered %d, %q", path, a.status, a.header.Get("Location"))
		}
	}
	if a := b.get(t, "", "/live"); a.status != http.StatusUnauthorized {
		t.Errorf("/live answered %d", a.status)
	}
	if a := b.post(t, "", "/integrations/orders/authorize", fill()); a.status != http.StatusSeeOther || len(b.heart.Calls()) != 0 {
		t.Errorf("Save & Test by nobody answered %d and called %v", a.status, b.heart.Calls())
	}
}

// TestRoles posts every change as every role and looks at what the heart was
// asked for.
func TestRoles(t *testing.T) {
	t.Parallel()
	changes := []struct {
		path   string
		form   url.Values
		needed integration.Role
	}{
		{"/integrations/shop/update", nil, integration.Standard},
		{"/integrations/shop/probe", nil, integration.Standard},
		{"/integrations/shop/pause", nil, integration.Standard},
		{"/integrations/archive/resume", nil, integration.Standard},
		{"/integrations/shop/discover", nil, integration.Standard},
		{"/integrations/subscriptions/undo", nil, integration.Standard},
		{"/integrations/orders/authorize", fill(), integration.Standard},
		{"/integrations/returns/authorize", fill(), integration.Admin}, // never connected before
		{"/integrations/shop/every", url.Values{"amount": {"2"}, "unit": {"hours"}}, integration.Standard},
		{"/integrations/shop/tables/public.orders", url.Values{"enabled": {"true"}}, integration.Standard},
		{"/integrations/shop/rename", url.Values{"name": {"Shop"}}, integration.Admin},
		{"/integrations/shop/remove", url.Values{"confirm": {"Shop database"}}, integration.Admin},
		{"/connect/stripe", url.Values{"name": {"Cards"}, "form": {"key"}}, integration.Admin},
	}
	for _, role := range []integration.Role{integration.ReadOnly, integration.Standard, integration.Admin} {
		for _, c := range changes {
			t.Run(string(role)+c.path, func(t *testing.T) {
				t.Parallel()
				b := setup(t)
				a := b.post(t, string(role), c.path, c.form)
				called := len(b.heart.Calls()) > 0
				if allowed := role.May(c.needed); allowed != called || allowed == (a.status == http.StatusForbidden) {
					t.Errorf("answered %d and called %v", a.status, b.heart.Calls())
				}
			})
		}
		for _, path := range []string{"/people", "/audit", "/connect/stripe"} {
			t.Run(string(role)+path, func(t *testing.T) {
				t.Parallel()
				a := setup(t).get(t, string(role), path)
				if (a.status == http.StatusOK) != (role == integration.Admin) {
					t.Errorf("answered %d", a.status)
				}
			})
		}
	}
}

func TestRequestsFromOtherSitesAreRefused(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for name, header := range map[string][2]string{"fetch metadata": {"Sec-Fetch-Site", "cross-site"}, "origin": {"Origin", "https://evil.example"}} {
		t.Run(name, func(t *testing.T) {
			r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, b.server.URL+"/integrations/shop/pause", nil)
			if err != nil {
				t.Fatal(err)
			}
			r.Header.Set(header[0], header[1])
			r.AddCookie(&http.Cookie{Name: "as", Value: "admin"})
			a := b.send(t, r)
			if a.status != http.StatusForbidden || len(b.heart.Calls()) > 0 {
				t.Errorf("answered %d and called %v", a.status, b.heart.Calls())
			}
			if a.header.Get("Content-Security-Policy") == "" {
				t.Error("the refusal has no content policy")
			}
		})
	}
}

func TestHeaders(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for _, path := range []string{"/integrations", "/sign-in", "/nothing", "/integrations/orders/authorize"} {
		a := b.get(t, "admin", path)
		csp := a.header.Get("Content-Security-Policy")
		if !strings.Contains(csp, "default-src 'self'") || strings.Contains(csp, "unsafe") {
			t.Errorf("%s: the content policy is %q", path, csp)
		}
		for name, want := range map[string]string{"X-Content-Type-Options": "nosniff", "X-Frame-Options": "DENY", "Referrer-Policy": "no-referrer", "Cache-Control": "no-store"} {
			if got := a.header.Get(name); got != want {
				t.Errorf("%s: %s is %q", path, name, got)
			}
		}
		if strings.Contains(a.body, "style=") || strings.Contains(a.body, "<style") || strings.Contains(a.body, " onclick") {
			t.Errorf("%s has an inline style or script", path)
		}
	}
}

// TestEverythingIsEscaped puts markup where people and third parties write.
func TestEverythingIsEscaped(t *testing.T) {
	t.Parallel()
	b := setup(t)
	const evil = `"><script>alert(1)</script><img src=x onerror=alert(2)>`
	b.heart.Change("orders", func(r *integration.Record) {
		r.Integration.Name = evil
		r.Integration.Authorization.Identity.Account = evil
		r.Integration.Authorization.Identity.Warnings = []string{evil}
		r.Integration.Authorization.Settings["host"] = evil
		r.Incidents[0].Public, r.Incidents[0].Code = evil, evil
		r.Incidents[0].Evidence[0].Text = evil
		r.Incidents[0].Facts = map[string]string{"new_fingerprint": evil}
		r.Tables[0].Name, r.Tables[0].Columns[0].Name, r.Gaps[0].Table = evil, evil, evil
	})
	paths := []string{"/integrations", "/integrations?q=" + url.QueryEscape(evil), "/integrations/orders", "/integrations/orders/authorize", "/integrations/orders/tables",
		"/integrations/orders/tables/" + url.PathEscape(evil), "/integrations/orders/history", "/integrations/orders/settings", "/warehouse", "/warehouse?schema=a&table=" + url.QueryEscape(evil),
		"/set-up?token=" + url.QueryEscape(evil), "/sign-in?next=" + url.QueryEscape(evil)}
	for _, path := range paths {
		role := "admin"
		if strings.HasPrefix(path, "/s") {
			role = ""
		}
		a := b.get(t, role, path)
		if a.status != http.StatusOK || strings.Contains(a.body, "<script>alert") || strings.Contains(a.body, "<img src=x") {
			t.Errorf("%s answered %d, escaped: %v", path, a.status, !strings.Contains(a.body, "<img src=x"))
		}
	}
	if a := b.post(t, "", "/sign-in", url.Values{"email": {evil}, "password": {"x"}, "next": {evil}}); strings.Contains(a.body, "<script>alert") {
		t.Error("the sign-in page prints what was typed as markup")
	}
}

// TestSecretsAreNeverDrawn types canaries into every secret field and looks
// for them in every answer.
func TestSecretsAreNeverDrawn(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.heart.Prove = prove
	const canary = "c4n4ry-5ecret"
	look := func(what string, a answer) {
		t.Helper()
		if strings.Contains(a.body, canary) || strings.Contains(a.header.Get("Location"), canary) {
			t.Errorf("%s shows the secret", what)
		}
	}
	form := fill("f.password", canary, "f.connection", "ssh", "f.ssh_host", "b", "f.ssh_user", "u", "f.ssh_port", "22", "f.ssh_private_key", canary+"\r\nsecond line")
	form.Set("action", "refresh")
	look("drawing the form again", b.post(t, "admin", "/integrations/orders/authorize", form))
	look("the guide", b.post(t, "admin", "/integrations/orders/guide", form))
	form.Set("action", "save")
	form.Set("f.host", "")
	a := b.post(t, "admin", "/integrations/orders/authorize", form)
	if a.status != http.StatusUnprocessableEntity {
		t.Errorf("a form without host answered %d", a.status)
	}
	look("a form with an error", a)
	form.Set("f.host", "db.example.com")
	form.Set("f.user", "stranger")
	a = b.post(t, "admin", "/integrations/orders/authorize", form)
	look("Save & Test", a)
	look("the failed attempt", b.get(t, "admin", a.header.Get("Location")))
	subs := b.heart.Submissions()
	last := subs[len(subs)-1]
	if got := last.Secrets["ssh_private_key"].Reveal(); got != canary+"\nsecond line" {
		t.Errorf("the key arrived as %q", got)
	}
	if last.Settings["password"] != "" || last.Secrets["password"].Reveal() != canary {
		t.Error("the password did not arrive as a secret")
	}
}

func TestFormsThatAreTooBig(t *testing.T) {
	t.Parallel()
	b := setup(t)
	a := b.post(t, "admin", "/integrations/orders/authorize", fill("f.tls_ca", strings.Repeat("x", 10<<20)))
	if a.status != http.StatusRequestEntityTooLarge || !strings.Contains(a.body, "larger than 1 MB") {
		t.Errorf("10 MB answered %d: %.300s", a.status, a.body)
	}
	a = b.post(t, "admin", "/integrations/orders/authorize", fill("f.tls_ca", strings.Repeat("x", 200<<10)))
	if a.status != http.StatusUnprocessableEntity || !strings.Contains(a.body, "too long") {
		t.Errorf("200 KB answered %d", a.status)
	}
	if len(b.heart.Submissions()) != 1 {
		t.Errorf("%d submissions arrived", len(b.heart.Submissions()))
	}
}

func TestErrorsStandBesideTheirFields(t *testing.T) {
	t.Parallel()
	b := setup(t)
	a := b.post(t, "admin", "/integrations/returns/authorize", fill("f.host", "", "f.database", "", "f.user", `keep "me"`))
	if a.status != http.StatusUnprocessableEntity {
		t.Fatalf("answered %d", a.status)
	}
	for _, want := range []string{`2 things need another look`, `<a href="#f-host">Host</a>: fill this in`, `id="f-host-error"`, `aria-invalid="true"`, `value="keep &#34;me&#34;"`} {
		if !strings.Contains(a.body, want) {
			t.Errorf("the page lacks %s", want)
		}
	}
	if strings.Contains(a.body, `data-live=`) {
		t.Error("a page with errors refreshes itself and would lose them")
	}
}

// TestHiddenFieldsAreNotSubmitted: what does not show means nothing, with and
// without script.
func TestHiddenFieldsAreNotSubmitted(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.post(t, "admin", "/integrations/orders/authorize", fill("f.ssh_host", "left over", "f.ssh_keepalive", "true", "f.unknown", "x"))
	sub := b.heart.Submissions()[0]
	for _, name := range []string{"ssh_host", "ssh_keepalive", "unknown"} {
		if _, ok := sub.Settings[name]; ok {
			t.Errorf("%s was submitted", name)
		}
	}
	form := fill("f.connection", "ssh")
	form.Set("action", "refresh")
	a := b.post(t, "admin", "/integrations/orders/authorize", form)
	if strings.Contains(a.body, `data-show="connection" data-values="ssh" hidden`) || len(b.heart.Submissions()) != 1 {
		t.Error("drawing the form again did not show the fields of the choice")
	}
}

func TestOnlyAnAdministratorAcceptsAHostKey(t *testing.T) {
	t.Parallel()
	b := setup(t)
	form := fill("f.connection", "ssh", "f.ssh_host", "b", "f.ssh_port", "22", "f.ssh_user", "u", "f.ssh_accept_host_key", "SHA256:new")
	if a := b.post(t, "standard", "/integrations/billing/authorize", form); a.status != http.StatusForbidden || len(b.heart.Submissions()) > 0 {
		t.Errorf("standard: answered %d", a.status)
	}
	page := b.get(t, "standard", "/integrations/billing/authorize").body
	if !strings.Contains(page, "SHA256:Zq0uV2l1") || !strings.Contains(page, "SHA256:h7Tn4cPq") || strings.Contains(page, `id="accept"`) {
		t.Error("standard should see both fingerprints and no box to accept")
	}
	b.post(t, "admin", "/integrations/billing/authorize", form)
	if got := b.heart.Submissions()[0].Settings["ssh_accept_host_key"]; got != "SHA256:new" {
		t.Errorf("admin: the fingerprint arrived as %q", got)
	}
}

func TestAttemptsAreFollowed(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for user, address := range attempted(t, b) {
		body := b.get(t, "admin", address).body
		wants := map[string][]string{
			"attempt-slow":     {"Testing", `<noscript><meta http-equiv="refresh"`, "data-watch="},
			"attempt-stranger": {"1 check failed; nothing was changed", "Presented now", "not tried"},
			"attempt-narrow":   {"public.invoices", `name="pause_unreadable"`, "4 tables can be read."},
			"attempt-pull_ro":  {"Proven and in force", "Open Stock"},
		}
		for _, want := range wants[user] {
			if !strings.Contains(body, want) {
				t.Errorf("%s lacks %q", user, want)
			}
		}
	}
	if a := b.get(t, "admin", "/integrations/shop/attempts/unknown"); a.status != http.StatusSeeOther || a.header.Get("Location") != "/integrations/shop/authorize" {
		t.Errorf("an unknown attempt answered %d", a.status)
	}
}

func TestHealthyIntegrationsSaySo(t *testing.T) {
	t.Parallel()
	body := setup(t).get(t, "admin", "/integrations/shop/authorize").body
	if !strings.Contains(body, "Nothing is wrong with it.") {
		t.Error("a link to a healthy integration does not say that nothing is wrong")
	}
}

func TestNamesLeadToTheRepair(t *testing.T) {
	t.Parallel()
	body := setup(t).get(t, "admin", "/integrations").body
	for _, want := range []string{`href="/integrations/orders/authorize" title="Begin to re-authorize">Orders database`, `href="/integrations/shop">Shop database`, "6 integrations need you", "2 integrations, one cause"} {
		if !strings.Contains(body, want) {
			t.Errorf("the list lacks %s", want)
		}
	}
	body = setup(t).get(t, "admin", "/integrations?show=waiting&q=stripe").body
	if !strings.Contains(body, "Payments") || strings.Contains(body, "Storefront") {
		t.Error("the filter does not filter")
	}
}

func TestTableSettingsArriveWhole(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.post(t, "standard", "/integrations/shop/tables/public.orders", url.Values{
		"enabled": {"true"}, "method": {"auto_increment id"}, "read": {"customer_id", "total", "valid_until", "updated_at"},
		"recheck.id": {""}, "recheck.total": {"daily"},
	})
	want := "table public.orders enabled=true method=auto_increment excluded=[notes] rechecks=map[id: total:daily] shop"
	if calls := b.heart.Calls(); len(calls) != 1 || calls[0] != want {
		t.Errorf("called %q\nwant   %q", calls, want)
	}
}

func TestRemoveWantsTheName(t *testing.T) {
	t.Parallel()
	b := setup(t)
	if a := b.post(t, "admin", "/integrations/shop/remove", url.Values{"confirm": {"shop"}}); a.status != http.StatusUnprocessableEntity || len(b.heart.Calls()) > 0 {
		t.Errorf("a wrong name answered %d", a.status)
	}
	if a := b.post(t, "admin", "/integrations/shop/remove", url.Values{"confirm": {"Shop database"}}); a.header.Get("Location") != "/integrations?done=removed" {
		t.Errorf("the right name answered %d", a.status)
	}
}

func TestSigningIn(t *testing.T) {
	t.Parallel()
	b := setup(t)
	in := func(email, password, next string) answer {
		return b.post(t, "", "/sign-in", url.Values{"email": {email}, "password": {password}, "next": {next}})
	}
	if a := in("ada@example.com", "Wr0ngOne", ""); a.status != http.StatusUnprocessableEntity || !strings.Contains(a.body, "do not belong together") || strings.Contains(a.body, "Wr0ngOne") {
		t.Errorf("a wrong password answered %d", a.status)
	}
	if a := in("ada@example.com", "slow down", ""); a.status != http.StatusTooManyRequests || !strings.Contains(a.body, "30 seconds") {
		t.Errorf("too many attempts answered %d", a.status)
	}
	for next, want := range map[string]string{
		"/audit": "/audit", "": "/integrations", "https://evil.example/": "/integrations", "//evil.example": "/integrations",
		`/\evil.example`: "/integrations", "/integrations?show=you": "/integrations?show=you", "/sign-in": "/integrations",
	} {
		if a := in("ada@example.com", "correct horse", next); a.header.Get("Location") != want {
			t.Errorf("next %q leads to %q", next, a.header.Get("Location"))
		}
	}
}

func TestSettingUp(t *testing.T) {
	t.Parallel()
	b := setup(t)
	up := func(token, password, again string) answer {
		return b.post(t, "", "/set-up", url.Values{"token": {token}, "email": {"ada@example.com"}, "password": {password}, "again": {again}})
	}
	if a := up("first", "a long password", "another one"); a.status != http.StatusUnprocessableEntity || !strings.Contains(a.body, "passwords differ") {
		t.Errorf("two passwords answered %d", a.status)
	}
	if a := up("first", "short", "short"); a.status != http.StatusUnprocessableEntity || !strings.Contains(a.body, "at least 12") {
		t.Errorf("a short password answered %d", a.status)
	}
	if a := up("old", "a long password", "a long password"); a.status != http.StatusGone {
		t.Errorf("an old link answered %d", a.status)
	}
	if a := up("first", "a long password", "a long password"); a.header.Get("Location") != "/integrations" {
		t.Errorf("the link answered %d", a.status)
	}
}

func TestErrorsKeepTheirCauseForTheLog(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.heart.Err = &connector.Fault{Code: "store.failed", Err: http.ErrBodyNotAllowed}
	a := b.post(t, "admin", "/integrations/shop/pause", nil)
	if a.status != http.StatusInternalServerError || strings.Contains(a.body, "store.failed") || !strings.Contains(a.body, "Reference <code>") {
		t.Errorf("answered %d: %s", a.status, a.body)
	}
	b.heart.Err = integration.ErrConflict
	if a := b.post(t, "admin", "/integrations/shop/pause", nil); a.status != http.StatusConflict {
		t.Errorf("a conflict answered %d", a.status)
	}
}

func TestTokensAreShownOnce(t *testing.T) {
	t.Parallel()
	b := setup(t)
	a := b.post(t, "admin", "/people/tokens", url.Values{"name": {"ci"}, "role": {"read_only"}})
	if a.status != http.StatusOK || !strings.Contains(a.body, "rgt_") {
		t.Errorf("answered %d", a.status)
	}
	if strings.Contains(b.get(t, "admin", "/people").body, "rgt_") {
		t.Error("the token is shown again")
	}
	if a := b.post(t, "admin", "/people/tokens", url.Values{"name": {"ci"}, "role": {"owner"}}); a.status != http.StatusUnprocessableEntity {
		t.Errorf("an unknown role answered %d", a.status)
	}
}

func TestQueriesOnlyRead(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for sql, want := range map[string]string{
		"select * from shop.orders": "24 rows, the first of more", "drop table shop.orders": "Only statements that read",
		"  ": "Type a query", strings.Repeat("x", 40<<10): "longer than 32 KB",
	} {
		a := b.post(t, "read_only", "/warehouse", url.Values{"sql": {sql}})
		if !strings.Contains(a.body, want) {
			t.Errorf("%.20q lacks %q", sql, want)
		}
	}
}

func TestTheDoorSaysWhereTheFirstAccountComesFrom(t *testing.T) {
	t.Parallel()
	b := setup(t)
	const hint = "Open the one-time link that Regrant printed"
	if strings.Contains(b.get(t, "", "/sign-in").body, hint) {
		t.Error("the hint is shown although there are people")
	}
	b.door.Empty = true
	if !strings.Contains(b.get(t, "", "/sign-in").body, hint) {
		t.Error("the hint is not shown although there is nobody")
	}
	if a := b.get(t, "", "/set-up"); a.header.Get("Location") != "/sign-in" {
		t.Errorf("a set-up page without a token answered %d", a.status)
	}
}
