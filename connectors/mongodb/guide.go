package mongodb

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/regrant/regrant/connector"
	"github.com/regrant/regrant/connector/sqlkit"
)

// guide is what the person runs on the server, with the names typed so far.
func guide(values map[string]string) []connector.Instruction {
	user, database, source := or(values["user"], "pull_ro"), or(values["database"], "shop"), or(values["auth_source"], "admin")
	steps := []connector.Instruction{
		{Title: "Create a user that may only read", Lang: "text", Code: userScript(user, database, source),
			Text: "Run this in mongosh as an administrator. It asks for a password; enter a long random one, and the same one here."},
		{Title: "On Atlas instead", Lang: "text", Code: fmt.Sprintf("Database Access > Add New Database User\n  Password authentication: %s\n  Specific privileges: read @ %s", oneLine(user), oneLine(database)),
			Text: "Users of Atlas are made on its pages. Then take the cluster's name from Connect > Drivers, the part after the @, as the host here."},
		letIn(),
	}
	return append(steps, sqlkit.BastionGuide(values)...)
}

// certificateGuide is the same for a user whose certificate says who it is.
func certificateGuide(values map[string]string) []connector.Instruction {
	database := or(values["database"], "shop")
	steps := []connector.Instruction{
		{Title: "Create a user for the certificate", Lang: "text",
			Code: fmt.Sprintf("db.getSiblingDB(\"$external\").runCommand({\n  createUser: \"CN=pull_ro,OU=apps,O=example\",\n  roles: [ { role: \"read\", db: %s } ]\n})", quote(database)),
			Text: "Run this in mongosh as an administrator. Put the subject of your certificate in place of the example: openssl x509 -in client.pem -noout -subject -nameopt RFC2253 shows it."},
		letIn(),
	}
	return append(steps, sqlkit.BastionGuide(values)...)
}

func letIn() connector.Instruction {
	return connector.Instruction{Title: "Let Regrant in", Text: "Allow the address that Regrant connects from in the firewall, in net.bindIp, or on Atlas under Network Access. Atlas answers nothing at all to an address that is not on its list."}
}

func userScript(user, database, source string) string {
	return fmt.Sprintf("db.getSiblingDB(%s).createUser({\n  user: %s,\n  pwd: passwordPrompt(),\n  roles: [ { role: \"read\", db: %s } ]\n})", quote(source), quote(user), quote(database))
}

// quote writes a string of JavaScript; JSON's are such strings.
func quote(s string) string {
	b, err := json.Marshal(s)
	if err != nil {
		return `""`
	}
	return string(b)
}

// oneLine keeps a name on one line.
func oneLine(s string) string { return strings.Join(strings.Fields(s), " ") }
