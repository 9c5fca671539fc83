package amazonrds

import (
	"encoding/json"
	"strings"

	"github.com/regrant/regrant/connector"
	"github.com/regrant/regrant/connector/sqlkit"
)

// guide is what the person does in the database and in AWS, with the names
// typed so far.
func guide(values map[string]string) []connector.Instruction {
	e, ok := engineOf(values["engine"])
	if !ok {
		e = engines()[0]
	}
	at := parseEndpoint(or(values["endpoint"], values["host"]))
	port := or(values["port"], e.port)
	if strings.Trim(port, "0123456789") != "" {
		port = e.port
	}
	steps := engineSteps(e, values)
	if e.iam && (values["sign_in"] == withKeys || values["sign_in"] == withMachine) {
		steps = append([]connector.Instruction{userStep(e, values)}, iamSteps(at, values)...)
		steps = append(steps, sqlkit.BastionGuide(values)...)
	}
	return append(steps, networkStep(values, port))
}

// engineSteps are those of the engine's own form, without what nobody can do
// on RDS: there is no file to edit.
func engineSteps(e engine, values map[string]string) []connector.Instruction {
	var steps []connector.Instruction
	for _, step := range e.definition.Forms[0].Guide(values) {
		if !strings.Contains(step.Text, "pg_hba.conf") {
			steps = append(steps, step)
		}
	}
	return steps
}

func userStep(e engine, values map[string]string) connector.Instruction {
	user, database := or(values["user"], "pull_ro"), or(values["database"], "shop")
	step := connector.Instruction{Title: "Create a user that signs in with IAM and may only read", Lang: "sql",
		Text: "Run this as the master user. No password is needed: IAM decides."}
	if e.value == "postgresql" {
		step.Text += " Once a role has rds_iam, a password that it may have does not count any more."
		u := quoted(user, `"`)
		step.Code = strings.Join([]string{
			"CREATE ROLE " + u + " LOGIN CONNECTION LIMIT 6;",
			"GRANT rds_iam TO " + u + ";",
			"ALTER ROLE " + u + " SET default_transaction_read_only = on;",
			"GRANT CONNECT ON DATABASE " + quoted(database, `"`) + " TO " + u + ";",
			"GRANT USAGE ON SCHEMA public TO " + u + ";",
			"GRANT SELECT ON ALL TABLES IN SCHEMA public TO " + u + ";",
		}, "\n")
		return step
	}
	u := "'" + strings.NewReplacer("'", "''", `\`, `\\`).Replace(user) + "'@'%'"
	step.Code = "CREATE USER " + u + " IDENTIFIED WITH AWSAuthenticationPlugin AS 'RDS'\n  REQUIRE SSL WITH MAX_USER_CONNECTIONS 6;\n" +
		"GRANT SELECT, SHOW VIEW ON " + quoted(database, "`") + ".* TO " + u + ";"
	return step
}

func quoted(s, mark string) string { return mark + strings.ReplaceAll(s, mark, mark+mark) + mark }

func iamSteps(at endpoint, values map[string]string) []connector.Instruction {
	return []connector.Instruction{
		{Title: "Switch IAM authentication on", Lang: "sh", Code: switchOn(at, values),
			Text: "Once for each instance or cluster; the RDS console has it under Modify, Database authentication. It needs no restart."},
		{Title: "Allow it to sign in, and nothing else", Lang: "text", Code: policy(at, values),
			Text: "Attach this policy to the IAM user or role. Put the number of your AWS account in place of 123456789012 and the resource ID of the database, which the RDS console shows under Configuration, in place of " +
				resource(at) + ". With a role to take on, its trust policy must name who takes it on, and an external ID if that is another company."},
	}
}

func regionOf(at endpoint, values map[string]string) string {
	region := or(at.region, strings.TrimSpace(values["region"]))
	if !isRegion(region) {
		return "REGION"
	}
	return region
}

func switchOn(at endpoint, values map[string]string) string {
	name := at.identifier
	if !isWord(name) || strings.HasPrefix(name, "-") {
		name = "NAME"
	}
	what := "instance"
	if at.kind == writer || at.kind == reader || at.kind == custom {
		what = "cluster"
		if at.kind == custom { // the name is that of the group, not of the cluster
			name = "NAME"
		}
	}
	return "aws rds modify-db-" + what + " --region " + regionOf(at, values) + " --db-" + what + "-identifier " + name + " --enable-iam-database-authentication --apply-immediately"
}

// resource is how the resource ID of the database begins.
func resource(at endpoint) string {
	switch at.kind {
	case writer, reader, custom, global, shards:
		return "cluster-ABCDEFGHIJKL"
	case proxy:
		return "prx-ABCDEFGHIJKL"
	default:
		return "db-ABCDEFGHIJKL"
	}
}

func policy(at endpoint, values map[string]string) string {
	region := regionOf(at, values)
	type statement struct {
		Effect   string
		Action   string
		Resource string
	}
	document := struct {
		Version   string
		Statement []statement
	}{"2012-10-17", []statement{{"Allow", "rds-db:connect",
		"arn:" + partitionOf(region) + ":rds-db:" + region + ":123456789012:dbuser:" + resource(at) + "/" + or(values["user"], "pull_ro")}}}
	text, err := json.MarshalIndent(document, "", "  ")
	if err != nil {
		return "" // texts always encode
	}
	return string(text)
}

// networkStep opens the way to the database.
func networkStep(values map[string]string, port string) connector.Instruction {
	if values["connection"] == sqlkit.ViaSSH {
		return connector.Instruction{Title: "Let the SSH server through to the database", Lang: "sh",
			Text: "Put the security group of the database and that of the SSH server in place. The database need not be publicly accessible.",
			Code: "aws ec2 authorize-security-group-ingress --group-id sg-DATABASE --protocol tcp --port " + port + " --source-group sg-SSH-SERVER"}
	}
	return connector.Instruction{Title: "Let Regrant through to the database", Lang: "sh",
		Text: "Put the security group of the database in place, and the address that Regrant connects from in place of 203.0.113.7. The instance must be publicly accessible; if it must not be, choose an SSH tunnel.",
		Code: "aws ec2 authorize-security-group-ingress --group-id sg-DATABASE --protocol tcp --port " + port + " --cidr 203.0.113.7/32"}
}
