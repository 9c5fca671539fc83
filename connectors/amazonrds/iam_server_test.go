package amazonrds

import (
	"context"
	"fmt"
	"maps"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/regrant/regrant/connector"
	"github.com/regrant/regrant/internal/testservers/pki"
)

func testContext(t testing.TB) context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	t.Cleanup(cancel)
	return ctx
}

func openEnv(t testing.TB, env connector.Env) connector.Source {
	t.Helper()
	s, err := Definition.Open(context.Background(), env)
	must(t, err)
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func check(t testing.TB, env connector.Env) (connector.Identity, error) {
	t.Helper()
	return openEnv(t, env).Check(testContext(t))
}

// wantFault holds a fault against what it should be; no token, key or secret
// may show in it.
func wantFault(t testing.TB, err error, cause connector.Cause, code string) *connector.Fault {
	t.Helper()
	if err == nil {
		t.Fatalf("no error, want %s", code)
	}
	f := connector.FaultOf(err)
	if f.Cause != cause || f.Code != code || f.Public == "" || f.Err == nil {
		t.Errorf("fault %s %s at %s: %v, want %s %s", f.Cause, f.Code, f.Step, f.Err, cause, code)
	}
	text := fmt.Sprintf("%+v %s %v %+v", err, f.Public, f.Facts, f)
	for _, secret := range []string{testSecret, otherPlain, "X-Amz-Signature", "taken-secret", "taken+session", canary, "session-token"} {
		if strings.Contains(text, secret) {
			t.Errorf("%s shows %s: %s", code, secret, text)
		}
	}
	return f
}

// TestFreshToken outlives a token: what holds for 15 minutes on RDS holds for
// two seconds here.
func TestFreshToken(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.set(func() { b.life = 2 * time.Second })
	s := openEnv(t, b.iamEnv())
	_, err := s.Check(testContext(t))
	must(t, err)
	old := b.tokens[0]
	limit := time.After(20 * time.Second)
	for tick := time.NewTicker(50 * time.Millisecond); b.judge("suite", old); {
		select {
		case <-tick.C:
		case <-limit:
			t.Fatal("the old token never ends")
		}
	}
	if _, err := s.Check(testContext(t)); err != nil {
		t.Errorf("after the first token has ended: %v", err)
	}
	if last := b.tokens[len(b.tokens)-1]; last == old {
		t.Error("the old token was used again")
	}
}

// TestRefusedPassword is the other number that a database has for a refusal:
// 28P01. The role's password is a token of another time.
func TestRefusedPassword(t *testing.T) {
	t.Parallel()
	b := setup(t)
	must(t, b.SetHBA(testContext(t), "hostssl all stale 127.0.0.1/32 password"))
	b.Exec(t, "CREATE ROLE stale LOGIN PASSWORD 'a token of yesterday' VALID UNTIL '2020-01-01'")
	env := with(b.iamEnv(), "user", "stale")
	_, err := check(t, env)
	f := wantFault(t, err, connector.AccessChanged, "amazonrds.iam_denied")
	if f.Facts["sqlstate"] != "28P01" || f.Facts["aws_credentials"] != "good" || f.Facts["rds_region"] != testRegion {
		t.Errorf("the evidence: %v", f.Facts)
	}
	// The role now takes what is signed at this moment, for three seconds.
	p, err := newPlan(env)
	must(t, err)
	mine := &signer{plan: p}
	mine.arm()
	env.Dial = func(ctx context.Context, network, address string) (net.Conn, error) {
		if address == b.Address() {
			must(t, b.ExecIn(ctx, "postgres", "DO $$ BEGIN EXECUTE format('ALTER ROLE stale PASSWORD %L VALID UNTIL %L', '"+mine.token()+"', now() + interval '3 s'); END $$"))
		}
		return (&net.Dialer{}).DialContext(ctx, network, address)
	}
	for attempt := 1; ; attempt++ { // a second may begin between both signings
		id, err := check(t, env)
		if err == nil && id.User == "stale" {
			return
		}
		if attempt == 3 {
			t.Fatalf("the role does not take a fresh token: %v", err)
		}
	}
}

func TestIdentity(t *testing.T) {
	t.Parallel()
	b := setup(t)
	id, err := check(t, b.iamEnv())
	must(t, err)
	for name, want := range map[string]string{"rds_endpoint": testHost, "rds_endpoint_kind": "instance", "rds_identifier": "shop", "rds_region": testRegion, "rds_engine": "postgresql", "rds_sign_in": withKeys, "tls": "true"} {
		if id.Facts[name] != want {
			t.Errorf("fact %s is %q, want %q", name, id.Facts[name], want)
		}
	}
	if id.User != "suite" || !strings.Contains(strings.Join(id.Warnings, "\n"), "lasting one") {
		t.Errorf("user %s, warnings %q", id.User, id.Warnings)
	}
}

// TestTemporaryKeys signs with keys that end.
func TestTemporaryKeys(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.set(func() {
		b.keys["ASIATEMPORARY0000001"], b.session["ASIATEMPORARY0000001"] = testSecret, "session-token/+=="
	})
	env := with(b.iamEnv(), "aws_access_key_id", "ASIATEMPORARY0000001")
	env.Secrets = map[string]connector.Secret{"aws_secret_access_key": connector.NewSecret(testSecret), "aws_session_token": connector.NewSecret("session-token/+==")}
	ends := time.Now().Add(time.Hour).UTC().Truncate(time.Second)
	id, err := check(t, with(env, "aws_session_ends", ends.Format(time.RFC3339)))
	must(t, err)
	if len(id.Expiries) != 1 || !id.Expiries[0].At.Equal(ends) || id.Expiries[0].Source != connector.ReadFromCredential {
		t.Errorf("expiries: %+v", id.Expiries)
	}
	id, err = check(t, env)
	must(t, err)
	if !strings.Contains(strings.Join(id.Warnings, "\n"), "nobody knows here when they end") {
		t.Errorf("warnings: %q", id.Warnings)
	}
	asked := len(b.tokens)
	_, err = check(t, with(env, "aws_session_ends", "2020-01-01T00:00:00Z"))
	wantFault(t, err, connector.Expired, "amazonrds.aws_session_expired")
	if len(b.tokens) != asked {
		t.Error("the database is asked with keys that have ended")
	}
	b.set(func() { b.ended["ASIATEMPORARY0000001"] = true })
	_, err = check(t, env)
	f := wantFault(t, err, connector.Expired, "amazonrds.aws_session_expired")
	if f.Facts["aws_code"] != "ExpiredToken" || f.Facts["routine"] != "auth_failed" {
		t.Errorf("the evidence: %v", f.Facts)
	}
}

func TestRole(t *testing.T) {
	t.Parallel()
	b := setup(t)
	const role = "arn:aws:iam::123456789012:role/pull"
	b.set(func() { b.roles[role] = "partner-7" })
	env := with(with(b.iamEnv(), "aws_role", role), "aws_external_id", "partner-7")
	s := openEnv(t, env)
	for range 2 {
		if _, err := s.Check(testContext(t)); err != nil {
			t.Fatal(err)
		}
	}
	if b.asked != 1 {
		t.Errorf("the role is taken on %d times", b.asked)
	}
	if !strings.Contains(b.tokens[0], "ASIATAKEN") || !strings.Contains(b.tokens[0], "X-Amz-Security-Token") {
		t.Error("the token is not signed as the role")
	}
	_, err := check(t, with(env, "aws_external_id", "another"))
	wantFault(t, err, connector.AccessChanged, "amazonrds.role_refused")
	b.set(func() { delete(b.keys, testKey) })
	_, err = check(t, env)
	wantFault(t, err, connector.AccessChanged, "amazonrds.aws_key_gone")
	b.set(func() { b.keys[testKey], b.down = testSecret, true })
	_, err = check(t, env)
	if f := wantFault(t, err, connector.Outage, "amazonrds.aws_unreachable"); f.Retry == 0 {
		t.Error("no time to try again")
	}
	b.set(func() { b.down = false })
	stopped, cancel := context.WithCancel(context.Background())
	cancel()
	_, err = openEnv(t, env).Check(stopped)
	wantFault(t, err, connector.Ours, "amazonrds.cancelled")
}

// TestMachine uses what the AWS tools on this machine would use.
func TestMachine(t *testing.T) {
	b := setup(t)
	dir := t.TempDir()
	file := filepath.Join(dir, "credentials")
	must(t, os.WriteFile(file, []byte("[pull]\naws_access_key_id = "+testKey+"\naws_secret_access_key = "+testSecret+"\n"), 0o600))
	for name, value := range map[string]string{"AWS_SHARED_CREDENTIALS_FILE": file, "AWS_CONFIG_FILE": filepath.Join(dir, "none"), "AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": "", "AWS_PROFILE": "",
		"AWS_CONTAINER_CREDENTIALS_RELATIVE_URI": "", "AWS_CONTAINER_CREDENTIALS_FULL_URI": "", "AWS_WEB_IDENTITY_TOKEN_FILE": "", "AWS_EC2_METADATA_DISABLED": "", "AWS_CA_BUNDLE": ""} {
		t.Setenv(name, value)
	}
	env := with(with(b.iamEnv(), "sign_in", withMachine), "aws_profile", "pull")
	env.Secrets = nil
	delete(env.Settings, "aws_access_key_id")
	id, err := check(t, env)
	must(t, err)
	if id.Facts["rds_sign_in"] != withMachine || !strings.Contains(b.tokens[0], testKey) {
		t.Errorf("facts: %v", id.Facts)
	}
	_, err = check(t, with(env, "aws_profile", "gone"))
	wantFault(t, err, connector.Ours, "amazonrds.no_profile")

	// The role of the machine lies behind an address that operators guard.
	guarded := with(env, "aws_profile", "default")
	refused := &connector.Fault{Cause: connector.Ours, Code: "egress.refused", Step: connector.StepReach, Public: "Not allowed.", Err: os.ErrPermission}
	var dialled []string
	guarded.Dial = func(_ context.Context, _, address string) (net.Conn, error) {
		dialled = append(dialled, address)
		return nil, refused
	}
	_, err = check(t, guarded)
	wantFault(t, err, connector.Ours, "egress.refused")
	if len(dialled) == 0 || !strings.HasPrefix(dialled[0], "169.254.169.254:") {
		t.Errorf("dialled %v", dialled)
	}
	// So does that of a container.
	dialled = nil
	t.Setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", "http://127.0.0.1:1/role")
	_, err = check(t, guarded)
	wantFault(t, err, connector.Ours, "egress.refused")
	if len(dialled) == 0 || dialled[0] != "127.0.0.1:1" {
		t.Errorf("dialled %v", dialled)
	}
	t.Setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", "")
	t.Setenv("AWS_EC2_METADATA_DISABLED", "true")
	_, err = check(t, with(env, "aws_profile", "default"))
	wantFault(t, err, connector.Ours, "amazonrds.no_machine_credentials")
}

// TestPasswordOnRDS is about what RDS does to passwords and encryption.
func TestPasswordOnRDS(t *testing.T) {
	t.Parallel()
	b := setup(t)
	_, err := check(t, with(b.passwordEnv(canary), "user", "suite"))
	wantFault(t, err, connector.AccessChanged, "amazonrds.iam_wanted")
	_, err = check(t, with(b.passwordEnv(canary), "tls_mode", "off"))
	if f := wantFault(t, err, connector.AccessChanged, "postgresql.tls_demanded"); !strings.Contains(f.Public, "rds.force_ssl") {
		t.Error(f.Public)
	}
	own := b.passwordEnv(canary)
	own.Settings = maps.Clone(own.Settings)
	delete(own.Settings, "tls_ca")
	_, err = check(t, own)
	wantFault(t, err, connector.Ours, "amazonrds.authority_unknown")
	_, err = check(t, with(own, "tls_ca", otherCA(t)))
	wantFault(t, err, connector.AccessChanged, "tls.unknown_authority")
	b.Exec(t, "ALTER ROLE plain CONNECTION LIMIT 0")
	_, err = check(t, b.passwordEnv(canary))
	if f := wantFault(t, err, connector.Outage, "postgresql.too_many_connections"); !strings.Contains(f.Public, "max_connections") || f.Facts["rds_identifier"] != "shop" {
		t.Error(f.Public, f.Facts)
	}
}

func otherCA(t *testing.T) string {
	t.Helper()
	ca, err := pki.NewCA("another")
	must(t, err)
	return string(ca.PEM())
}
