package pull

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/regrant/regrant/connector"
	"github.com/regrant/regrant/internal/integration"
	"github.com/regrant/regrant/internal/warehouse"
)

// ordinary is a table that was read before by its date of change.
func ordinary() situation {
	byDate := connector.Replication{Method: connector.ModifiedAt, Column: "updated_at"}
	s := situation{
		table:   integration.Table{Name: "public.orders", Target: "orders", Replication: byDate},
		source:  connector.Table{Name: "public.orders", Key: []string{"id"}, Replications: []connector.Replication{byDate, {Method: connector.FullTable}}},
		state:   warehouse.State{Exists: true, Rows: 100},
		account: "a1",
		now:     time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC),
		zone:    time.UTC,
	}
	for _, name := range []string{"id", "total", "updated_at"} {
		s.source.Columns = append(s.source.Columns, connector.Column{Name: name, Type: arrow.PrimitiveTypes.Int64})
	}
	s.mark = mark{Version: markVersion, Method: byDate.Method, Column: byDate.Column, Account: "a1", Key: []string{"id"},
		Columns: []string{"id", "total", "updated_at"}, At: "here", Ended: true}
	return s
}

func (s *situation) column(name string) *connector.Column {
	n := slices.IndexFunc(s.source.Columns, func(c connector.Column) bool { return c.Name == name })
	return &s.source.Columns[n]
}

func (s *situation) drop(name string) {
	s.source.Columns = slices.DeleteFunc(s.source.Columns, func(c connector.Column) bool { return c.Name == name })
}

