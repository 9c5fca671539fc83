package postgresql

import (
	"strings"
	"testing"

	"github.com/regrant/regrant/connector"
	"github.com/regrant/regrant/internal/testservers/postgres"
)

// TestGuide pastes the guide into a server, with names that need quotes, and
// signs in as the role that it made.
func TestGuide(t *testing.T) {
	t.Parallel()
	const role, database = `pull "ro"; --`, "My Shop"
	b := bundle{postgres.Start(t), t}
	b.run(`CREATE DATABASE "My Shop"`, "CREATE ROLE app_owner")
	b.ExecDB(t, database, "CREATE TABLE orders (id int PRIMARY KEY)", "GRANT CREATE ON SCHEMA public TO app_owner")
	steps := guide(map[string]string{"user": role, "database": database, "host": "127.0.0.1", "port": "5432", "tls_mode": "verify-full"})
	for _, step := range steps {
		if step.Title == "" || step.Text == "" {
			t.Errorf("a step without words: %+v", step)
		}
		if step.Lang != "sql" || strings.Contains(step.Title, "Only if") {
			continue
		}
		for _, statement := range strings.Split(strings.TrimSpace(step.Code), "\n") {
			b.ExecDB(t, database, statement)
		}
	}
	b.ExecDB(t, database, "SET ROLE app_owner; CREATE TABLE later (id int PRIMARY KEY)")
	env := b.env()
	env.Settings["user"], env.Settings["database"] = role, database
	env.Secrets = map[string]connector.Secret{"password": connector.NewSecret("long-random")}
	s := openEnv(t, env)
	if _, err := s.Check(testContext(t)); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"public.orders", "public.later"} {
		if table := tableOf(t, s, name); table.Fault != nil {
			t.Errorf("%s: %v", name, table.Fault)
		}
	}
	if !strings.Contains(steps[2].Code, `hostssl "My Shop" "pull ""ro""; --"`) {
		t.Errorf("the line for pg_hba.conf: %s", steps[2].Code)
	}
}
