package e2e

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/regrant/regrant/internal/testservers/postgres"
	"github.com/regrant/regrant/internal/web/webtest/browser"
)

// shop is a small database with a role that may read it.
func shop(t *testing.T) *postgres.Server {
	t.Helper()
	db := postgres.Start(t)
	db.Exec(t, `CREATE DATABASE shop`, `CREATE ROLE pull_ro LOGIN PASSWORD 'first password'`)
	db.ExecDB(t, "shop",
		`CREATE TABLE customers (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, email text NOT NULL, updated_at timestamptz NOT NULL DEFAULT now())`,
		`CREATE TABLE orders (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, total numeric(12,2), updated_at timestamptz NOT NULL DEFAULT now())`,
		`CREATE INDEX ON customers (updated_at)`, `CREATE INDEX ON orders (updated_at)`,
		`INSERT INTO customers (email) SELECT 'c' || n || '@example.com' FROM generate_series(1, 200) n`,
		`INSERT INTO orders (total) SELECT n * 1.25 FROM generate_series(1, 5000) n`,
		`GRANT SELECT ON customers, orders TO pull_ro`)
	return db
}

const row = `document.querySelector('table.integrations tbody tr')`

func state(word string) string {
	return row + ` && ` + row + `.querySelector('.badge').textContent.trim() === '` + word + `'`
}

// shoot keeps a picture when REGRANT_SCREENSHOTS names a directory.
func shoot(t *testing.T, p *browser.Page, name string) {
	t.Helper()
	if dir := os.Getenv("REGRANT_SCREENSHOTS"); dir != "" {
		if err := os.WriteFile(filepath.Join(dir, "e2e-"+name+".png"), p.Picture(), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// TestThePersonsStory is the main job as a person lives it: set up, connect,
// see it break, click its name, re-authorize, and see it turn healthy in a
// page that was never loaded again.
func TestThePersonsStory(t *testing.T) {
	page := browser.Open(t)
	axe := browser.NewAxe(t)
	db := shop(t)
	regrant := serve(t, build(t))

	page.Open(regrant.setUp)
	page.Fill("#email", "ada@example.com")
	page.Fill("#password", "correct horse battery")
	page.Fill("#again", "correct horse battery")
	page.Click(".stacked .primary")
	page.Until(`document.querySelector('.empty')`)
	accessible(t, axe, page, "the empty list")
	shoot(t, page, "empty")

	connect(t, page, db)
	accessible(t, axe, page, "connected")
	shoot(t, page, "connected")

	list := page.Tab()
	list.Open(regrant.url + "/integrations")
	list.Within(30*time.Second, state("Healthy"))
	list.Is(`window.sameLoad = true`)
	shoot(t, list, "healthy")

	db.Exec(t, `ALTER ROLE pull_ro PASSWORD 'second password'`)
	page.Open(regrant.url + "/integrations/shop")
	page.Click(`form[action$="/probe"] button`)
	noticed := list.Within(30*time.Second, state("Needs re-authorization"))
	t.Logf("the break is seen in the open list %s after the probe was asked for", noticed.Round(time.Millisecond))
	page.Until(`document.querySelector('.incident .evidence')`)
	accessible(t, axe, page, "a broken integration")
	shoot(t, page, "broken")
	shoot(t, list, "list-broken")

	page.Open(regrant.url + "/integrations")
	page.Click(`table.integrations tbody th a`)
	page.Until(`location.pathname === '/integrations/shop/authorize' && document.getElementById('f-password')`)
	accessible(t, axe, page, "the re-authorization")
	shoot(t, page, "authorize")
	page.Fill("#f-password", "not this one either")
	page.Click("#authorize .form-end .primary")
	page.Until(`document.querySelector('#attempt-title')?.textContent.includes('nothing was changed')`)
	shoot(t, page, "refused")

	page.Fill("#f-password", "second password")
	page.Click("#authorize .form-end .primary")
	page.Until(`document.querySelector('#attempt-title')?.textContent.trim() === 'Proven and in force'`)
	took := list.Within(5*time.Second, state("Healthy"))
	t.Logf("healthy in the open list %s after the credential was proven", took.Round(time.Millisecond))
	if !list.Is(`window.sameLoad`) {
		t.Error("the list was loaded again")
	}
	accessible(t, axe, page, "proven")
	shoot(t, page, "proven")

	page.Open(regrant.url + "/warehouse?schema=shop&table=orders")
	page.Fill("#sql", `select count(*) as n from shop.orders`)
	page.Click(".query .primary")
	page.Until(`document.querySelector('.grid tbody td')`)
	if got := browser.Eval[string](page, `document.querySelector('.grid tbody td').textContent.trim()`); got != "5000" {
		t.Errorf("the warehouse holds %s orders", got)
	}
	for _, path := range []string{"/integrations/shop", "/integrations/shop/tables", "/integrations/shop/history", "/integrations/shop/settings", "/audit", "/people"} {
		page.Open(regrant.url + path)
		accessible(t, axe, page, path)
		shoot(t, page, strings.ReplaceAll(strings.Trim(path, "/"), "/", "-"))
	}
	secretsStay(t, page, regrant.url)
}

func connect(t *testing.T, page *browser.Page, db *postgres.Server) {
	t.Helper()
	page.Click(`a.choice[href="/connect/postgresql"]`)
	page.Fill("#f-name", "Shop")
	page.Click(".form-end .primary")
	page.Until(`document.getElementById('f-password')`)
	page.Fill("#f-host", "127.0.0.1")
	page.Fill("#f-port", strconv.Itoa(db.Port()))
	page.Fill("#f-user", "pull_ro")
	page.Fill("#f-password", "first password")
	page.Fill("#f-database", "shop")
	page.Is(`(e => { e.value = 'off'; e.dispatchEvent(new Event('change', { bubbles: true })); return true })(document.getElementById('f-tls_mode'))`)
	shoot(t, page, "connect")
	page.Click("#authorize .form-end .primary")
	page.Until(`/^(Connected|Proven and in force)$/.test(document.querySelector('#attempt-title')?.textContent.trim())`)
}

func accessible(t *testing.T, axe *browser.Axe, page *browser.Page, where string) {
	t.Helper()
	for _, scheme := range []string{"light", "dark"} {
		page.Size(1440, 900, scheme)
		for _, v := range axe.Check(page) {
			t.Errorf("%s (%s): %s\n\t%s", where, scheme, v.Help, strings.Join(v.Nodes, "\n\t"))
		}
	}
	page.Size(1440, 900, "light")
}

// secretsStay looks for the passwords in the pages that tell what happened.
func secretsStay(t *testing.T, page *browser.Page, base string) {
	t.Helper()
	for _, path := range []string{"/audit", "/integrations/shop/history", "/integrations/shop/authorize", "/integrations/shop"} {
		page.Open(base + path)
		html := browser.Eval[string](page, `document.documentElement.outerHTML`)
		for _, secret := range []string{"first password", "second password", "not this one either", "correct horse"} {
			if strings.Contains(html, secret) {
				t.Errorf("%s shows a password", path)
			}
		}
	}
}
