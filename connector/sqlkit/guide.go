package sqlkit

import (
	"fmt"
	"net"
	"strings"

	"github.com/regrant/regrant/connector"
)

// keyPlaceholder stands where the public key goes while it is not known.
const keyPlaceholder = "PUBLIC_KEY_FROM_THE_FORM"

// BastionGuide is what the administrator of the SSH server runs, built from
// the values typed so far. values["ssh_private_key"], if there, is the public
// half of the key. It is nil for a direct connection.
func BastionGuide(values map[string]string) []connector.Instruction {
	if values["connection"] != ViaSSH {
		return nil
	}
	user := oneOf(values["ssh_user"], "pulltunnel")
	line := AuthorizedKeysLine(values["ssh_private_key"], net.JoinHostPort(oneOf(values["host"], "127.0.0.1"), oneOf(values["port"], "DATABASE_PORT")))
	return []connector.Instruction{
		{
			Title: "Let Regrant through the SSH server",
			Text:  "Run this as root on the SSH server. The user gets no shell and reaches nothing but the database.",
			Code:  bastionScript(user, line),
			Lang:  "sh",
		},
		{
			Title: "Check the settings of the SSH server",
			Text: "AllowTcpForwarding must not be \"no\", and AllowUsers or AllowGroups, if set, must let " + user +
				" in. A firewall must let this Regrant reach the SSH port.",
			Code: "sshd -T | grep -iE 'allowtcpforwarding|allowusers|allowgroups'",
			Lang: "sh",
		},
	}
}

// AuthorizedKeysLine is the line for authorized_keys that permits forwarding
// to the database and nothing else.
func AuthorizedKeysLine(publicKey, database string) string {
	return fmt.Sprintf(`restrict,port-forwarding,permitopen="%s" %s`, strings.ReplaceAll(database, `"`, ""), oneOf(strings.TrimSpace(publicKey), keyPlaceholder))
}

func bastionScript(user, line string) string {
	u, l := shellQuote(user), shellQuote(line)
	home := `"$(getent passwd ` + u + ` | cut -d: -f6)"`
	return strings.Join([]string{
		"id " + u + " >/dev/null 2>&1 || useradd --create-home --shell /usr/sbin/nologin " + u,
		"cd " + home,
		"install -d -m 700 -o " + u + " -g \"$(id -gn " + u + ")\" .ssh",
		"echo " + l + " >> .ssh/authorized_keys",
		"chown " + u + ": .ssh/authorized_keys && chmod 600 .ssh/authorized_keys",
	}, "\n")
}

// shellQuote makes one word of s for sh. Everything is quoted that could mean
// anything else: the text is pasted into a root shell.
func shellQuote(s string) string {
	s = strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return -1
		}
		return r
	}, s)
	if s != "" && strings.Trim(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-") == "" && s[0] != '-' {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}

func oneOf(s, otherwise string) string {
	if s == "" {
		return otherwise
	}
	return s
}
