package pull

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/regrant/regrant/connector"
	"github.com/regrant/regrant/internal/integration"
	"github.com/regrant/regrant/internal/warehouse"
)

// plan is what to do with one table. It is computed before anything is read.
type plan struct {
	how     connector.Replication
	columns []string // to read, in the order of the source; the key among them
	start   connector.Position
	replace bool // build the table anew beside the old one and swap
	first   bool // from the start, into nothing: rechecks have nothing to find
	values  []string
	keys    bool // look for deleted rows
	notes   []string
}

// situation is what a plan is made from.
type situation struct {
	table   integration.Table
	source  connector.Table
	state   warehouse.State
	mark    mark
	account string
	now     time.Time
	zone    *time.Location
}

// planTable decides how to read a table, or says why it cannot be read.
func planTable(s situation) (plan, *connector.Fault) {
	var p plan
	if f := refuse(s); f != nil {
		return p, f
	}
	how, note, f := choose(s.table, s.source)
	if f != nil {
		return p, f
	}
	p.how = how
	p.note(note)
	p.columns = columnsToRead(s.table, s.source, how)
	p.first = !s.state.Exists || s.state.Rows+s.state.Deleted == 0 && s.mark.At == ""
	p.whereToStart(s)
	p.note(newColumns(s.mark.Columns, p.columns))
	p.dueRechecks(s)
	return p, nil
}

func (p *plan) note(text string) {
	if text != "" {
		p.notes = append(p.notes, text)
	}
}

// refuse names what must not be read past.
func refuse(s situation) *connector.Fault {
	name := s.table.Name
	if s.mark.Account != "" && s.account != "" && s.mark.Account != s.account {
		return &connector.Fault{
			Cause: connector.Ours, Code: "warehouse.other_account", Step: connector.StepRead, Scope: connector.OneTable, Table: name,
			Public: fmt.Sprintf("The warehouse already holds a table %s with the rows of another account. Drop it or rename this integration, then pull again.", s.table.Target),
			Facts:  map[string]string{"expected": s.mark.Account, "found": s.account},
			Err:    fmt.Errorf("rows of %q, reading %q", s.mark.Account, s.account),
		}
	}
	for _, key := range s.source.Key {
		if c, ok := s.source.Column(key); ok && c.Denied {
			return columnDenied(name, key)
		}
	}
	// Upserts write whole rows: going on without a column that was read before
	// would empty it, row by row.
	for _, column := range s.mark.Columns {
		c, ok := s.source.Column(column)
		if ok && c.Denied && !slices.Contains(s.table.Excluded, column) {
			return columnDenied(name, column)
		}
	}
	return nil
}

func columnDenied(table, column string) *connector.Fault {
	return tableFault(table, "column.denied",
		fmt.Sprintf("The column %s of %s may not be read any more. Grant access to it again, or leave it out of this integration.", column, table),
		fmt.Errorf("column %s is denied", column))
}

// choose takes the method that was set as long as it is possible.
func choose(t integration.Table, ct connector.Table) (how connector.Replication, note string, f *connector.Fault) {
	full := connector.Replication{Method: connector.FullTable}
	how = t.Replication
	switch {
	case how.Method == "" && len(ct.Replications) > 0:
		how = ct.Replications[0]
	case how.Method == "":
		how = full
	}
	if len(ct.Key) == 0 {
		if how.Method != connector.FullTable {
			note = "This table has no key, so it is read whole each time."
		}
		return full, note, nil
	}
	if follows(how, ct) {
		return how, "", nil
	}
	if t.ByPerson {
		return how, "", tableFault(t.Name, "table.method_impossible",
			fmt.Sprintf("%s is to be read by its column %s, which is not there any more or may not be read. Choose another replication method.", t.Name, how.Column),
			fmt.Errorf("%s needs column %q", how.Method, how.Column))
	}
	next := full
	if len(ct.Replications) > 0 && follows(ct.Replications[0], ct) {
		next = ct.Replications[0]
	}
	return next, fmt.Sprintf("The column %s is not there any more, so the method was changed and the table is read again.", how.Column), nil
}

// follows says whether the column that the method needs can be read.
func follows(how connector.Replication, ct connector.Table) bool {
	switch how.Method {
	case connector.ModifiedAt, connector.AddDate, connector.AutoIncrement:
		c, ok := ct.Column(how.Column)
		return ok && !c.Denied
	default:
		return true
	}
}

// columnsToRead leaves out what is excluded or denied, but neither the key nor
// the column that the method follows.
func columnsToRead(t integration.Table, ct connector.Table, how connector.Replication) []string {
	excluded := slices.DeleteFunc(slices.Clone(t.Excluded), func(name string) bool { return name == how.Column })
	return integration.ReadableColumns(ct, excluded)
}

// whereToStart decides between going on, reading again over the rows that are
// there, and building the table anew. Reading again upserts by key and never
// doubles a row; that is not possible when the key itself has changed.
func (p *plan) whereToStart(s situation) {
	switch {
	case p.how.Method == connector.FullTable:
		p.replace = true
	case s.state.Exists && s.mark.Version != 0 && !s.mark.keyed(s.source.Key):
		p.replace = true
		p.note("The key of this table has changed, so it is read again as a whole.")
	case s.mark.follows(p.how):
		p.start = s.mark.At
	case s.mark.Version != 0 && s.mark.Method != "":
		p.note("The replication method has changed, so the table is read again from its start.")
	}
}

// newColumns says that old rows lack values.
func newColumns(before, now []string) string {
	if len(before) == 0 {
		return ""
	}
	var added []string
	for _, name := range now {
		if !slices.Contains(before, name) {
			added = append(added, name)
		}
	}
	switch len(added) {
	case 0:
		return ""
	case 1:
		return fmt.Sprintf("New column %s: rows that were read before have no value in it until they are read again.", added[0])
	default:
		return fmt.Sprintf("New columns %s: rows that were read before have no values in them until they are read again.", strings.Join(added, ", "))
	}
}

// dueRechecks sorts what is due into values and keys.
func (p *plan) dueRechecks(s situation) {
	if p.replace || len(s.source.Key) == 0 {
		return // everything is read anyway, or rows have no identity
	}
	for _, column := range p.columns {
		recheck, ok := s.table.Rechecks[column]
		if !ok || !due(recheck, s.now, s.zone) {
			continue
		}
		if slices.Contains(s.source.Key, column) {
			p.keys = true
		} else {
			p.values = append(p.values, column)
		}
	}
}
