package integration

import (
	"context"
	"errors"
	"iter"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"

	"github.com/regrant/regrant/connector"
)

// memoryStore is a Store in memory; its contract is the one storetest checks
// of the real ones.
type memoryStore struct {
	mu        sync.Mutex
	records   map[string]Record
	incidents map[string]Incident
	gaps      map[string]Gap
	events    []Event
	conflicts int // so many Applies of an integration conflict first
}

func newMemoryStore() *memoryStore {
	return &memoryStore{records: map[string]Record{}, incidents: map[string]Incident{}, gaps: map[string]Gap{}}
}

func (m *memoryStore) Apply(_ context.Context, c *Change) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if c.Remove != "" {
		delete(m.records, c.Remove)
	}
	if c.Integration != nil {
		if m.conflicts > 0 {
			m.conflicts--
			return ErrConflict
		}
		r := m.records[c.Integration.ID]
		if r.Integration.Revision != c.Integration.Revision {
			return ErrConflict
		}
		for id, other := range m.records {
			if id != c.Integration.ID && other.Integration.Slug == c.Integration.Slug {
				return ErrTaken
			}
		}
		c.Integration.Revision++
		r.Integration = *c.Integration
		m.records[c.Integration.ID] = r
	}
	for _, t := range c.Tables {
		r := m.records[t.Integration]
		r.Tables = append(slices.DeleteFunc(slices.Clone(r.Tables), func(o Table) bool { return o.Name == t.Name }), t)
		slices.SortFunc(r.Tables, func(a, b Table) int {
			if a.Name < b.Name {
				return -1
			}
			return 1
		})
		m.records[t.Integration] = r
	}
	for _, i := range c.Incidents {
		m.incidents[i.ID] = i
	}
	for _, g := range c.Gaps {
		m.gaps[g.ID] = g
	}
	if c.Pull != nil {
		r := m.records[c.Pull.Integration]
		r.LastPull = c.Pull
		if c.Pull.Outcome == Succeeded || c.Pull.Outcome == Partly {
			r.LastGood = c.Pull
		}
		m.records[c.Pull.Integration] = r
	}
	m.events = append(m.events, c.Events...)
	return nil
}

func (m *memoryStore) Record(_ context.Context, idOrSlug string) (Record, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for id, r := range m.records {
		if id == idOrSlug || r.Integration.Slug == idOrSlug {
			return m.whole(r), nil
		}
	}
	return Record{}, ErrNotFound
}

func (m *memoryStore) whole(r Record) Record {
	for _, id := range slices.Sorted(maps.Keys(m.incidents)) {
		if i := m.incidents[id]; i.Integration == r.Integration.ID && i.Open() {
			r.Incidents = append(r.Incidents, i)
		}
	}
	for _, id := range slices.Sorted(maps.Keys(m.gaps)) {
		if g := m.gaps[id]; g.Integration == r.Integration.ID && g.Open() {
			r.Gaps = append(r.Gaps, g)
		}
	}
	return r
}

func (m *memoryStore) Records(context.Context) ([]Record, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	var all []Record
	for _, r := range m.records {
		all = append(all, m.whole(r))
	}
	return all, nil
}

func (m *memoryStore) Due(_ context.Context, now time.Time) (pulls, probes []string, err error) {
	return nil, nil, nil
}
func (m *memoryStore) Events(context.Context, Filter) ([]Event, error)       { return m.events, nil }
func (m *memoryStore) Incidents(context.Context, Filter) ([]Incident, error) { return nil, nil }
func (m *memoryStore) Gaps(context.Context, Filter) ([]Gap, error)           { return nil, nil }
func (m *memoryStore) Pulls(context.Context, Filter) ([]Pull, error)         { return nil, nil }

// memoryVault is a Vault in memory that counts what was written.
type memoryVault struct {
	mu       sync.Mutex
	versions map[string]map[int64]map[string]connector.Secret
	sealed   int
	next     int64
}

func newMemoryVault() *memoryVault {
	return &memoryVault{versions: map[string]map[int64]map[string]connector.Secret{}}
}

