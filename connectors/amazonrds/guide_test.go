package amazonrds

import (
	"encoding/json"
	"strings"
	"testing"
)

// TestGuide pastes the guide into a server that has Amazon's role, with names
// that need quotes, and signs in as the role that it made.
func TestGuide(t *testing.T) {
	t.Parallel()
	b := setup(t)
	const user = `pull "ro"; --`
	b.Exec(t, "CREATE ROLE rds_iam", `CREATE DATABASE "My Shop"`)
	values := map[string]string{"engine": "postgresql", "sign_in": withKeys, "host": testHost, "user": user, "database": "My Shop"}
	for _, step := range guide(values) {
		if step.Title == "" || step.Text == "" {
			t.Errorf("a step without words: %+v", step)
		}
		if step.Lang != "sql" {
			continue
		}
		for _, statement := range strings.Split(step.Code, "\n") {
			b.ExecDB(t, "My Shop", statement)
		}
	}
	must(t, b.SetHBA(testContext(t), "hostssl all all 127.0.0.1/32 ldap ldapserver=127.0.0.1 ldapport="+b.directory+` ldapprefix="cn=" ldapsuffix=",dc=rds"`))
	id, err := check(t, with(with(b.iamEnv(), "user", user), "database", "My Shop"))
	must(t, err)
	if id.User != user {
		t.Errorf("signed in as %s", id.User)
	}
}

func TestPolicy(t *testing.T) {
	t.Parallel()
	for host, want := range map[string]string{
		testHost: "arn:aws:rds-db:eu-central-1:123456789012:dbuser:db-ABCDEFGHIJKL/o'dd\"user",
		"shop.cluster-ro-abcdefghijkl.us-gov-west-1.rds.amazonaws.com": "arn:aws-us-gov:rds-db:us-gov-west-1:123456789012:dbuser:cluster-ABCDEFGHIJKL/o'dd\"user",
		"pool.proxy-abcdefghijkl.us-east-1.rds.amazonaws.com":          "arn:aws:rds-db:us-east-1:123456789012:dbuser:prx-ABCDEFGHIJKL/o'dd\"user",
		"shop.abcdefghijkl.rds.cn-north-1.amazonaws.com.cn":            "arn:aws-cn:rds-db:cn-north-1:123456789012:dbuser:db-ABCDEFGHIJKL/o'dd\"user",
		"$(reboot)": "arn:aws:rds-db:REGION:123456789012:dbuser:db-ABCDEFGHIJKL/o'dd\"user",
	} {
		steps := guide(map[string]string{"engine": "mysql", "sign_in": withMachine, "host": host, "user": `o'dd"user`, "port": "1; reboot", "region": "$(reboot)"})
		var document struct {
			Statement []struct{ Effect, Action, Resource string }
		}
		for _, step := range steps {
			if step.Lang == "text" {
				must(t, json.Unmarshal([]byte(step.Code), &document))
			}
			if step.Lang == "sh" && strings.ContainsAny(step.Code, "$();'\"\n") {
				t.Errorf("%s: not for pasting: %s", host, step.Code)
			}
		}
		if len(document.Statement) != 1 || document.Statement[0].Resource != want || document.Statement[0].Action != "rds-db:connect" {
			t.Errorf("%s: %+v, want %s", host, document.Statement, want)
		}
	}
}

// TestGuideTellsWhatFits wants no step that nobody can take on RDS.
func TestGuideTellsWhatFits(t *testing.T) {
	t.Parallel()
	for _, e := range engines() {
		for _, signIn := range []string{withPassword, withKeys, withMachine} {
			var all strings.Builder
			for _, step := range guide(map[string]string{"engine": e.value, "sign_in": signIn, "host": testHost, "user": "pull_ro", "database": "shop"}) {
				all.WriteString(step.Title + step.Text + step.Code + "\n")
			}
			text := all.String()
			if strings.Contains(text, "pg_hba.conf") || !strings.Contains(text, "authorize-security-group-ingress") || !strings.Contains(text, "--port "+e.port+" ") {
				t.Errorf("%s with %s: %s", e.value, signIn, text)
			}
			iam := signIn != withPassword && e.iam
			if iam != strings.Contains(text, "rds-db:connect") || iam != strings.Contains(text, "--enable-iam-database-authentication") ||
				(iam && e.value == "postgresql") != strings.Contains(text, `GRANT rds_iam TO "pull_ro"`) || (iam && e.value != "postgresql") != strings.Contains(text, "AWSAuthenticationPlugin") && iam {
				t.Errorf("%s with %s: %s", e.value, signIn, text)
			}
		}
	}
}
