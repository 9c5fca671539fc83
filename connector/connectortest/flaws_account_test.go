package connectortest_test

import (
	"context"
	"errors"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/regrant/regrant/connector"
	. "github.com/regrant/regrant/connector/connectortest"
)

func definitionFlaws() []flaw {
	of := func(name, says string, change func(*Harness)) flaw {
		return flaw{name, DefinitionComplete, says, func(_ *testing.T, _ *shop, h *Harness) { change(h) }}
	}
	on := func(name, says, fieldName string, change func(*connector.Field)) flaw {
		return of(name, says, func(h *Harness) { field(h, fieldName, change) })
	}
	return []flaw{
		of("another id", "but the folder is", func(h *Harness) { h.Definition.ID = "taught" }),
		of("no summary", "has no Summary", func(h *Harness) { h.Definition.Summary = "" }),
		of("no docs", "has Docs", func(h *Harness) { h.Definition.Docs = "teach.example" }),
		of("a form twice", "two forms", func(h *Harness) { h.Definition.Forms = append(h.Definition.Forms, h.Definition.Forms[0]) }),
		of("a guide that writes", "panics", func(h *Harness) {
			h.Definition.Forms[0].Guide = func(v map[string]string) []connector.Instruction {
				v["region"] = "eu"
				return []connector.Instruction{{Title: "Sign in"}}
			}
		}),
		of("a silent guide", "says nothing", func(h *Harness) {
			h.Definition.Forms[0].Guide = func(map[string]string) []connector.Instruction { return nil }
		}),
		of("an unknown setting", "which is no plain field", func(h *Harness) {
			field(h, "page_size", func(f *connector.Field) { f.Name = "rows_per_page" })
		}),
		on("no help", "has no Help", "region", func(f *connector.Field) { f.Help = " " }),
		on("no label", "has no Label", "region", func(f *connector.Field) { f.Label = "" }),
		on("an open secret", "not marked Secret", "token", func(f *connector.Field) { f.Secret = false }),
		on("a known secret", "everybody would know", "token", func(f *connector.Field) { f.Default = "hunter2" }),
		on("no bound", "has the bound", "token", func(f *connector.Field) { f.MaxBytes = 1 << 30 }),
		on("a lost condition", "which is no field", "base_url", func(f *connector.Field) { f.Show.Field = "country" }),
		on("an impossible condition", "cannot be chosen", "base_url", func(f *connector.Field) { f.Show.Values = []string{"moon"} }),
		on("a condition on a secret", "whose value no page knows", "base_url", func(f *connector.Field) { f.Show.Field = "token" }),
		on("a circle", "depending on itself", "base_url", func(f *connector.Field) { f.Show.Field = "base_url" }),
		on("a loud name", "lower-case", "page_size", func(f *connector.Field) { f.Name = "PageSize" }),
		on("a wrong default", "which is no choice", "region", func(f *connector.Field) { f.Default = "moon" }),
	}
}

func accountFlaws() []flaw {
	return slices.Concat(formFlaws(), checkFlaws(), tableFlaws())
}

func formFlaws() []flaw {
	open := func(name, says string, around func(context.Context, connector.Env, opener) (connector.Source, error)) flaw {
		return flaw{name, FormValues, says, func(_ *testing.T, _ *shop, h *Harness) { aroundOpen(h, around) }}
	}
	return []flaw{
		open("takes a form without a token", "accepts a form without", func(ctx context.Context, env connector.Env, next opener) (connector.Source, error) {
			if env.Secrets["token"].Empty() {
				env.Secrets = map[string]connector.Secret{"token": connector.NewSecret("none")}
			}
			return next(ctx, env)
		}),
		open("blames the third party", "refuses the form with cause outage", func(ctx context.Context, env connector.Env, next opener) (connector.Source, error) {
			x, err := next(ctx, env)
			if err != nil {
				err = as(func(f *connector.Fault) { f.Cause = connector.Outage })(err)
			}
			return x, err
		}),
		open("dials at once", "Open dialed", func(ctx context.Context, env connector.Env, next opener) (connector.Source, error) {
			if conn, err := env.Dial(ctx, "tcp", "127.0.0.1:1"); err == nil {
				_ = conn.Close()
			}
			return next(ctx, env)
		}),
		open("panics on an empty form", "Open panics", func(ctx context.Context, env connector.Env, next opener) (connector.Source, error) {
			env.Settings["seen"] = "true"
			return next(ctx, env)
		}),
	}
}

