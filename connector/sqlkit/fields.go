package sqlkit

import (
	"strconv"

	"github.com/regrant/regrant/connector"
)

// Values of the field "connection".
const (
	Direct = "direct"
	ViaSSH = "ssh"
)

// Headings of the shared fields.
const (
	groupConnection = "Connection"
	groupEncryption = "Encryption"
	groupSSH        = "SSH tunnel"
)

// ConnectionFields are those of every database: host, port, user, password and
// database. A connector may change the texts of its copy.
func ConnectionFields(defaultPort int) []connector.Field {
	return []connector.Field{
		{
			Name: "host", Label: "Host", Group: groupConnection, Required: true, Identity: true, Destination: true, MaxBytes: 255,
			Help: "Name or address of the database server. With an SSH tunnel, as the SSH server sees it: often 127.0.0.1.",
		},
		{
			Name: "port", Label: "Port", Group: groupConnection, Kind: connector.Number, Required: true, Destination: true,
			Default: strconv.Itoa(defaultPort), MaxBytes: 5,
			Help: "The port the database listens on. Leave it as it is unless your administrator changed it.",
		},
		{
			Name: "user", Label: "User", Group: groupConnection, Required: true, MaxBytes: 255,
			Help: "A database user that may only read. The steps beside this form create one.",
		},
		{
			Name: "password", Label: "Password", Group: groupConnection, Secret: true, Required: true, MaxBytes: 4 << 10,
			Help: "The password of that database user. It is stored sealed and never shown again.",
		},
		{
			Name: "database", Label: "Database", Group: groupConnection, Required: true, Identity: true, MaxBytes: 255,
			Help: "The name of the database to read from.",
		},
	}
}

// TLSFields are the choices about encryption between Regrant and the database.
func TLSFields() []connector.Field {
	checked := connector.Condition{Field: "tls_mode", Values: []string{VerifyCA, VerifyFull}}
	used := connector.Condition{Field: "tls_mode", Values: []string{Prefer, Require, VerifyCA, VerifyFull}}
	return []connector.Field{
		{
			Name: "tls_mode", Label: "Encryption", Group: groupEncryption, Kind: connector.Choice, Default: VerifyFull, Destination: true,
			Choices: []connector.Option{
				{Value: VerifyFull, Label: "Encrypted, certificate and name checked"},
				{Value: VerifyCA, Label: "Encrypted, certificate checked, name not"},
				{Value: Require, Label: "Encrypted, nothing checked"},
				{Value: Prefer, Label: "Encrypted if the server can"},
				{Value: Off, Label: "Not encrypted"},
			},
			Help: "Keep the first choice where it works. Inside an SSH tunnel \"encrypted if the server can\" is enough, because the tunnel encrypts, too.",
		},
		{
			Name: "tls_ca", Label: "CA certificate", Group: groupEncryption, Kind: connector.Block, Show: checked, MaxBytes: 256 << 10,
			Help: "Paste the CA certificate in PEM form if your database uses one of its own, as most cloud databases do. Empty: the usual public ones.",
		},
		{
			Name: "tls_server_name", Label: "Name in the certificate", Group: groupEncryption, MaxBytes: 255,
			Show: connector.Condition{Field: "tls_mode", Values: []string{VerifyFull}},
			Help: "Only if it differs from the host above, for instance inside an SSH tunnel.",
		},
		{
			Name: "tls_cert", Label: "Client certificate", Group: groupEncryption, Kind: connector.Block, Show: used, MaxBytes: 64 << 10,
			Help: "Only if your database asks its users for a certificate. PEM form.",
		},
		{
			Name: "tls_key", Label: "Client key", Group: groupEncryption, Kind: connector.Block, Secret: true, Show: used, MaxBytes: 64 << 10,
			Help: "The private key of the client certificate, in PEM form and without a passphrase.",
		},
	}
}

// SSHFields choose between a direct connection and one through an SSH server,
// and say how to log in there. They come before the others in a form.
func SSHFields() []connector.Field {
	ssh := connector.Condition{Field: "connection", Values: []string{ViaSSH}}
	return []connector.Field{
		{
			Name: "connection", Label: "How to connect", Group: groupConnection, Kind: connector.Choice, Default: Direct, Destination: true,
			Choices: []connector.Option{
				{Value: Direct, Label: "Directly"},
				{Value: ViaSSH, Label: "Through an SSH tunnel"},
			},
			Help: "Choose the tunnel if the database cannot be reached from outside, but a server with SSH beside it can.",
		},
		{
			Name: "ssh_host", Label: "SSH host", Group: groupSSH, Required: true, Show: ssh, Destination: true, MaxBytes: 255,
			Help: "Name or address of the SSH server that stands in front of the database.",
		},
		{
			Name: "ssh_port", Label: "SSH port", Group: groupSSH, Kind: connector.Number, Required: true, Default: "22", Show: ssh, Destination: true, MaxBytes: 5,
			Help: "The port of the SSH server, 22 unless your administrator changed it.",
		},
		{
			Name: "ssh_user", Label: "SSH user", Group: groupSSH, Required: true, Show: ssh, MaxBytes: 255,
			Help: "The user on the SSH server. It needs no shell, only the right to forward to the database.",
		},
		{
			Name: "ssh_private_key", Label: "SSH key", Group: groupSSH, Kind: connector.Block, Secret: true, Show: ssh,
			Generate: "ssh-ed25519", MaxBytes: 32 << 10,
			Help: "Regrant makes a key for this connection and shows the public half to add on the SSH server. You can paste a private key of your own instead.",
		},
		{
			Name: "ssh_passphrase", Label: "Passphrase of the key", Group: groupSSH, Secret: true, Show: ssh, MaxBytes: 4 << 10,
			Help: "Only if you pasted a key that is protected by a passphrase.",
		},
		{
			Name: "ssh_password", Label: "SSH password", Group: groupSSH, Secret: true, Show: ssh, MaxBytes: 4 << 10,
			Help: "Only if the SSH server takes passwords and no keys.",
		},
		{
			Name: "ssh_accept_host_key", Label: "Accept a new host key", Group: groupSSH, Show: ssh, MaxBytes: 128, Once: true, Admin: true,
			Help: "Empty, unless the SSH server got a new key: then paste its new fingerprint (SHA256:…) after comparing it with your administrator.",
		},
	}
}
