package amazonrds

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"github.com/regrant/regrant/connector"
)

// answered is an error of AWS as the SDK gives it.
func answered(code string, status int) error {
	return &smithy.OperationError{ServiceID: "STS", OperationName: "GetCallerIdentity", Err: &awshttp.ResponseError{RequestID: "r-1",
		ResponseError: &smithyhttp.ResponseError{Response: &smithyhttp.Response{Response: &http.Response{StatusCode: status}},
			Err: &smithy.GenericAPIError{Code: code, Message: "the token was canary-in-message"}}}}
}

func TestCredentialFaults(t *testing.T) {
	t.Parallel()
	p := &plan{signIn: withKeys, region: testRegion}
	for code, want := range map[string]struct {
		cause connector.Cause
		code  string
	}{
		"ExpiredToken":                {connector.Expired, "aws_session_expired"},
		"ExpiredTokenException":       {connector.Expired, "aws_session_expired"},
		"InvalidClientTokenId":        {connector.AccessChanged, "aws_key_gone"},
		"UnrecognizedClientException": {connector.AccessChanged, "aws_key_gone"},
		"SignatureDoesNotMatch":       {connector.AccessChanged, "aws_secret_wrong"},
		"IncompleteSignature":         {connector.AccessChanged, "aws_secret_wrong"},
		"RequestExpired":              {connector.Ours, "clock_wrong"},
		"RequestTimeTooSkewed":        {connector.Ours, "clock_wrong"},
		"AccessDenied":                {connector.AccessChanged, "role_refused"},
		"RegionDisabledException":     {connector.AccessChanged, "region_off"},
		"Throttling":                  {connector.Throttled, "aws_throttled"},
		"ServiceUnavailable":          {connector.Outage, "aws_down"},
		"NeverSeenBefore":             {connector.Unknown, "aws_answer_unknown"},
	} {
		f := credentialFault(answered(code, 403), p, 0)
		if f.Cause != want.cause || f.Code != id+"."+want.code || f.Step != connector.StepSignIn || f.Public == "" || f.Facts["aws_code"] != code {
			t.Errorf("%s is %s %s at %s, facts %v", code, f.Cause, f.Code, f.Step, f.Facts)
		}
		if f.Err == nil || strings.Contains(fmt.Sprintf("%+v", f.Err), "canary-in-message") {
			t.Errorf("%s shows what AWS quotes: %v", code, f.Err)
		}
		if (f.Retry > 0) != (want.cause == connector.Throttled || want.cause == connector.Outage) {
			t.Errorf("%s: try again in %s", code, f.Retry)
		}
	}
	if f := credentialFault(answered("SignatureDoesNotMatch", 403), p, -6*time.Minute); f.Cause != connector.Ours || f.Facts["clock_ahead"] != "-6m0s" {
		t.Errorf("with a wrong clock: %s %v", f.Cause, f.Facts)
	}
	if f := credentialFault(errors.New("boom"), p, 0); f.Cause != connector.Unknown {
		t.Errorf("what nobody has seen is %s", f.Cause)
	}
}

