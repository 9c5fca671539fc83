package e2e

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/regrant/regrant/internal/testservers/postgres"
	"github.com/regrant/regrant/internal/testservers/ssh"
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

// TestTheBrowser lives stories with the real product in a real browser.
func TestTheBrowser(t *testing.T) {
	bin := build(t)
	t.Run("password changed", func(t *testing.T) { passwordChanged(t, bin) })
	t.Run("bastion rebuilt", func(t *testing.T) { bastionRebuilt(t, bin) })
}

// passwordChanged is the main job as a person lives it: set up, connect, see
// it break, click its name, re-authorize, and see it turn healthy in a page
// that was never loaded again.
func passwordChanged(t *testing.T, bin string) {
	page := browser.Open(t)
	axe := browser.NewAxe(t)
	db := shop(t)
	regrant := serve(t, bin)

	setUp(t, page, regrant)
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

	db.Exec(t, `ALTER ROLE pull_ro PASSWORD 'first password'`) // whoever changed it takes it back
	page.Click(`.after form[action$="/undo"] button`)
	page.Until(`document.querySelector('#attempt-title')?.textContent.trim() === 'The earlier credential is back in force'`)
	list.Within(5*time.Second, state("Healthy"))

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

// bastionRebuilt connects through a real SSH server with the key that the
// page shows, gives that server other host keys, and accepts them on sight of
// both fingerprints.
func bastionRebuilt(t *testing.T, bin string) {
	page := browser.Open(t)
	axe := browser.NewAxe(t)
	db, bastion := shop(t), ssh.Start(t)
	regrant := serve(t, bin)
	setUp(t, page, regrant)
	begin(t, page, db)
	choose(page, "f-connection", "ssh")
	page.Until(`!document.getElementById('f-ssh_host').closest('.field').hidden`)
	page.Fill("#f-ssh_host", "127.0.0.1")
	page.Fill("#f-ssh_port", strconv.Itoa(bastion.Port()))
	page.Fill("#f-ssh_user", bastion.User())
	key := browser.Eval[string](page, `document.querySelector('.public pre').textContent.trim()`)
	if !strings.HasPrefix(key, "ssh-ed25519 ") {
		t.Fatalf("the page shows no public key but %q", key)
	}
	page.Until(`document.getElementById('guide').textContent.includes(` + strconv.Quote(strings.Fields(key)[1]) + `)`) // the script to paste installs it
	if err := bastion.SetAuthorizedKeys(key); err != nil {
		t.Fatal(err)
	}
	shoot(t, page, "connect-ssh")
	page.Click("#authorize .form-end .primary")
	page.Until(attempted)

	page.Open(regrant.url + "/integrations/shop")
	page.Within(30*time.Second, `document.querySelector('.hero .badge').textContent.trim() === 'Healthy'`)
	if err := bastion.SwapHostKey(t.Context()); err != nil {
		t.Fatal(err)
	}
	page.Click(`form[action$="/probe"] button`)
	page.Within(30*time.Second, `document.querySelector('.hero .badge').textContent.trim() === 'Needs re-authorization'`)
	page.Click(`.page-head a.primary`)
	page.Until(`document.querySelectorAll('.hosts code').length >= 2`)
	shown := browser.Eval[string](page, `document.querySelector('.trust .hosts').textContent`)
	found := false
	for _, fingerprint := range bastion.Fingerprints() {
		found = found || strings.Contains(shown, fingerprint)
	}
	if !found {
		t.Errorf("the new fingerprint is not shown: %s", shown)
	}
	accessible(t, axe, page, "another host key")
	shoot(t, page, "host-key")

	page.Click("#authorize .form-end .primary") // without accepting: refused
	page.Until(`document.querySelector('#attempt-title')?.textContent.includes('nothing was changed')`)
	page.Click("#accept")
	page.Click("#authorize .form-end .primary")
	page.Until(attempted)
	page.Open(regrant.url + "/integrations/shop")
	page.Within(30*time.Second, `document.querySelector('.hero .badge').textContent.trim() === 'Healthy'`)
}

func setUp(t *testing.T, page *browser.Page, regrant product) {
	t.Helper()
	page.Open(regrant.setUp)
	shoot(t, page, "set-up")
	page.Fill("#email", "ada@example.com")
	page.Fill("#password", "correct horse battery")
	page.Fill("#again", "correct horse battery")
	page.Click(".stacked .primary")
	page.Until(`document.querySelector('.empty')`)
}

// attempted holds on the page of an attempt that ended well.
const attempted = `/^(Connected|Proven and in force)$/.test(document.querySelector('#attempt-title')?.textContent.trim())`

func choose(page *browser.Page, id, value string) {
	page.Is(`(e => { e.value = '` + value + `'; e.dispatchEvent(new Event('change', { bubbles: true })); return true })(document.getElementById('` + id + `'))`)
}

func connect(t *testing.T, page *browser.Page, db *postgres.Server) {
	t.Helper()
	begin(t, page, db)
	shoot(t, page, "connect")
	page.Click("#authorize .form-end .primary")
	page.Until(`document.querySelector('#attempt-title')?.textContent.trim() === 'Connected'`)
}

// begin fills the form up to Save & Test.
func begin(t *testing.T, page *browser.Page, db *postgres.Server) {
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
	choose(page, "f-tls_mode", "off")
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
