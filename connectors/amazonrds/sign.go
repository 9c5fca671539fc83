package amazonrds

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/feature/rds/auth"

	"github.com/regrant/regrant/connector"
)

// signer makes the token of each sign-in. A token holds for 15 minutes and for
// opening sessions only, so none is kept.
type signer struct {
	plan *plan

	mu      sync.Mutex
	armed   bool
	account *account         // made when it is first needed
	failed  *connector.Fault // why the last token could not be made
}

// unsigned is what the engine's connector sees while it looks at the values of
// the form: making a token may need the network, and Open dials nothing.
const unsigned = "signed-when-signing-in"

// credentialTime bounds getting new credentials in the middle of a reading.
const credentialTime = 15 * time.Second

// arm makes tokens real, once the form has been looked at.
func (s *signer) arm() {
	if s == nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.armed = true
}

// token is the password of one sign-in. It has nowhere to return an error to:
// an empty password is refused, and fault then tells why.
func (s *signer) token() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.armed {
		return unsigned
	}
	ctx, cancel := context.WithTimeout(context.Background(), credentialTime)
	defer cancel()
	token, err := s.sign(ctx)
	s.failed = s.verdict(err)
	if err != nil {
		return ""
	}
	return token
}

func (s *signer) sign(ctx context.Context) (string, error) {
	a, err := s.open(ctx)
	if err != nil {
		return "", err
	}
	p := s.plan
	token, err := auth.BuildAuthToken(ctx, p.signedFor(), p.region, p.env.Settings["user"], a.credentials)
	if err != nil {
		return "", fmt.Errorf("sign a token: %w", err)
	}
	return token, nil
}

// open gives the account, made at the first call.
func (s *signer) open(ctx context.Context) (*account, error) {
	if s.account != nil {
		return s.account, nil
	}
	a, err := newAccount(ctx, s.plan)
	if err != nil {
		return nil, err
	}
	s.account = a
	return a, nil
}

// prepare gets the credentials while the caller's context is at hand, so that
// what is wrong with them is told before the database is asked.
func (s *signer) prepare(ctx context.Context) error {
	if s == nil {
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.failed = nil
	a, err := s.open(ctx)
	if err == nil {
		_, err = a.credentials.Retrieve(ctx)
	}
	if f := s.verdict(err); f != nil {
		return f
	}
	if ends := s.plan.ends; !ends.IsZero() && time.Now().After(ends) {
		return expired(fmt.Errorf("the temporary keys ended at %s", ends.Format(time.RFC3339)))
	}
	return nil
}

func (s *signer) verdict(err error) *connector.Fault {
	if err == nil {
		return nil
	}
	if s.account == nil {
		return credentialFault(err, s.plan, 0)
	}
	return credentialFault(err, s.plan, s.account.skew())
}

// fault is why the last token could not be made; nil if it could.
func (s *signer) fault() *connector.Fault {
	if s == nil {
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.failed
}

// whose asks AWS whether the credentials are good, which the database does not
// say. A nil fault means they are; ok is false when AWS did not tell.
func (s *signer) whose(ctx context.Context) (f *connector.Fault, ok bool) {
	s.mu.Lock()
	a, err := s.open(ctx)
	s.mu.Unlock()
	if err != nil {
		return nil, false
	}
	err = a.ask(ctx)
	if s.plan.clockOff(a.skew()) {
		return clockFault(a.skew()), true
	}
	if err == nil {
		return nil, true
	}
	f = credentialFault(err, s.plan, a.skew())
	return f, f.Cause == connector.Expired || f.Cause == connector.AccessChanged
}

// static keys are kept by the person; everything else renews itself.
func (p *plan) provider() aws.CredentialsProvider {
	return aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
		return aws.Credentials{
			AccessKeyID:     p.env.Settings["aws_access_key_id"],
			SecretAccessKey: p.env.Secrets["aws_secret_access_key"].Reveal(),
			SessionToken:    p.env.Secrets["aws_session_token"].Reveal(),
			Source:          "the form",
		}, nil
	})
}
