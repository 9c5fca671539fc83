package amazonrds

import (
	"maps"
	"net"
	"strconv"
	"strings"
	"testing"

	"github.com/regrant/regrant/connector"
	"github.com/regrant/regrant/connector/sqlkit"
	"github.com/regrant/regrant/internal/testservers/ssh"
	"github.com/regrant/regrant/internal/testservers/tds"
)

// TestThroughSSH signs in with IAM at the far end of a tunnel: the token is for
// Amazon's name, whatever the bastion calls the database.
func TestThroughSSH(t *testing.T) {
	t.Parallel()
	b := setup(t)
	private, public, err := sqlkit.GenerateKey()
	must(t, err)
	bastion := ssh.Start(t, ssh.WithAuthorizedKeys(sqlkit.AuthorizedKeysLine(public, b.Address())))
	env := b.iamEnv()
	maps.Copy(env.Settings, map[string]string{"connection": "ssh", "ssh_host": "127.0.0.1", "ssh_port": strconv.Itoa(bastion.Port()), "ssh_user": bastion.User()})
	env.Secrets["ssh_private_key"] = private
	id, err := check(t, env)
	must(t, err)
	if len(id.Trust) == 0 || id.Facts["tls"] != "true" {
		t.Errorf("trust %v, facts %v", id.Trust, id.Facts)
	}
	if !strings.HasPrefix(b.tokens[0], testHost+":"+strconv.Itoa(b.Port())+"?") {
		t.Error("the token is for another address")
	}
	b.set(func() { b.policy = false })
	_, err = check(t, env)
	wantFault(t, err, connector.AccessChanged, "amazonrds.iam_denied")
}

// TestSQLServer signs in with a password, as SQL Server on RDS wants it.
func TestSQLServer(t *testing.T) {
	t.Parallel()
	db := tds.NewDatabase("shop")
	db.AddUser("pull_ro", &tds.User{Password: canary})
	server := &tds.Server{Backend: db}
	must(t, server.Start())
	t.Cleanup(server.Stop)
	env := connector.Env{
		Settings: map[string]string{"engine": "sqlserver", "host": "127.0.0.1", "endpoint": testHost, "port": strconv.Itoa(server.Port()), "user": "pull_ro", "database": "shop", "tls_mode": "off"},
		Secrets:  map[string]connector.Secret{"password": connector.NewSecret(canary)},
		Dial:     (&net.Dialer{}).DialContext,
	}
	id, err := check(t, env)
	must(t, err)
	if id.Facts["rds_engine"] != "sqlserver" || id.Facts["rds_identifier"] != "shop" {
		t.Errorf("facts %v", id.Facts)
	}
	env.Secrets = map[string]connector.Secret{"password": connector.NewSecret(rotated)}
	_, err = check(t, env)
	wantFault(t, err, connector.AccessChanged, "sqlserver.login_refused")
}
