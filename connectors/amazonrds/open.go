package amazonrds

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net"
	"strings"
	"time"
	"unicode"

	"github.com/regrant/regrant/connector"
	"github.com/regrant/regrant/connector/sqlkit"
)

// open checks the values, dials nothing, and opens the engine's connector.
func open(ctx context.Context, env connector.Env) (connector.Source, error) {
	p, err := newPlan(env)
	if err != nil {
		return nil, err
	}
	s := &source{plan: p}
	inner := p.innerEnv()
	if p.iam() {
		s.signer = &signer{plan: p}
		inner.Secrets["password"] = connector.NewSecretFunc(s.signer.token)
	}
	s.inner, err = p.engine.definition.Open(ctx, inner)
	if err != nil {
		return nil, err
	}
	s.signer.arm()
	return s.withPowers(), nil
}

// plan is what the values of the form mean.
type plan struct {
	env      connector.Env
	engine   engine
	signIn   string
	host     string // as dialled
	port     string
	endpoint endpoint // as Amazon calls it
	realPort string   // at Amazon; another one than port at the end of some tunnels
	region   string
	mode     string // of TLS
	roots    string // PEM of what is trusted; empty: nothing is checked
	rootsEnd time.Time
	ownRoots bool // the person brought them
	ends     time.Time
}

func (p *plan) iam() bool { return p.signIn != withPassword }

func newPlan(env connector.Env) (*plan, error) {
	env.Settings, env.Secrets = maps.Clone(env.Settings), maps.Clone(env.Secrets)
	if env.Log == nil {
		env.Log = slog.New(slog.DiscardHandler)
	}
	if env.Endpoint == nil {
		env.Endpoint = func(fallback string) string { return fallback }
	}
	p := &plan{env: env, signIn: or(env.Settings["sign_in"], withPassword), host: strings.TrimSpace(env.Settings["host"]), mode: or(env.Settings["tls_mode"], sqlkit.VerifyFull)}
	if env.Dial == nil {
		return nil, formFault("dial", "Regrant was set up without a way to the network. Please report it.", errors.New("no dialer"))
	}
	var ok bool
	if p.engine, ok = engineOf(env.Settings["engine"]); !ok {
		return nil, formFault("engine", "Choose one of the engines.", errors.New("the engine is missing or unknown"))
	}
	p.port = or(strings.TrimSpace(env.Settings["port"]), p.engine.port)
	name, port, err := net.SplitHostPort(strings.TrimSpace(env.Settings["endpoint"]))
	if err != nil {
		name, port = env.Settings["endpoint"], ""
	}
	p.endpoint, p.realPort = parseEndpoint(or(name, p.host)), or(port, p.port)
	p.region = or(strings.ToLower(strings.TrimSpace(env.Settings["region"])), p.endpoint.region)
	for _, step := range []func() error{p.checkSignIn, p.checkKeys, p.chooseRoots} {
		if err := step(); err != nil {
			return nil, err
		}
	}
	return p, nil
}

// checkSignIn looks at what signing in with IAM needs.
func (p *plan) checkSignIn() error {
	switch p.signIn {
	case withPassword:
		return nil
	case withKeys, withMachine:
	default:
		return formFault("sign_in", "Choose one of the ways to sign in.", errors.New("the way to sign in is unknown"))
	}
	switch {
	case !p.engine.iam:
		return formFault("sign_in", "Amazon does not sign in to "+p.engine.label+" with IAM. Choose the password of a database user.", errors.New("the engine has no IAM authentication"))
	case p.mode != sqlkit.VerifyFull && p.mode != sqlkit.VerifyCA:
		return formFault("tls_mode", "With IAM the token travels in plain text inside the encryption, so Regrant sends it to a server only whose certificate was checked. Choose an encryption that checks the certificate.",
			fmt.Errorf("IAM with TLS mode %q", p.mode))
	case p.endpoint.kind == elsewhere:
		return formFault("endpoint", "Tokens are signed for Amazon's name of the database. Enter the one that ends in rds.amazonaws.com.", errors.New("the endpoint is no name of Amazon's"))
	case !isRegion(p.region):
		return formFault("region", "Enter the region of the database, for instance eu-central-1.", errors.New("the region is missing or malformed"))
	}
	return nil
}

