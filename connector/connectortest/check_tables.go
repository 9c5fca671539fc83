package connectortest

import (
	"fmt"
	"slices"
	"strings"

	"github.com/regrant/regrant/connector"
)

// tablesListed holds the list of tables against the contract.
func (s *suite) tablesListed(t runner) {
	x := s.open(t, s.h.Env(t))
	tables := x.all()
	if len(tables) == 0 {
		t.Fatalf("Tables lists nothing")
	}
	seen := map[string]bool{}
	for _, table := range tables {
		if seen[table.Name] {
			t.Errorf("two tables are called %q", table.Name)
		}
		seen[table.Name] = true
		for _, problem := range tableProblems(table) {
			t.Errorf("table %q %s", table.Name, problem)
		}
	}
}

func tableProblems(table connector.Table) []string {
	var problems []string
	add := func(bad bool, format string, args ...any) {
		if bad {
			problems = append(problems, fmt.Sprintf(format, args...))
		}
	}
	add(strings.TrimSpace(table.Name) == "", "has no name")
	add(table.EstimatedRows < -1, "has an estimate of %d rows; not known is -1", table.EstimatedRows)
	add(table.Retention < 0 || table.LookBack < 0, "has a negative Retention or LookBack")
	if table.Fault != nil {
		for _, p := range faultProblems(table.Fault) {
			problems = append(problems, "has a Fault that "+p)
		}
		add(table.Fault.Scope != connector.OneTable || table.Fault.Table != table.Name, "has a Fault that is not about this one table")
		return problems // what cannot be read may be known in part only
	}
	add(len(table.Columns) == 0, "has no columns")
	add(len(table.Replications) == 0, "offers no replication method")
	problems = append(problems, columnProblems(table)...)
	return append(problems, replicationProblems(table)...)
}

func columnProblems(table connector.Table) []string {
	var problems []string
	seen := map[string]bool{}
	for _, c := range table.Columns {
		switch {
		case c.Name == "":
			problems = append(problems, "has a column without a name")
		case seen[c.Name]:
			problems = append(problems, fmt.Sprintf("has two columns %q", c.Name))
		case c.Type == nil:
			problems = append(problems, fmt.Sprintf("does not say how column %q arrives", c.Name))
		case c.SourceType == "":
			problems = append(problems, fmt.Sprintf("does not say the source's type of column %q", c.Name))
		}
		seen[c.Name] = true
	}
	for _, name := range table.Key {
		if c, ok := table.Column(name); !ok || c.Denied {
			problems = append(problems, fmt.Sprintf("has the key column %q, which cannot be read", name))
		}
	}
	return problems
}

func replicationProblems(table connector.Table) []string {
	var problems []string
	follows := []connector.Method{connector.ModifiedAt, connector.AutoIncrement, connector.AddDate}
	keyed := []connector.Method{connector.ModifiedAt, connector.AutoIncrement, connector.PrimaryKeyBatch}
	plain := []connector.Method{connector.PrimaryKeyBatch, connector.FullTable, connector.Paused}
	for _, r := range table.Replications {
		c, ok := table.Column(r.Column)
		switch {
		case slices.Contains(follows, r.Method) && (!ok || c.Denied):
			problems = append(problems, fmt.Sprintf("offers %s by column %q, which cannot be read", r.Method, r.Column))
		case slices.Contains(plain, r.Method) && r.Column != "":
			problems = append(problems, fmt.Sprintf("offers %s with a column, which it does not follow", r.Method))
		case !slices.Contains(follows, r.Method) && !slices.Contains(plain, r.Method):
			problems = append(problems, fmt.Sprintf("offers the undeclared method %q", r.Method))
		}
		if len(table.Key) == 0 && slices.Contains(keyed, r.Method) {
			problems = append(problems, fmt.Sprintf("offers %s, but has no key by which rows could be replaced", r.Method))
		}
		if r.Reason == "" {
			problems = append(problems, fmt.Sprintf("offers %s without a reason for people", r.Method))
		}
	}
	return problems
}