func (v *memoryVault) Seal(_ context.Context, id string, secrets map[string]connector.Secret) (int64, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.sealed++
	v.next++
	if v.versions[id] == nil {
		v.versions[id] = map[int64]map[string]connector.Secret{}
	}
	v.versions[id][v.next] = secrets
	return v.next, nil
}

func (v *memoryVault) Open(_ context.Context, id string, version int64, _, _ string) (map[string]connector.Secret, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	s, ok := v.versions[id][version]
	if !ok {
		return nil, errors.New("no such version")
	}
	return s, nil
}

func (v *memoryVault) Destroy(_ context.Context, id string, versions ...int64) error {
	v.mu.Lock()
	defer v.mu.Unlock()
	for _, n := range versions {
		delete(v.versions[id], n)
	}
	return nil
}

// plainDiagnosis believes the fault.
type plainDiagnosis struct{}

func (plainDiagnosis) Diagnose(_ context.Context, f Failure) Verdict {
	return Verdict{Cause: f.Fault.Cause, Code: f.Fault.Code, Public: f.Fault.Public, Confidence: Likely}
}

type countedJobs struct{ pulls, probes int }

func (j *countedJobs) Pull(context.Context, string, Trigger, string) error { j.pulls++; return nil }
func (j *countedJobs) Probe(context.Context, string) error                 { j.probes++; return nil }

type noNotices struct{}

func (noNotices) Changed(string, []Event) {}

// thirdParty is a scripted third party: what it says of the password offered.
type thirdParty struct {
	mu       sync.Mutex
	password string
	identity connector.Identity
	denied   map[string]bool // tables
	broken   error           // of Check
	hidden   map[string]bool // tables that the catalogue promises and Read refuses
	opened   int
}

func (p *thirdParty) definition() connector.Definition {
	return connector.Definition{
		ID: "teach", Title: "Teach", Kind: connector.Database,
		Forms: []connector.Form{{ID: "password", Title: "Password", Fields: []connector.Field{
			{Name: "host", Label: "Host", Required: true, Identity: true, Destination: true},
			{Name: "port", Label: "Port", Kind: connector.Number, Default: "5432"},
			{Name: "password", Label: "Password", Secret: true, Required: true},
			{Name: "tunnel", Label: "Tunnel", Kind: connector.Toggle, Default: "false"},
			{Name: "key", Label: "Key", Secret: true, Kind: connector.Block, Generate: "ssh-ed25519", Show: connector.Condition{Field: "tunnel", Values: []string{"true"}}},
			{Name: "accept", Label: "Accept", Once: true, Admin: true},
		}}},
		Open: func(_ context.Context, env connector.Env) (connector.Source, error) {
			p.mu.Lock()
			p.opened++
			p.mu.Unlock()
			return &taughtSource{p, env}, nil
		},
	}
}

type taughtSource struct {
	party *thirdParty
	env   connector.Env
}

func refusedLogin() error {
	return &connector.Fault{Cause: connector.AccessChanged, Code: "teach.login_refused", Public: "The login is refused.", Step: connector.StepSignIn, Err: errors.New("28P01")}
}

func (s *taughtSource) Check(context.Context) (connector.Identity, error) {
	switch {
	case s.party.broken != nil:
		return connector.Identity{}, s.party.broken
	case s.env.Secrets["password"].Reveal() != s.party.password:
		return connector.Identity{}, refusedLogin()
	}
	return s.party.identity, nil
}

func deniedTable(name string) *connector.Fault {
	return &connector.Fault{Cause: connector.AccessChanged, Code: "teach.table_denied", Public: "SELECT on " + name + " is missing.", Step: connector.StepPrivileges,
		Scope: connector.OneTable, Table: name, Err: errors.New("42501")}
}

