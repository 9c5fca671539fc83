package diagnose_test

import (
	"context"
	"errors"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/regrant/regrant/connector"
	"github.com/regrant/regrant/internal/diagnose"
	"github.com/regrant/regrant/internal/integration"
)

// outside is a network in which addresses are up or down.
type outside struct {
	mu    sync.Mutex
	up    map[string]bool
	dials atomic.Int64
}

func newOutside(up ...string) *outside {
	o := &outside{up: map[string]bool{}}
	o.set(true, up...)
	return o
}

func (o *outside) set(up bool, addresses ...string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, a := range addresses {
		o.up[a] = up
	}
}

func (o *outside) dial(_ context.Context, _, address string) (net.Conn, error) {
	o.dials.Add(1)
	o.mu.Lock()
	defer o.mu.Unlock()
	if !o.up[address] {
		return nil, errors.New("refused")
	}
	near, far := net.Pipe()
	return near, far.Close()
}

func (o *outside) lookup(_ context.Context, host string) ([]string, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if !o.up[host] {
		return nil, &net.DNSError{Err: "no", Name: host}
	}
	return []string{"192.0.2.1"}, nil
}

func (o *outside) config(t *testing.T, controls ...string) diagnose.Config {
	t.Helper()
	return diagnose.Config{Controls: controls, Dial: o.dial, Lookup: o.lookup, DataDir: t.TempDir()}
}

// unreachable is the failure of a database at db.example:5432.
func unreachable() integration.Failure {
	return integration.Failure{
		Integration: integration.Integration{ID: "i1", Connector: "postgresql", Authorization: integration.Authorization{
			Settings: map[string]string{"host": "db.example", "port": "5432"},
		}},
		Fault: &connector.Fault{Cause: connector.Outage, Code: "net.timeout", Step: connector.StepReach, Public: "down", Err: errors.New("timeout")},
		At:    time.Now(), WorkedAt: time.Now().Add(-time.Hour),
	}
}

func TestTheirOutageAndOurs(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		o := newOutside("c1:443", "c2:443", "c1", "c2", "db.example")
		d := diagnose.New(o.config(t, "c1:443", "c2:443"))
		d.Learn(t.Context())
		time.Sleep(time.Minute) // virtual
		if v := d.Diagnose(t.Context(), unreachable()); v.Cause != connector.Outage || v.Confidence != integration.Certain {
			t.Errorf("controls answer: %s, %s", v.Cause, v.Confidence)
		}
		o.set(false, "c1:443", "c2:443")
		time.Sleep(time.Minute)
		v := d.Diagnose(t.Context(), unreachable())
		if v.Cause != connector.Ours || v.Shared != "own.egress" {
			t.Errorf("controls are silent: %s, shared %q\n%+v", v.Cause, v.Shared, v.Evidence)
		}
		o.set(false, "c1", "c2", "db.example")
		time.Sleep(time.Minute)
		failure := unreachable()
		failure.Fault.Code = "net.name_lookup_failed"
		if v := d.Diagnose(t.Context(), failure); v.Shared != "own.dns" {
			t.Errorf("no name can be looked up: %s, shared %q", v.Cause, v.Shared)
		}
	})
}

func TestControlThatNeverWorkedSaysNothing(t *testing.T) {
	t.Parallel()
	o := newOutside()
	d := diagnose.New(o.config(t, "c1:443"))
	d.Learn(t.Context())
	if v := d.Diagnose(t.Context(), unreachable()); v.Cause != connector.Outage {
		t.Errorf("judged %s on a control that never answered", v.Cause)
	}
}

func TestWhatWorkedIsKeptOverRestarts(t *testing.T) {
	t.Parallel()
	o := newOutside("c1:443")
	config := o.config(t, "c1:443")
	diagnose.New(config).Learn(t.Context())
	o.set(false, "c1:443")
	if v := diagnose.New(config).Diagnose(t.Context(), unreachable()); v.Cause != connector.Ours {
		t.Errorf("after a restart it is judged %s", v.Cause)
	}
}

func TestNeighbourServesAsControl(t *testing.T) {
	t.Parallel()
	for _, up := range []bool{true, false} {
		o := newOutside()
		o.set(up, "other.example:5432")
		config := o.config(t)
		config.Neighbours = func(context.Context) []diagnose.Target {
			return []diagnose.Target{
				{Integration: "i2", Address: "other.example:5432", WorkedAt: time.Now().Add(-time.Minute)},
				{Integration: "i3", Address: "never.example:5432"},
				{Integration: "i4", Address: "db.example:5432", WorkedAt: time.Now()}, // the one in question
			}
		}
		want := connector.Ours
		if up {
			want = connector.Outage
		}
		if v := diagnose.New(config).Diagnose(t.Context(), unreachable()); v.Cause != want {
			t.Errorf("the neighbour is up: %t; judged %s\n%+v", up, v.Cause, v.Evidence)
		}
	}
}

