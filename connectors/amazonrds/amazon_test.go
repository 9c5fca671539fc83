package amazonrds

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/regrant/regrant/connector"
)

const (
	testHost   = "shop.abcdefghijkl.eu-central-1.rds.amazonaws.com"
	testRegion = "eu-central-1"
	testKey    = "AKIAEXAMPLEKEY000001"
	testSecret = "canary-secret-access-key-5d1e7b"
	otherKey   = "AKIAEXAMPLEKEY000002"
	otherPlain = "canary-secret-access-key-a94c20"
)

// amazon plays AWS: it knows access keys, judges tokens as RDS does and answers
// as STS does. It shares no code with what signs.
type amazon struct {
	t      testing.TB
	server *httptest.Server

	mu      sync.Mutex
	keys    map[string]string // access key ID → secret; gone: deleted
	ended   map[string]bool   // session keys that have ended
	session map[string]string // access key ID → session token
	roles   map[string]string // ARN → external ID
	policy  bool              // rds-db:connect is allowed
	ahead   time.Duration     // of its clock
	down    bool              // STS does not answer
	asked   int
	life    time.Duration // of a token; 0: 15 minutes

	tokens   []string
	refusals []string
}

func newAmazon(t testing.TB) *amazon {
	t.Helper()
	a := &amazon{t: t, policy: true, keys: map[string]string{testKey: testSecret, otherKey: otherPlain},
		ended: map[string]bool{}, session: map[string]string{}, roles: map[string]string{}}
	a.server = httptest.NewServer(http.HandlerFunc(a.sts))
	t.Cleanup(a.server.Close)
	return a
}

// set changes how AWS behaves.
func (a *amazon) set(change func()) {
	a.mu.Lock()
	defer a.mu.Unlock()
	change()
}

// judge does what RDS does with a token when it arrives.
func (a *amazon) judge(user, token string) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.tokens = append(a.tokens, token)
	who, problem := a.tokenProblem(token)
	if problem != "" {
		a.refusals = append(a.refusals, problem)
	}
	return problem == "" && who == user
}

func (a *amazon) tokenProblem(token string) (user, problem string) {
	u, err := url.Parse("https://" + token)
	if err != nil {
		return "", "no URL"
	}
	q := u.Query()
	key, scope, _ := strings.Cut(q.Get("X-Amz-Credential"), "/")
	date, err := time.Parse("20060102T150405Z", q.Get("X-Amz-Date"))
	given := q.Get("X-Amz-Signature")
	q.Del("X-Amz-Signature")
	want := signature(a.keys[key], scope, q.Get("X-Amz-Date"), strings.Join([]string{"GET", "/", strings.ReplaceAll(q.Encode(), "+", "%20"), "host:" + u.Host, "", "host", digest("")}, "\n"))
	switch {
	case err != nil || q.Get("X-Amz-Expires") != "900" || q.Get("Action") != "connect" || q.Get("X-Amz-SignedHeaders") != "host":
		return "", "malformed"
	case !strings.HasPrefix(u.Host, testHost+":"):
		return "", "for another host"
	case a.keys[key] == "" || a.ended[key] || q.Get("X-Amz-Security-Token") != a.session[key]:
		return "", "the key is not valid"
	case time.Now().Add(a.ahead).Sub(date).Abs() > a.lifeOfToken():
		return "", "out of time"
	case given != want:
		return "", "the signature is wrong"
	case !a.policy:
		return "", "not allowed"
	}
	return q.Get("DBUser"), ""
}

func (a *amazon) lifeOfToken() time.Duration {
	if a.life > 0 {
		return a.life
	}
	return 15 * time.Minute
}