func TestPlan(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		change  func(*situation)
		fault   string
		method  connector.Method
		columns string
		start   connector.Position
		replace bool
		first   bool
		values  string
		keys    bool
		note    string
	}{
		"goes on": {change: func(*situation) {}, method: connector.ModifiedAt, columns: "id total updated_at", start: "here"},
		"first time": {
			change: func(s *situation) { s.state, s.mark = warehouse.State{}, mark{} },
			method: connector.ModifiedAt, columns: "id total updated_at", first: true,
		},
		"method not chosen yet": {
			change: func(s *situation) {
				s.state, s.mark, s.table.Replication = warehouse.State{}, mark{}, connector.Replication{}
			},
			method: connector.ModifiedAt, columns: "id total updated_at", first: true,
		},
		"no method fits": {
			change: func(s *situation) {
				s.table.Replication, s.source.Replications, s.mark = connector.Replication{}, nil, mark{}
			},
			method: connector.FullTable, columns: "id total updated_at", replace: true,
		},
		"column left out": {
			change: func(s *situation) { s.table.Excluded = []string{"total"} },
			method: connector.ModifiedAt, columns: "id updated_at", start: "here",
		},
		"key and followed column cannot be left out": {
			change: func(s *situation) { s.table.Excluded = []string{"id", "updated_at"} },
			method: connector.ModifiedAt, columns: "id total updated_at", start: "here",
		},
		"new column": {
			change: func(s *situation) {
				s.source.Columns = append(s.source.Columns, connector.Column{Name: "city", Type: arrow.BinaryTypes.String})
			},
			method: connector.ModifiedAt, columns: "id total updated_at city", start: "here", note: "New column city",
		},
		"column gone": {
			change: func(s *situation) { s.drop("total") },
			method: connector.ModifiedAt, columns: "id updated_at", start: "here",
		},
		"column denied": {
			change: func(s *situation) { s.column("total").Denied = true },
			fault:  "column.denied",
		},
		"column denied and left out": {
			change: func(s *situation) { s.column("total").Denied, s.table.Excluded = true, []string{"total"} },
			method: connector.ModifiedAt, columns: "id updated_at", start: "here",
		},
		"column that was never read is denied": {
			change: func(s *situation) {
				s.source.Columns = append(s.source.Columns, connector.Column{Name: "secret", Type: arrow.BinaryTypes.String, Denied: true})
			},
			method: connector.ModifiedAt, columns: "id total updated_at", start: "here",
		},
		"key denied": {
			change: func(s *situation) { s.column("id").Denied = true },
			fault:  "column.denied",
		},
		"followed column gone": {
			change: func(s *situation) {
				s.drop("updated_at")
				s.source.Replications = []connector.Replication{{Method: connector.PrimaryKeyBatch}}
			},
			method: connector.PrimaryKeyBatch, columns: "id total", note: "not there any more",
		},
		"followed column gone, chosen by a person": {
			change: func(s *situation) { s.drop("updated_at"); s.table.ByPerson = true },
			fault:  "table.method_impossible",
		},
		"method changed": {
			change: func(s *situation) { s.table.Replication = connector.Replication{Method: connector.PrimaryKeyBatch} },
			method: connector.PrimaryKeyBatch, columns: "id total updated_at", note: "method has changed",
		},
		"another column followed": {
			change: func(s *situation) { s.table.Replication.Column = "total" },
			method: connector.ModifiedAt, columns: "id total updated_at", note: "method has changed",
		},
		"key changed": {
			change: func(s *situation) { s.source.Key = []string{"id", "total"} },
			method: connector.ModifiedAt, columns: "id total updated_at", replace: true, note: "key of this table has changed",
		},
		"key lost": {
			change: func(s *situation) { s.source.Key = nil },
			method: connector.FullTable, columns: "id total updated_at", replace: true, note: "no key",
		},
		"asked to read again from the start": {
			change: func(s *situation) { s.mark = mark{} },
			method: connector.ModifiedAt, columns: "id total updated_at",
		},
		"rows of another account": {
			change: func(s *situation) { s.account = "a2" },
			fault:  "warehouse.other_account",
		},
		"rechecks": {
			change: func(s *situation) {
				s.table.Rechecks = map[string]integration.Recheck{"id": {Every: integration.Always}, "total": {Every: integration.Once}}
			},
			method: connector.ModifiedAt, columns: "id total updated_at", start: "here", values: "total", keys: true,
		},
		"rechecks that are not due": {
			change: func(s *situation) {
				made := s.now.Add(-time.Hour)
				s.table.Rechecks = map[string]integration.Recheck{"id": {Every: integration.Daily, Last: made}, "total": {Every: integration.Once, Last: made}}
			},
			method: connector.ModifiedAt, columns: "id total updated_at", start: "here",
		},
		"recheck of a column left out": {
			change: func(s *situation) {
				s.table.Excluded, s.table.Rechecks = []string{"total"}, map[string]integration.Recheck{"total": {Every: integration.Always}}
			},
			method: connector.ModifiedAt, columns: "id updated_at", start: "here",
		},
		"rechecks of a table that is read whole": {
			change: func(s *situation) {
				s.table.Replication = connector.Replication{Method: connector.FullTable}
				s.table.Rechecks = map[string]integration.Recheck{"id": {Every: integration.Always}}
			},
			method: connector.FullTable, columns: "id total updated_at", replace: true,
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := ordinary()
			test.change(&s)
			p, fault := planTable(s)
			if fault != nil || test.fault != "" {
				if fault == nil || fault.Code != test.fault || fault.Scope != connector.OneTable || fault.Table != "public.orders" || fault.Public == "" {
					t.Fatalf("fault %+v, want %q", fault, test.fault)
				}
				return
			}
			if p.how.Method != test.method || strings.Join(p.columns, " ") != test.columns || p.start != test.start || p.replace != test.replace ||
				p.first != test.first || strings.Join(p.values, " ") != test.values || p.keys != test.keys {
				t.Errorf("planned %+v, want %+v", p, test)
			}
			if notes := joined(p.notes); test.note == "" && notes != "" || !strings.Contains(notes, test.note) {
				t.Errorf("notes %q, want %q", notes, test.note)
			}
		})
	}
}

func FuzzParseMark(f *testing.F) {
	whole, err := ordinary().mark.encode()
	if err != nil {
		f.Fatal(err)
	}
	for _, seed := range []string{"", string(whole), "{", `{"v":2}`, `{"v":1,"sweep":{}}`, `null`, `[]`} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		m, err := parseMark(connector.Position(text))
		if err != nil || text == "" {
			return
		}
		again, err := m.encode()
		if err != nil {
			t.Fatal(err)
		}
		if second, err := parseMark(again); err != nil || !second.follows(connector.Replication{Method: m.Method, Column: m.Column}) || second.At != m.At {
			t.Fatalf("%q became %q: %v", text, again, err)
		}
	})
}
