package tds

import (
	"errors"
	"fmt"
	"sort"
	"strings"
	"sync"
	"time"
)

// Table is a table in memory. Rows are in the order of Columns.
type Table struct {
	Schema, Name string
	Columns      []TableColumn
	Key          []string   // the primary key
	Indexes      [][]string // others, not unique
	Rows         [][]any
	View         bool
	Denied       bool // SELECT is denied
	Hidden       bool // no permission at all: the catalog does not show it
	Broken       *Error
	AfterRows    int // of Broken: rows that come before it
}

// TableColumn is one column of a table.
type TableColumn struct {
	Column
	NotNull   bool
	Identity  bool
	Denied    bool
	Encrypted bool
	Collation string // empty: the database's own
}

// User may sign in.
type User struct {
	Password  string
	Databases []string
	Refusal   []Error // in place of the password's check
	ExpiresIn any     // days, int64; nil: never
}

// Database is the engine: a database in memory and who may read it.
type Database struct {
	Name     string
	Broker   string // service_broker_guid
	Server   string
	Version  string
	Edition  int64
	Snapshot bool
	Filters  int64 // predicates of security policies

	mu         sync.Mutex
	tables     []*Table
	users      map[string]*User
	lastRow    uint64
	writes     []string
	statements []string
	refusal    []Error // of everybody
	last       Login
}

// NewDatabase makes an empty one.
func NewDatabase(name string) *Database {
	return &Database{Name: name, Broker: "6f9619ff-8b86-d011-b42d-00c04fc964ff", Server: "FAKE", Version: "16.0.1000.6", Edition: 3, Snapshot: true, users: map[string]*User{}}
}

// Change makes a change while nobody reads.
func (d *Database) Change(f func(d *Database)) {
	d.mu.Lock()
	defer d.mu.Unlock()
	f(d)
}

// Add puts a table in.
func (d *Database) Add(t *Table) { d.Change(func(d *Database) { d.tables = append(d.tables, t) }) }

// AddUser lets somebody in.
func (d *Database) AddUser(name string, u *User) { d.Change(func(d *Database) { d.users[name] = u }) }

// Refuse turns everybody away with the errors, until it is called without any.
func (d *Database) Refuse(errs ...Error) { d.Change(func(d *Database) { d.refusal = errs }) }

// Find gives a table; call it within Change, or before the server starts.
func (d *Database) Find(name string) *Table {
	for _, t := range d.tables {
		if t.Name == name {
			return t
		}
	}
	return nil
}

// NextVersion gives a new rowversion; call it within Change.
func (d *Database) NextVersion() []byte {
	d.lastRow++
	return versionBytes(d.lastRow)
}

func versionBytes(n uint64) []byte {
	return []byte{byte(n >> 56), byte(n >> 48), byte(n >> 40), byte(n >> 32), byte(n >> 24), byte(n >> 16), byte(n >> 8), byte(n)}
}

func (d *Database) version() uint64 { return d.lastRow }

// Writes lists the statements that were neither a SELECT nor a SET.
func (d *Database) Writes() []string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return append([]string(nil), d.writes...)
}

// Statements lists all statements, in their order.
func (d *Database) Statements() []string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return append([]string(nil), d.statements...)
}

// LastLogin is what the last client signed in with.
func (d *Database) LastLogin() Login {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.last
}

// SignIn checks user, password and database.
func (d *Database) SignIn(l Login) []Error {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.last = l
	if len(d.refusal) > 0 {
		return d.refusal
	}
	refused := Error{Number: 18456, State: 1, Class: 14, Message: "Login failed for user '" + l.User + "'."}
	u := d.users[l.User]
	switch {
	case u != nil && len(u.Refusal) > 0:
		return u.Refusal
	case u == nil || u.Password != l.Password:
		return []Error{refused}
	case !strings.EqualFold(l.Database, d.Name):
		return []Error{{Number: 4060, State: 1, Class: 11, Message: "Cannot open database \"" + l.Database + "\" requested by the login. The login failed."}, refused}
	}
	return nil
}

// Answer runs a statement.
func (d *Database) Answer(s *Session, sql string, params []any) Reply {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.statements = append(d.statements, sql)
	word, _, _ := strings.Cut(strings.TrimSpace(sql), " ")
	switch strings.ToUpper(word) {
	case "SET":
		if strings.Contains(sql, "ISOLATION LEVEL") {
			s.Snapshot = strings.Contains(sql, "LEVEL SNAPSHOT")
		}
		return Reply{}
	case "SELECT":
	default:
		d.writes = append(d.writes, sql)
		return Reply{Errors: []Error{{Number: 262, State: 1, Class: 14, Message: "permission denied: the fake only reads"}}}
	}
	if r, ok := d.catalog(s, sql, params); ok {
		return r
	}
	return d.selects(s, sql, params)
}

func (d *Database) selects(s *Session, sql string, params []any) Reply {
	q, err := parse(sql, params)
	if err != nil {
		return failed(err)
	}
	if s.Snapshot && !d.Snapshot && (q.table != nil || q.derived != nil) {
		return Reply{Errors: []Error{{Number: 3952, State: 1, Class: 16, Message: "Snapshot isolation transaction failed accessing database '" + d.Name + "' because snapshot isolation is not allowed in this database."}}}
	}
	columns, rows, err := d.run(q)
	if err != nil {
		return failed(err)
	}
	r := Reply{Columns: columns, Rows: rows}
	if t := d.broken(q); t != nil {
		r.Rows = rows[:min(t.AfterRows, len(rows))]
		r.Errors = []Error{*t.Broken}
		r.Severe = t.Broken.Class >= 20
		r.Close = r.Severe
	}
	return r
}