// sts answers GetCallerIdentity and AssumeRole.
func (a *amazon) sts(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(io.LimitReader(r.Body, 1<<16))
	if err != nil {
		return
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.asked++
	form, _ := url.ParseQuery(string(body))
	w.Header().Set("Date", time.Now().Add(a.ahead).UTC().Format(http.TimeFormat))
	w.Header().Set("Content-Type", "text/xml")
	if a.down {
		panic(http.ErrAbortHandler)
	}
	if code := a.requestProblem(r, string(body)); code != "" {
		w.WriteHeader(http.StatusForbidden)
		// The real one quotes the request, too.
		fmt.Fprintf(w, `<ErrorResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><Error><Type>Sender</Type><Code>%s</Code><Message>token %s</Message></Error><RequestId>r-1</RequestId></ErrorResponse>`, code, r.Header.Get("X-Amz-Security-Token"))
		return
	}
	if form.Get("Action") != "AssumeRole" {
		fmt.Fprint(w, `<GetCallerIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><GetCallerIdentityResult><Arn>arn:aws:iam::123456789012:user/regrant</Arn><UserId>AIDA</UserId><Account>123456789012</Account></GetCallerIdentityResult></GetCallerIdentityResponse>`)
		return
	}
	if want, ok := a.roles[form.Get("RoleArn")]; !ok || want != form.Get("ExternalId") {
		w.WriteHeader(http.StatusForbidden)
		fmt.Fprint(w, `<ErrorResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><Error><Type>Sender</Type><Code>AccessDenied</Code><Message>no</Message></Error></ErrorResponse>`)
		return
	}
	a.keys["ASIATAKEN00000000001"], a.session["ASIATAKEN00000000001"] = "taken-secret-77aa", "taken+session/token=="
	fmt.Fprintf(w, `<AssumeRoleResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><AssumeRoleResult><Credentials><AccessKeyId>ASIATAKEN00000000001</AccessKeyId><SecretAccessKey>taken-secret-77aa</SecretAccessKey><SessionToken>taken+session/token==</SessionToken><Expiration>%s</Expiration></Credentials></AssumeRoleResult></AssumeRoleResponse>`,
		time.Now().Add(time.Hour).UTC().Format(time.RFC3339))
}

func (a *amazon) requestProblem(r *http.Request, body string) string {
	const algorithm = "AWS4-HMAC-SHA256 Credential="
	rest, ok := strings.CutPrefix(r.Header.Get("Authorization"), algorithm)
	parts := strings.Split(rest, ", ")
	if !ok || len(parts) != 3 {
		return "IncompleteSignature"
	}
	key, scope, _ := strings.Cut(parts[0], "/")
	headers := strings.Split(strings.TrimPrefix(parts[1], "SignedHeaders="), ";")
	lines := []string{"POST", "/", ""}
	for _, h := range headers {
		value := r.Header.Get(h)
		switch h {
		case "host":
			value = r.Host
		case "content-length":
			value = fmt.Sprint(r.ContentLength)
		}
		lines = append(lines, h+":"+strings.TrimSpace(value))
	}
	lines = append(lines, "", strings.Join(headers, ";"), digest(body))
	switch {
	case a.ended[key]:
		return "ExpiredToken"
	case a.keys[key] == "" || r.Header.Get("X-Amz-Security-Token") != a.session[key]:
		return "InvalidClientTokenId"
	case !slices.Contains(headers, "host") || "Signature="+signature(a.keys[key], scope, r.Header.Get("X-Amz-Date"), strings.Join(lines, "\n")) != parts[2]:
		return "SignatureDoesNotMatch"
	}
	return ""
}

// signature is that of version 4, written down from Amazon's description.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
func signature(secret, scope, date, canonical string) string {
	key := []byte("AWS4" + secret)
	for _, part := range strings.Split(scope, "/") {
		key = keyed(key, part)
	}
	return hex.EncodeToString(keyed(key, strings.Join([]string{"AWS4-HMAC-SHA256", date, scope, digest(canonical)}, "\n")))
}

func keyed(key []byte, text string) []byte {
	h := hmac.New(sha256.New, key)
	h.Write([]byte(text))
	return h.Sum(nil)
}

func digest(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])
}

// env is an authorization that signs in with the first key.
func (a *amazon) env(engine string, port int, ca string) connector.Env {
	return connector.Env{
		Settings: map[string]string{
			"engine": engine, "sign_in": withKeys, "host": "127.0.0.1", "endpoint": testHost, "port": fmt.Sprint(port),
			"user": "suite", "database": "postgres", "tls_ca": ca, "aws_access_key_id": testKey,
		},
		Secrets:  map[string]connector.Secret{"aws_secret_access_key": connector.NewSecret(testSecret)},
		Dial:     (&net.Dialer{}).DialContext,
		Endpoint: func(string) string { return a.server.URL },
	}
}
