package amazonrds

import (
	"context"
	"errors"
	"maps"
	"strings"
	"time"

	"github.com/regrant/regrant/connector"
	"github.com/regrant/regrant/connector/sqlkit"
)

// translate adds to a fault of the engine's connector what is known of RDS. A
// fault whose cause is seen differently gets a code of ours; where only the
// text is better, the code stays.
func (s *source) translate(ctx context.Context, err error) error {
	var f *connector.Fault
	if err == nil || !errors.As(err, &f) {
		return err
	}
	if ctx.Err() != nil || f.Scope == connector.OneTable {
		return err
	}
	ours := *f
	ours.Facts = maps.Clone(f.Facts)
	if ours.Facts == nil {
		ours.Facts = map[string]string{}
	}
	maps.Copy(ours.Facts, s.plan.facts())
	if isRefusal(f) {
		return s.refusal(ctx, &ours)
	}
	s.plan.reword(&ours)
	return &ours
}

// bare is the code without the connector's name.
func bare(f *connector.Fault) string {
	_, code, _ := strings.Cut(f.Code, ".")
	return code
}

// isRefusal says that the database refused user and password. RDS for
// PostgreSQL judges tokens by PAM, whose refusal is 28000 and not 28P01.
func isRefusal(f *connector.Fault) bool {
	if f.Step != connector.StepSignIn {
		return false
	}
	return bare(f) == "login_refused" || bare(f) == "login_rule" && f.Facts["routine"] == "auth_failed"
}

// refusal finds out what the database does not tell: AWS says whether the
// credentials are good. If they are, the database or the policy has changed.
func (s *source) refusal(ctx context.Context, f *connector.Fault) error {
	if s.signer == nil {
		s.plan.passwordRefused(f)
		return f
	}
	if failed := s.signer.fault(); failed != nil {
		return failed
	}
	aws, told := s.signer.whose(ctx)
	switch {
	case told && aws != nil:
		maps.Copy(f.Facts, aws.Facts)
		f.Cause, f.Code, f.Public, f.Err = aws.Cause, aws.Code, aws.Public, errors.Join(aws.Err, f.Err)
	case told:
		f.Cause, f.Code = connector.AccessChanged, id+".iam_denied"
		f.Facts["aws_credentials"] = "good"
		f.Public = "AWS knows our credentials, but the database refuses the user. One of these is gone: the permission rds-db:connect for this user in the IAM policy, " +
			"IAM authentication on the instance, or the user itself" + grantHint(s.plan.engine.value) + ". The steps beside the form show all of them."
	default:
		f.Cause, f.Code = connector.AccessChanged, id+".iam_refused"
		f.Facts["aws_credentials"] = "not known: AWS could not be asked"
		f.Public = "The database refuses the user with IAM, and AWS could not be asked why. Either the AWS credentials are not valid any more, or the IAM policy, " +
			"IAM authentication on the instance or the user" + grantHint(s.plan.engine.value) + " has changed. Ask who looks after your AWS account."
	}
	return f
}

func grantHint(engine string) string {
	if engine == "postgresql" {
		return " or its role rds_iam"
	}
	return " or its AWSAuthenticationPlugin"
}

// passwordRefused knows why a good password can be refused on RDS.
func (p *plan) passwordRefused(f *connector.Fault) {
	if bare(f) == "login_rule" {
		f.Code = id + ".iam_wanted"
		f.Public = "RDS does not take a password from this user, most likely because it was granted rds_iam: from then on only IAM counts. Choose IAM here, or ask for: REVOKE rds_iam FROM the role."
	}
}

// reword says in the words of RDS what happened.
func (p *plan) reword(f *connector.Fault) {
	switch code := bare(f); {
	case f.Code == "net.timeout":
		f.Public = "The instance does not answer. It may be stopped, its security group may not let " + p.comesFrom() + " in any more, or it is not publicly accessible. Regrant tries again by itself."
	case f.Code == "net.name_not_found":
		f.Public = "Amazon does not know the name " + p.host + " at the moment. If this lasts, the instance or cluster was deleted or renamed; the RDS console shows its endpoint. Regrant tries again by itself."
	case f.Code == "net.refused":
		f.Public = "The instance refuses connections on port " + p.port + ". It may be restarting or failing over, which takes a minute or two, or it listens on another port. Regrant tries again by itself."
	case f.Code == "tls.unknown_authority" && !p.ownRoots && p.endpoint.kind != elsewhere:
		f.Cause, f.Code = connector.Ours, id+".authority_unknown"
		f.Public = "The certificate of the instance comes from an authority of Amazon's that this Regrant does not know yet. Whoever runs it should update it; until then, the region's certificate bundle can be pasted as the CA certificate."
	case code == "server_exhausted" && isDiskFull(f):
		f.Code = id + ".storage_full"
		f.Public = "The storage of the instance is full. It is tried again by itself; raise the allocated storage, or switch on storage autoscaling, in the RDS console."
	case code == "terminated", code == "not_ready", code == "crashed", code == "offline":
		f.Public = "The instance is restarting, failing over or in maintenance, which usually takes a minute or two. It is tried again by itself."
		f.Retry = max(f.Retry, 30*time.Second)
	case code == "too_many_connections":
		f.Public = "The instance has no free connection. It is tried again by itself; if it lasts, the parameter max_connections or the class of the instance is too small, or RDS Proxy would help."
	case code == "tls_demanded":
		f.Public = "The instance takes encrypted connections only (rds.force_ssl or require_secure_transport). Choose an encryption here that checks the certificate."
	case code == "sign_in_method", code == "plain_password":
		f.Public = "The user signs in by a method that does not fit. If it was made with AWSAuthenticationPlugin, choose IAM here; else ask for a user with a password."
	}
}

func (p *plan) comesFrom() string {
	if p.env.Settings["connection"] == sqlkit.ViaSSH {
		return "the SSH server"
	}
	return "the address of this Regrant"
}

// isDiskFull knows PostgreSQL's and MySQL's numbers for it.
func isDiskFull(f *connector.Fault) bool {
	if f.Facts["sqlstate"] == "53100" {
		return true
	}
	switch f.Facts["errno"] {
	case "1021", "1114", "28", "3":
		return true
	}
	return false
}