func checkFlaws() []flaw {
	var counter atomic.Int64
	id := func(name, says string, check Check, change func(*connector.Identity)) flaw {
		return flaw{name, check, says, func(_ *testing.T, _ *shop, h *Harness) {
			tamper(h, tampered{check: func(ctx context.Context, next connector.Source) (connector.Identity, error) {
				id, err := next.Check(ctx)
				change(&id)
				return id, err
			}})
		}}
	}
	return []flaw{
		id("no fingerprint", "has no Fingerprint", GoodCheck, func(id *connector.Identity) { id.Fingerprint = "" }),
		id("a new fingerprint each time", "a second Check gives", GoodCheck, func(id *connector.Identity) {
			id.Fingerprint += strings.Repeat("x", int(counter.Add(1)))
		}),
		id("an expiry without a date", "an expiry must say", GoodCheck, func(id *connector.Identity) {
			id.Expiries = []connector.Expiry{{What: "the token", Source: connector.ReadFromCredential}}
		}),
		id("one fingerprint for all", "two accounts have the same", OtherAccount, func(id *connector.Identity) { id.Fingerprint = "account" }),
		id("a fingerprint of the token", "new credentials of the same account change", RotatedCredentials, func(id *connector.Identity) {
			id.Fingerprint += strings.Repeat("x", int(counter.Add(1)))
		}),
		{"dials by itself", GoodCheck, "did not connect through Env.Dial", func(_ *testing.T, _ *shop, h *Harness) {
			aroundOpen(h, func(ctx context.Context, env connector.Env, next opener) (connector.Source, error) {
				env.Dial = (&net.Dialer{}).DialContext
				return next(ctx, env)
			})
		}},
		{"is refused", GoodCheck, "Check: ", func(_ *testing.T, s *shop, _ *Harness) { s.provider.Revoke(token) }},
		{"writes", ReadOnly, "saw a write: POST /visits", func(_ *testing.T, s *shop, h *Harness) {
			tamper(h, tampered{check: func(ctx context.Context, next connector.Source) (connector.Identity, error) {
				req, _ := http.NewRequestWithContext(ctx, http.MethodPost, s.URL()+"/visits", nil)
				resp, err := http.DefaultClient.Do(req)
				if err == nil {
					_ = resp.Body.Close()
				}
				return next.Check(ctx)
			}})
		}},
		{"forgets its place with new credentials", RotatedCredentials, "rows differ", func(_ *testing.T, _ *shop, h *Harness) {
			onOpen(h, func(env connector.Env, next connector.Source) connector.Source {
				if env.Secrets["token"].Reveal() == token {
					return next
				}
				t := eachBatch(goingOn, func(_ int, b *connector.Batch) bool { shorten(b); return true })
				t.Source = next
				return t
			})
		}},
	}
}

func tableFlaws() []flaw {
	of := func(name, says string, change func([]connector.Table) []connector.Table) flaw {
		return flaw{name, TablesListed, says, func(_ *testing.T, _ *shop, h *Harness) { tamper(h, tampered{tables: change}) }}
	}
	first := func(name, says string, change func(*connector.Table)) flaw {
		return of(name, says, func(list []connector.Table) []connector.Table {
			change(&list[0])
			return list
		})
	}
	return []flaw{
		of("none", "Tables lists nothing", func([]connector.Table) []connector.Table { return nil }),
		of("one twice", "two tables", func(list []connector.Table) []connector.Table { return append(list, list[0]) }),
		first("a key that is no column", "which cannot be read", func(t *connector.Table) { t.Key = []string{"uuid"} }),
		first("no key and a method that needs one", "has no key by which", func(t *connector.Table) { t.Key = nil }),
		first("no type", "does not say how", func(t *connector.Table) { t.Columns[1].Type = nil }),
		first("no method", "offers no replication", func(t *connector.Table) { t.Replications = nil }),
		first("an invented method", "undeclared method", func(t *connector.Table) { t.Replications[0].Method = "magic" }),
		first("a lost replication key", "offers modified_at by column", func(t *connector.Table) { t.Replications[0].Column = "touched" }),
		first("a fault about everything", "not about this one table", func(t *connector.Table) {
			t.Fault = &connector.Fault{Code: "teach.denied", Public: "No.", Err: errors.New("denied")}
		}),
	}
}