func (s *taughtSource) Tables(context.Context) ([]connector.Table, error) {
	var tables []connector.Table
	for _, name := range []string{"public.a", "public.b", "public.c"} {
		t := connector.Table{
			Name: name, Key: []string{"id"}, EstimatedRows: 10,
			Columns:      []connector.Column{{Name: "id", SourceType: "bigint", Type: arrow.PrimitiveTypes.Int64}, {Name: "note", SourceType: "text", Type: arrow.BinaryTypes.String}},
			Replications: []connector.Replication{{Method: connector.AutoIncrement, Column: "id"}, {Method: connector.FullTable}},
		}
		if s.party.denied[name] {
			t.Fault = deniedTable(name)
		}
		tables = append(tables, t)
	}
	return tables, nil
}

func (s *taughtSource) Read(_ context.Context, r connector.Request) iter.Seq2[connector.Batch, error] {
	return func(yield func(connector.Batch, error) bool) {
		if s.party.hidden[r.Table.Name] {
			yield(connector.Batch{}, deniedTable(r.Table.Name))
			return
		}
		b := array.NewRecordBuilder(memory.DefaultAllocator, r.Table.Schema([]string{"id"}))
		defer b.Release()
		b.Field(0).(*array.Int64Builder).Append(1)
		yield(connector.Batch{Record: b.NewRecordBatch()}, nil)
	}
}

func (s *taughtSource) Close() error { return nil }

// bench is a Service on fakes.
type bundle struct {
	*Service
	store *memoryStore
	vault *memoryVault
	party *thirdParty
	jobs  *countedJobs
	clock time.Time
}

var ada = Person{ID: "1", Name: "ada@example.com", Role: Admin}

func setup(t *testing.T) *bundle {
	t.Helper()
	b := &bundle{
		store: newMemoryStore(), vault: newMemoryVault(), jobs: &countedJobs{}, clock: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC),
		party: &thirdParty{password: "right", identity: connector.Identity{Fingerprint: "system-1", Account: "shop", User: "pull_ro"}, denied: map[string]bool{}, hidden: map[string]bool{}},
	}
	log := slog.New(slog.NewTextHandler(t.Output(), nil))
	catalogue := Catalogue{b.party.definition()}
	b.Service = New(Config{
		Store: b.store, Vault: b.vault, Diagnose: plainDiagnosis{}, Jobs: b.jobs, Notices: noNotices{}, Catalogue: catalogue, Log: log,
		Sources: NewSources(SourcesConfig{Catalogue: catalogue, Vault: b.vault, Log: log}),
		Generate: func(string) (connector.Secret, string, error) {
			return connector.NewSecret("PRIVATE"), "ssh-ed25519 AAAA", nil
		},
	})
	b.Service.now = func() time.Time { return b.clock }
	return b
}

// connected is an integration that was connected and pulled once.
func (b *bundle) connected(t *testing.T) View {
	t.Helper()
	v, err := b.Begin(t.Context(), ada, "teach", "Shop DB", "")
	if err != nil {
		t.Fatal(err)
	}
	done, err := b.Authorize(t.Context(), ada, v.Integration.Slug, withPassword("right"), nil)
	if err != nil || !done.Swapped {
		t.Fatalf("Authorize: swapped %v, error %v, checks %+v", done.Swapped, err, done.Checks)
	}
	b.pull(t, v.Integration.ID)
	v, err = b.Show(t.Context(), v.Integration.ID)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// pull does what package pull does when everything can be read.
func (b *bundle) pull(t *testing.T, id string) {
	t.Helper()
	r, p, err := b.PullStarted(t.Context(), id, ByPlan, "schedule")
	if err != nil {
		t.Fatal(err)
	}
	for _, table := range r.Tables {
		if table.Enabled {
			if err := b.TableRead(t.Context(), id, table, TableResult{Table: table.Name, Rows: 1}); err != nil {
				t.Fatal(err)
			}
		}
	}
	p.Ended, p.Outcome, p.Rows = b.clock, Succeeded, 3
	if _, err := b.PullEnded(t.Context(), p, nil, nil); err != nil {
		t.Fatal(err)
	}
}

func withPassword(password string) Submission {
	return Submission{Settings: map[string]string{"host": "db.example.com"}, Secrets: map[string]connector.Secret{"password": connector.NewSecret(password)}}
}