func (d *Database) broken(q *query) *Table {
	for ; q != nil; q = q.derived {
		if q.table != nil {
			if t, err := d.lookUp(*q.table); err == nil && t.Broken != nil {
				return t
			}
		}
	}
	return nil
}

func failed(err error) Reply {
	var e *Error
	if errors.As(err, &e) {
		return Reply{Errors: []Error{*e}}
	}
	return Reply{Errors: []Error{{Number: 102, State: 1, Class: 15, Message: err.Error()}}}
}

func (d *Database) lookUp(r tableRef) (*Table, error) {
	for _, t := range d.tables {
		if strings.EqualFold(t.Schema, r.schema) && strings.EqualFold(t.Name, r.name) && !t.Hidden {
			if t.Denied {
				return nil, &Error{Number: 229, State: 5, Class: 14, Message: fmt.Sprintf("The SELECT permission was denied on the object '%s', database '%s', schema '%s'.", t.Name, d.Name, t.Schema)}
			}
			return t, nil
		}
	}
	return nil, &Error{Number: 208, State: 1, Class: 16, Message: "Invalid object name '" + r.schema + "." + r.name + "'."}
}

// run gives a query's rows. d.mu is held.
func (d *Database) run(q *query) ([]Column, [][]any, error) {
	columns, rows, err := d.source(q)
	if err != nil {
		return nil, nil, err
	}
	if q.where != nil {
		if rows, err = d.filter(columns, rows, q.where); err != nil {
			return nil, nil, err
		}
	}
	groups, err := d.groups(q, columns, rows)
	if err != nil {
		return nil, nil, err
	}
	if len(q.order) > 0 {
		if err := d.sort(q.order, columns, groups); err != nil {
			return nil, nil, err
		}
	}
	if q.top >= 0 && int64(len(groups)) > q.top {
		groups = groups[:q.top]
	}
	out := make([]Column, len(q.items))
	for i, it := range q.items {
		t, err := (&scope{engine: d, columns: columns}).typeOf(it.expr)
		if err != nil {
			return nil, nil, err
		}
		out[i] = Column{it.name, t}
	}
	result := make([][]any, len(groups))
	for g, s := range groups {
		result[g] = make([]any, len(q.items))
		for i, it := range q.items {
			v, err := s.eval(it.expr)
			if err != nil {
				return nil, nil, err
			}
			result[g][i] = plain(v)
		}
	}
	return out, result, nil
}

func (d *Database) source(q *query) ([]Column, [][]any, error) {
	switch {
	case q.derived != nil:
		return d.run(q.derived)
	case q.table == nil:
		return nil, [][]any{{}}, nil
	}
	t, err := d.lookUp(*q.table)
	if err != nil {
		return nil, nil, err
	}
	columns := make([]Column, len(t.Columns))
	for i, c := range t.Columns {
		columns[i] = c.Column
	}
	return columns, t.Rows, nil
}

func (d *Database) filter(columns []Column, rows [][]any, where *node) ([][]any, error) {
	var kept [][]any
	for _, row := range rows {
		v, err := (&scope{engine: d, columns: columns, row: row}).eval(where)
		if err != nil {
			return nil, err
		}
		if v == true {
			kept = append(kept, row)
		}
	}
	return kept, nil
}

// groups makes a scope for each row of the result.
func (d *Database) groups(q *query, columns []Column, rows [][]any) ([]*scope, error) {
	if len(q.group) == 0 && !aggregates(q) {
		out := make([]*scope, len(rows))
		for i, row := range rows {
			out[i] = &scope{engine: d, columns: columns, row: row}
		}
		return out, nil
	}
	byKey := map[string]*scope{}
	var out []*scope
	if len(q.group) == 0 {
		return []*scope{{engine: d, columns: columns, group: rows}}, nil
	}
	for _, row := range rows {
		s := &scope{engine: d, columns: columns, row: row}
		key := ""
		for _, g := range q.group {
			v, err := s.eval(g)
			if err != nil {
				return nil, err
			}
			key += fmt.Sprintf("%v\x00", v)
		}
		if byKey[key] == nil {
			byKey[key] = s
			out = append(out, s)
		}
		byKey[key].group = append(byKey[key].group, row)
	}
	return out, nil
}

func aggregates(q *query) bool {
	for _, it := range q.items {
		if it.expr.op == "call" && contains([]string{"COUNT_BIG", "COUNT", "MAX", "SUM"}, it.expr.text) {
			return true
		}
	}
	return false
}

func (d *Database) sort(order []*node, columns []Column, scopes []*scope) error {
	keys := make(map[*scope][]any, len(scopes))
	for _, s := range scopes {
		key := make([]any, len(order))
		for i, o := range order {
			v, err := s.eval(o)
			if err != nil {
				return err
			}
			key[i] = v
		}
		keys[s] = key
	}
	var failure error
	sort.SliceStable(scopes, func(i, j int) bool {
		a, b := keys[scopes[i]], keys[scopes[j]]
		for k := range a {
			c, err := compareNulls(a[k], b[k])
			if err != nil {
				failure = err
			}
			if c != 0 {
				return c < 0
			}
		}
		return false
	})
	return failure
}

// compareNulls puts NULL first, as SQL Server does.
func compareNulls(a, b any) (int, error) {
	switch {
	case a == nil && b == nil:
		return 0, nil
	case a == nil:
		return -1, nil
	case b == nil:
		return 1, nil
	}
	return compare(a, b)
}

// Now is a moment of the precision that datetime2(6) keeps.
func Now() time.Time { return time.Now().UTC().Truncate(time.Microsecond) }
