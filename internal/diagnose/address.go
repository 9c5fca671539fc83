package diagnose

import (
	"net"

	"github.com/regrant/regrant/internal/integration"
)

// AddressOf is the first hop of an integration: its SSH server or its host, as
// host:port; empty where the settings name none.
func AddressOf(in integration.Integration) string {
	s := in.Authorization.Settings
	host, port := s["host"], s["port"]
	if viaSSH(in) {
		host, port = s["ssh_host"], s["ssh_port"]
		if port == "" {
			port = "22"
		}
	}
	if host == "" || port == "" {
		return ""
	}
	return net.JoinHostPort(host, port)
}

func viaSSH(in integration.Integration) bool { return in.Authorization.Settings["connection"] == "ssh" }