func TestProbesAreBoundedInTime(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		hang := func(ctx context.Context, _, _ string) (net.Conn, error) {
			<-ctx.Done()
			return nil, ctx.Err()
		}
		o := newOutside("db.example", "c1")
		config := o.config(t, "c1:443", "c2:443", "c3:443")
		config.Dial = hang
		began := time.Now()
		v := diagnose.New(config).Diagnose(t.Context(), unreachable())
		if took := time.Since(began); took > 5*time.Second {
			t.Errorf("took %s", took)
		}
		if v.Cause != connector.Outage {
			t.Errorf("judged %s", v.Cause)
		}
	})
}

func TestFailuresThatComeTogetherShareALook(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		o := newOutside("c1:443")
		d := diagnose.New(o.config(t, "c1:443"))
		var all sync.WaitGroup
		for range 50 {
			all.Go(func() {
				f := unreachable()
				f.Integration.Authorization.Settings = nil
				d.Diagnose(t.Context(), f)
			})
		}
		all.Wait()
		if n := o.dials.Load(); n != 1 {
			t.Errorf("%d connections to one control", n)
		}
	})
}

func TestNoProbesWhereTheThirdPartyHasSpoken(t *testing.T) {
	t.Parallel()
	o := newOutside("c1:443")
	d := diagnose.New(o.config(t, "c1:443"))
	refused := unreachable()
	refused.Fault = &connector.Fault{Cause: connector.AccessChanged, Code: "postgresql.login_refused", Step: connector.StepSignIn, Public: "no", Err: errors.New("no")}
	table := unreachable()
	table.Fault = &connector.Fault{Cause: connector.Outage, Code: "x", Scope: connector.OneTable, Table: "t", Public: "no", Err: errors.New("no")}
	for _, f := range []integration.Failure{refused, table} {
		d.Diagnose(t.Context(), f)
	}
	if n := o.dials.Load(); n != 0 {
		t.Errorf("%d connections were made", n)
	}
}

func TestClockThatWentBackIsNoticed(t *testing.T) {
	t.Parallel()
	o := newOutside("c1:443")
	config := o.config(t, "c1:443")
	now := time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)
	config.Now = func() time.Time { return now }
	diagnose.New(config).Learn(t.Context())
	now = now.Add(-48 * time.Hour)
	f := unreachable()
	f.Fault = &connector.Fault{Cause: connector.AccessChanged, Code: "tls.server_certificate_not_yet_valid", Step: connector.StepTrust, Public: "no", Err: errors.New("no")}
	if v := diagnose.New(config).Diagnose(t.Context(), f); v.Cause != connector.Ours || v.Shared != "own.clock" {
		t.Errorf("judged %s, shared %q", v.Cause, v.Shared)
	}
}

func TestUnreadableMemoryIsLearntAnew(t *testing.T) {
	t.Parallel()
	o := newOutside("c1:443")
	config := o.config(t, "c1:443")
	file := filepath.Join(config.DataDir, "controls.json")
	if err := os.WriteFile(file, []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	diagnose.New(config).Learn(t.Context())
	text, err := os.ReadFile(file)
	if err != nil || !strings.Contains(string(text), "c1:443") {
		t.Errorf("kept %q, %v", text, err)
	}
}

func TestTrialFilesAreRemoved(t *testing.T) {
	t.Parallel()
	o := newOutside()
	config := o.config(t)
	diagnose.New(config).Diagnose(t.Context(), unreachable())
	left, err := filepath.Glob(filepath.Join(config.DataDir, ".probe-*"))
	if err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

func TestAddressOf(t *testing.T) {
	t.Parallel()
	for want, settings := range map[string]map[string]string{
		"db:5432":      {"host": "db", "port": "5432", "connection": "direct", "ssh_host": "bastion"},
		"bastion:22":   {"host": "db", "port": "5432", "connection": "ssh", "ssh_host": "bastion"},
		"bastion:2222": {"host": "db", "port": "5432", "connection": "ssh", "ssh_host": "bastion", "ssh_port": "2222"},
		"[::1]:5432":   {"host": "::1", "port": "5432"},
		"":             {"account": "x"},
	} {
		if got := diagnose.AddressOf(integration.Integration{Authorization: integration.Authorization{Settings: settings}}); got != want {
			t.Errorf("%v: %q, want %q", settings, got, want)
		}
	}
}

// TestShutdownIsNoEvidence: probes that a shutdown cuts short blame nobody.
func TestShutdownIsNoEvidence(t *testing.T) {
	t.Parallel()
	o := newOutside("c1:443")
	config := o.config(t, "c1:443")
	d := diagnose.New(config)
	d.Learn(t.Context())
	config.Dial = func(ctx context.Context, _, _ string) (net.Conn, error) {
		<-ctx.Done()
		return nil, ctx.Err()
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if v := diagnose.New(config).Diagnose(ctx, unreachable()); v.Cause != connector.Outage {
		t.Errorf("judged %s", v.Cause)
	}
}
