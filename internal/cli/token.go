package cli

import (
	"github.com/regrant/regrant/client"
)

type tokenCmd struct {
	List   tokenListCmd   `cmd:"" default:"1" help:"Every API token, without its text."`
	Create tokenCreateCmd `cmd:"" help:"Make an API token; its text is printed only this once."`
	Revoke tokenRevokeCmd `cmd:"" help:"End an API token at once."`
}

type tokenListCmd struct{}

// Run lists API tokens.
func (tokenListCmd) Run(ctx *runContext, a *app) error {
	server, err := a.client(ctx, false)
	if err != nil {
		return err
	}
	all, err := server.Tokens(ctx)
	if err != nil {
		return err
	}
	return a.show(items(all), func() {
		if len(all) == 0 {
			a.say("There are no API tokens. Make one with: regrant token create NAME --role read_only")
			return
		}
		g := grid{fit: a.width(), head: []string{"ID", "FOR", "ROLE", "MADE BY", "LAST USED"}}
		for _, t := range all {
			g.add(t.ID, t.Name, t.Role, t.MadeBy, a.ago(t.LastUsed))
		}
		g.print(a.out)
	})
}

type tokenCreateCmd struct {
	Name string `arg:"" help:"What it is for."`
	Role string `enum:"read_only,standard,admin" default:"read_only" help:"read_only, standard or admin."`
}

// Run makes an API token. Its text alone goes to standard output, so that it
// can be piped to where it is needed.
func (c *tokenCreateCmd) Run(ctx *runContext, a *app) error {
	server, err := a.client(ctx, false)
	if err != nil {
		return err
	}
	made, err := server.CreateToken(ctx, client.NewToken{Name: c.Name, Role: c.Role})
	if err != nil {
		return err
	}
	return a.show(made, func() {
		a.note("The token %s (%s) for %s; it is not shown again:", made.ID, made.Role, printable(made.Name))
		a.say("%s", made.Text)
	})
}

type tokenRevokeCmd struct {
	ID string `arg:"" help:"As token list shows it."`
}

// Run ends an API token.
func (c *tokenRevokeCmd) Run(ctx *runContext, a *app) error {
	server, err := a.client(ctx, false)
	if err != nil {
		return err
	}
	if err := server.RevokeToken(ctx, c.ID); err != nil {
		return err
	}
	return a.show(map[string]string{"revoked": c.ID}, func() { a.say("The token %s opens nothing any more.", printable(c.ID)) })
}
