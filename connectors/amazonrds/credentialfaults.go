package amazonrds

import (
	"context"
	"errors"
	"fmt"
	"time"

	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/smithy-go"

	"github.com/regrant/regrant/connector"
)

// mostSkew is how wrong a clock may be before AWS refuses what it signs.
const mostSkew = 5 * time.Minute

func (p *plan) clockOff(skew time.Duration) bool { return skew.Abs() > mostSkew }

// credentialFault judges what AWS says about the credentials themselves.
// https://docs.aws.amazon.com/STS/latest/APIReference/CommonErrors.html
func credentialFault(err error, p *plan, skew time.Duration) *connector.Fault {
	var known *connector.Fault
	if errors.As(err, &known) { // of the guarded dialer
		return known
	}
	var api smithy.APIError
	if errors.As(err, &api) {
		return answerFault(api, err, p, skew)
	}
	var missing config.SharedConfigProfileNotExistError
	switch {
	case errors.As(err, &missing):
		return signInFault(connector.Ours, "no_profile", err, "This machine has no AWS profile "+p.env.Settings["aws_profile"]+" any more. Whoever runs this Regrant should put it back or enter another one.")
	case isUnreachable(err), errors.Is(err, context.DeadlineExceeded):
		f := signInFault(connector.Outage, "aws_unreachable", err, "AWS itself cannot be reached for credentials at the moment. It is tried again by itself.")
		f.Retry = time.Minute
		return f
	case p.signIn == withMachine:
		return signInFault(connector.Ours, "no_machine_credentials", err, "This machine has no AWS credentials under the profile "+p.env.Settings["aws_profile"]+". Whoever runs this Regrant should look at its role, environment or AWS settings.")
	}
	return signInFault(connector.Unknown, "credentials_unknown", err, "Something happened while getting AWS credentials that Regrant has not seen before. The evidence is kept.")
}

// isUnreachable says that STS was asked and gave no answer. The other service
// that may be asked, for the role of this machine, is on this machine.
func isUnreachable(err error) bool {
	var asked *smithy.OperationError
	var answered *awshttp.ResponseError
	if errors.As(err, &answered) && answered.HTTPStatusCode() != 0 {
		return false
	}
	return errors.As(err, &asked) && asked.Service() == sts.ServiceID
}

// answerFault judges an answer by its code.
func answerFault(api smithy.APIError, err error, p *plan, skew time.Duration) *connector.Fault {
	said := answer(api, err)
	switch code := api.ErrorCode(); code {
	case "ExpiredToken", "ExpiredTokenException":
		return withCode(expired(said), code)
	case "InvalidClientTokenId", "UnrecognizedClientException", "InvalidAccessKeyId", "AuthFailure":
		return withCode(signInFault(connector.AccessChanged, "aws_key_gone", said, "AWS does not know the access key any more: it was deleted, switched off, or belongs to another part of AWS. Ask who looks after your AWS account for a new one and enter it here."), code)
	case "SignatureDoesNotMatch", "InvalidSignatureException", "IncompleteSignature", "RequestExpired", "RequestTimeTooSkewed":
		if p.clockOff(skew) || code == "RequestExpired" || code == "RequestTimeTooSkewed" {
			return withCode(clockFault(skew), code)
		}
		return withCode(signInFault(connector.AccessChanged, "aws_secret_wrong", said, "The secret access key does not belong to the access key ID. Enter both again, as AWS gave them."), code)
	case "AccessDenied", "AccessDeniedException":
		return withCode(signInFault(connector.AccessChanged, "role_refused", said, "AWS does not let us take on the role. Its trust policy must name the key's user or this machine, with the same external ID; and theirs must allow sts:AssumeRole."), code)
	case "RegionDisabledException":
		return withCode(signInFault(connector.AccessChanged, "region_off", said, "The region "+p.region+" is switched off in your AWS account. Ask who looks after it to switch it on."), code)
	case "Throttling", "ThrottlingException", "RequestLimitExceeded", "TooManyRequestsException":
		f := withCode(signInFault(connector.Throttled, "aws_throttled", said, "AWS wants us to ask less often. It goes on by itself."), code)
		f.Retry = time.Minute
		return f
	case "InternalFailure", "InternalError", "ServiceUnavailable", "ServiceFailure":
		f := withCode(signInFault(connector.Outage, "aws_down", said, "AWS has a problem of its own with credentials at the moment. It is tried again by itself."), code)
		f.Retry = time.Minute
		return f
	default:
		return withCode(signInFault(connector.Unknown, "aws_answer_unknown", said, "AWS answered with an error that Regrant does not know. The evidence is kept."), code)
	}
}

// answer is AWS's answer without its text, which may quote the request with
// the session token in it.
func answer(api smithy.APIError, err error) error {
	var resp *awshttp.ResponseError
	if errors.As(err, &resp) {
		return fmt.Errorf("AWS answered %.80q with HTTP status %d, request %.80q", api.ErrorCode(), resp.HTTPStatusCode(), resp.ServiceRequestID())
	}
	return fmt.Errorf("AWS answered %.80q", api.ErrorCode())
}

func withCode(f *connector.Fault, code string) *connector.Fault {
	if f.Facts == nil {
		f.Facts = map[string]string{}
	}
	f.Facts["aws_code"] = code
	return f
}

func expired(err error) *connector.Fault {
	return signInFault(connector.Expired, "aws_session_expired", err, "The temporary AWS keys have ended. Enter new ones, or choose a role or a lasting key, which need nobody each time.")
}

func clockFault(skew time.Duration) *connector.Fault {
	f := signInFault(connector.Ours, "clock_wrong", fmt.Errorf("the clock of this machine is ahead of Amazon's by %s", skew.Round(time.Second)),
		"The clock of this machine is wrong, so AWS refuses what it signs. Whoever runs this Regrant should set it; after that it goes on by itself.")
	f.Facts = map[string]string{"clock_ahead": skew.Round(time.Second).String()}
	return f
}

func signInFault(cause connector.Cause, code string, err error, public string) *connector.Fault {
	return &connector.Fault{Cause: cause, Code: id + "." + code, Step: connector.StepSignIn, Public: public, Err: err}
}