// TestReword goes through what the engines' connectors say.
func TestReword(t *testing.T) {
	t.Parallel()
	base := plan{host: testHost, port: "5432", engine: engines()[0], endpoint: parseEndpoint(testHost), signIn: withPassword, env: connector.Env{Settings: map[string]string{}}}
	own := base
	own.ownRoots = true
	stranger := base
	stranger.endpoint = parseEndpoint("db.example.com")
	tunnel := base
	tunnel.env.Settings = map[string]string{"connection": "ssh"}
	for _, c := range []struct {
		name  string
		plan  plan
		given connector.Fault
		cause connector.Cause
		code  string
		word  string
	}{
		{"stopped or shut out", base, connector.Fault{Cause: connector.Outage, Code: "net.timeout"}, connector.Outage, "net.timeout", "security group may not let the address of this Regrant in"},
		{"shut out the bastion", tunnel, connector.Fault{Cause: connector.Outage, Code: "net.timeout"}, connector.Outage, "net.timeout", "let the SSH server in"},
		{"deleted", base, connector.Fault{Cause: connector.Outage, Code: "net.name_not_found"}, connector.Outage, "net.name_not_found", "deleted or renamed"},
		{"restarting", base, connector.Fault{Cause: connector.Outage, Code: "net.refused"}, connector.Outage, "net.refused", "failing over"},
		{"maintenance", base, connector.Fault{Cause: connector.Outage, Code: "postgresql.terminated", Retry: time.Second}, connector.Outage, "postgresql.terminated", "maintenance"},
		{"failover", base, connector.Fault{Cause: connector.Outage, Code: "mysql.not_ready"}, connector.Outage, "mysql.not_ready", "failing over"},
		{"disk full, PostgreSQL", base, connector.Fault{Cause: connector.Outage, Code: "postgresql.server_exhausted", Facts: map[string]string{"sqlstate": "53100"}}, connector.Outage, "amazonrds.storage_full", "storage autoscaling"},
		{"disk full, MySQL", base, connector.Fault{Cause: connector.Outage, Code: "mysql.server_exhausted", Facts: map[string]string{"errno": "1021", "sqlstate": "HY000"}}, connector.Outage, "amazonrds.storage_full", "storage autoscaling"},
		{"memory", base, connector.Fault{Cause: connector.Outage, Code: "postgresql.server_exhausted", Public: "memory", Facts: map[string]string{"sqlstate": "53200"}}, connector.Outage, "postgresql.server_exhausted", "memory"},
		{"an authority we lack", base, connector.Fault{Cause: connector.AccessChanged, Code: "tls.unknown_authority"}, connector.Ours, "amazonrds.authority_unknown", "update it"},
		{"an authority they lack", own, connector.Fault{Cause: connector.AccessChanged, Code: "tls.unknown_authority", Public: "theirs"}, connector.AccessChanged, "tls.unknown_authority", "theirs"},
		{"not Amazon's", stranger, connector.Fault{Cause: connector.AccessChanged, Code: "tls.unknown_authority", Public: "as it was"}, connector.AccessChanged, "tls.unknown_authority", "as it was"},
		{"force_ssl", base, connector.Fault{Cause: connector.AccessChanged, Code: "mysql.tls_demanded"}, connector.AccessChanged, "mysql.tls_demanded", "require_secure_transport"},
		{"plugin", base, connector.Fault{Cause: connector.AccessChanged, Code: "mysql.sign_in_method"}, connector.AccessChanged, "mysql.sign_in_method", "choose IAM"},
		{"connections", base, connector.Fault{Cause: connector.Outage, Code: "mysql.too_many_connections"}, connector.Outage, "mysql.too_many_connections", "max_connections"},
		{"refused", base, connector.Fault{Cause: connector.AccessChanged, Code: "mysql.login_refused", Step: connector.StepSignIn, Public: "as it was"}, connector.AccessChanged, "mysql.login_refused", "as it was"},
		{"rds_iam", base, connector.Fault{Cause: connector.AccessChanged, Code: "postgresql.login_rule", Step: connector.StepSignIn, Facts: map[string]string{"routine": "auth_failed"}}, connector.AccessChanged, "amazonrds.iam_wanted", "rds_iam"},
		{"one table", base, connector.Fault{Cause: connector.AccessChanged, Code: "postgresql.table_denied", Scope: connector.OneTable, Public: "as it was"}, connector.AccessChanged, "postgresql.table_denied", "as it was"},
		{"never seen", base, connector.Fault{Code: "postgresql.unknown", Public: "as it was"}, connector.Unknown, "postgresql.unknown", "as it was"},
	} {
		given := c.given
		given.Err = errors.New("evidence")
		s := &source{plan: &c.plan}
		err := s.translate(context.Background(), fmt.Errorf("wrapped: %w", &given))
		f := connector.FaultOf(err)
		if f.Cause != c.cause || f.Code != c.code || !strings.Contains(f.Public, c.word) || !errors.Is(err, given.Err) {
			t.Errorf("%s: %s %s %q", c.name, f.Cause, f.Code, f.Public)
		}
		if f.Scope == connector.WholeAuthorization && f.Facts["rds_identifier"] != c.plan.endpoint.identifier {
			t.Errorf("%s: facts %v", c.name, f.Facts)
		}
		if c.given.Facts == nil && given.Facts != nil {
			t.Errorf("%s: the engine's own fault was changed", c.name)
		}
	}
}