// checkKeys looks at the access key, or at the name of the profile.
func (p *plan) checkKeys() error {
	s := p.env.Settings
	if p.signIn == withMachine && !isName(s["aws_profile"]) {
		return formFault("aws_profile", "Enter the name of a profile of this machine, or \"default\".", errors.New("the profile is missing or malformed"))
	}
	if p.iam() && s["aws_role"] != "" && !strings.HasPrefix(s["aws_role"], "arn:aws") {
		return formFault("aws_role", "Enter the ARN of the role: it begins with \"arn:aws\".", errors.New("the role is no ARN"))
	}
	if p.signIn != withKeys {
		return nil
	}
	if !isWord(s["aws_access_key_id"]) {
		return formFault("aws_access_key_id", "Enter the access key ID as AWS shows it, for instance AKIA followed by 16 letters and digits.", errors.New("the access key ID is missing or malformed"))
	}
	for name, label := range map[string]string{"aws_secret_access_key": "secret access key", "aws_session_token": "session token"} {
		secret := p.env.Secrets[name]
		if name == "aws_secret_access_key" && secret.Empty() || strings.ContainsAny(secret.Reveal(), " \t\r\n\x00") {
			return formFault(name, "Enter the "+label+" again, without spaces or line breaks.", errors.New("the "+label+" is missing or malformed"))
		}
	}
	if strings.HasPrefix(s["aws_access_key_id"], "ASIA") && p.env.Secrets["aws_session_token"].Empty() {
		return formFault("aws_session_token", "This is a temporary access key. Enter the session token that came with it.", errors.New("a temporary key without its session token"))
	}
	if text := strings.TrimSpace(s["aws_session_ends"]); text != "" {
		ends, err := time.Parse(time.RFC3339, text)
		if err != nil {
			return formFault("aws_session_ends", "Enter the end as it came with the temporary keys, for instance 2026-11-25T18:00:00Z.", errors.New("the end of the session is no time"))
		}
		p.ends = ends.UTC()
	}
	return nil
}

// chooseRoots takes what the person pasted, else what is known of the region.
func (p *plan) chooseRoots() error {
	p.roots, p.ownRoots = p.env.Settings["tls_ca"], p.env.Settings["tls_ca"] != ""
	if p.ownRoots || p.mode != sqlkit.VerifyFull && p.mode != sqlkit.VerifyCA {
		return nil
	}
	p.roots, p.rootsEnd = rootsFor(p.endpoint, p.endpoint.region)
	if p.roots == "" {
		return formFault("tls_ca", "Regrant does not bring Amazon's certificates for "+p.endpoint.region+". Download the certificate bundle of that region from Amazon and paste it as the CA certificate.",
			errors.New("no root certificates for this region"))
	}
	return nil
}

// innerEnv is what the engine's connector gets: the values of its own form.
func (p *plan) innerEnv() connector.Env {
	env := p.env
	env.Settings, env.Secrets = map[string]string{}, map[string]connector.Secret{}
	for _, f := range p.engine.definition.Forms[0].Fields {
		if v, ok := p.env.Settings[f.Name]; ok && !f.Secret {
			env.Settings[f.Name] = v
		}
		if v, ok := p.env.Secrets[f.Name]; ok && f.Secret {
			env.Secrets[f.Name] = v
		}
	}
	env.Settings["host"], env.Settings["port"] = p.host, p.port
	env.Settings["tls_ca"], env.Settings["tls_mode"] = p.roots, p.mode
	env.Settings["tls_server_name"] = or(p.env.Settings["tls_server_name"], p.endpoint.name)
	return env
}

// signedFor is the address in a token: Amazon's name, never that of a tunnel.
func (p *plan) signedFor() string { return net.JoinHostPort(p.endpoint.name, p.realPort) }

func isRegion(s string) bool {
	return strings.Count(s, "-") >= 2 && isWord(s)
}

// isWord says that s is a short name of harmless characters.
func isWord(s string) bool {
	return s != "" && len(s) <= 128 && strings.Trim(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-") == ""
}

// isName is more generous: names that people give.
func isName(s string) bool {
	return strings.TrimSpace(s) != "" && len(s) <= 128 && !strings.ContainsFunc(s, unicode.IsControl)
}

func formFault(field, public string, err error) *connector.Fault {
	return &connector.Fault{Cause: connector.Invalid, Code: id + ".form_" + field, Step: connector.StepForm, Public: public, Err: err}
}

func or(s, otherwise string) string {
	if s == "" {
		return otherwise
	}
	return s
}
