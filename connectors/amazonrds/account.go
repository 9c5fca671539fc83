package amazonrds

import (
	"context"
	"fmt"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials/endpointcreds"
	"github.com/aws/aws-sdk-go-v2/credentials/stscreds"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/smithy-go/logging"
)

// account is the AWS side of an authorization.
type account struct {
	credentials aws.CredentialsProvider
	sts         *sts.Client
	clock       *clock
}

// newAccount dials nothing; credentials are got when they are asked for. All
// requests go through the guarded dialer, also those for the role of the
// machine: whoever runs Regrant must allow the address 169.254.169.254.
func newAccount(ctx context.Context, p *plan) (*account, error) {
	a := &account{clock: &clock{next: transport(p)}}
	client := &http.Client{Transport: a.clock, Timeout: 10 * time.Second, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	base := p.provider()
	if p.signIn == withMachine {
		cfg, err := machine(ctx, p, client)
		if err != nil {
			return nil, err
		}
		base = cfg.Credentials
	}
	a.credentials = base
	a.sts = stsClient(p, base, client)
	if role := p.env.Settings["aws_role"]; role != "" {
		taken := stscreds.NewAssumeRoleProvider(a.sts, role, func(o *stscreds.AssumeRoleOptions) {
			o.RoleSessionName = "regrant"
			if external := p.env.Settings["aws_external_id"]; external != "" {
				o.ExternalID = &external
			}
		})
		a.credentials = aws.NewCredentialsCache(taken)
		a.sts = stsClient(p, a.credentials, client)
	}
	return a, nil
}

// machine reads what the AWS tools on this machine would use.
//
// The client is not one of the SDK's own kind: of those the SDK replaces the
// dialer on the way to the metadata service. The price is that AWS_CA_BUNDLE is
// refused.
func machine(ctx context.Context, p *plan, client *http.Client) (aws.Config, error) {
	options := []func(*config.LoadOptions) error{config.WithRegion(p.region), config.WithHTTPClient(client), config.WithRetryMaxAttempts(2), config.WithLogger(logging.Nop{}),
		config.WithEndpointCredentialOptions(func(o *endpointcreds.Options) { o.HTTPClient = client })}
	if profile := p.env.Settings["aws_profile"]; profile != "default" {
		options = append(options, config.WithSharedConfigProfile(profile))
	}
	cfg, err := config.LoadDefaultConfig(ctx, options...)
	if err != nil {
		return aws.Config{}, fmt.Errorf("read the AWS settings of this machine: %w", err)
	}
	return cfg, nil
}

func stsClient(p *plan, credentials aws.CredentialsProvider, client *http.Client) *sts.Client {
	base := p.env.Endpoint("https://sts." + p.region + "." + domain(partitionOf(p.region)))
	return sts.New(sts.Options{Region: p.region, Credentials: credentials, HTTPClient: client, BaseEndpoint: &base, RetryMaxAttempts: 2})
}

// ask proves the credentials with the one call that needs no permission.
func (a *account) ask(ctx context.Context) error {
	_, err := a.sts.GetCallerIdentity(ctx, &sts.GetCallerIdentityInput{})
	return err //nolint:wrapcheck // classified right away
}

// skew is by how much our clock is ahead of Amazon's; 0 while nobody asked.
func (a *account) skew() time.Duration { return time.Duration(a.clock.ahead.Load()) }

func transport(p *plan) http.RoundTripper {
	return &http.Transport{DialContext: p.env.Dial, TLSHandshakeTimeout: 10 * time.Second, ResponseHeaderTimeout: 10 * time.Second, DisableKeepAlives: true}
}

// clock compares our time with the one in Amazon's answers. A token that is
// signed by a wrong clock is refused without a reason.
type clock struct {
	next  http.RoundTripper
	ahead atomic.Int64
}

func (c *clock) RoundTrip(r *http.Request) (*http.Response, error) {
	resp, err := c.next.RoundTrip(r)
	if err != nil {
		return nil, err //nolint:wrapcheck // a transport adds nothing
	}
	if theirs, err := http.ParseTime(resp.Header.Get("Date")); err == nil {
		c.ahead.Store(int64(time.Since(theirs)))
	}
	return resp, nil
}
