package sqlkit

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/regrant/regrant/connector"
)

// Shape is what a table looks like, as far as the choice of a replication
// method needs to know.
type Shape struct {
	Key           []string // usable for key-ordered reading; empty: none
	Columns       []connector.Column
	AutoIncrement string            // the single key column that the database numbers by itself
	Touched       map[string]bool   // date columns that the database itself moves with every change
	EstimatedRows int64             // -1: not known
	NoIncrement   map[string]string // date columns that cannot be followed, with the reason
}

// patience is how large a table without an index on its date may be before
// another method is the better first choice.
const patience = 1_000_000

// Names are the only hint that most databases give about what a date means.
const (
	changedNames = `(?i)^_?((row_?)?(updated|modified|changed)(_?(at|on|ts|time|date|utc|gmt))?|(date|time|last)_?(upd|updated|update|modified|changed|change|modification)(_?(at|on|ts|time|date))?|(update|modified|modification|change|write)_?(at|time|date|ts|on)|mtime|lastmod(ified)?)$`
	addedNames   = `(?i)^_?((row_?)?(created|inserted|added|registered|placed|ordered)(_?(at|on|ts|time|date|utc|gmt))?|(date|time)_?(created|added|inserted|add|placed)|(create|creation|insert|add|order|event)_?(at|time|date|ts|on)|ctime)$`
)

// Offer lists the possible replication methods of a table, the recommended one
// first, each with the reason that a person reads. Paused is always last.
func Offer(s Shape) []connector.Replication {
	if len(s.Key) == 0 {
		return []connector.Replication{fullTable("it has no key by which single rows could be found again"), paused()}
	}
	changed, added, other := s.dates()
	var first, later []connector.Replication
	for _, c := range changed {
		offer := connector.Replication{Method: connector.ModifiedAt, Column: c.Name, Reason: s.changedReason(c)}
		if recommended := !c.Nullable && (c.Indexed || s.EstimatedRows < patience); recommended {
			first = append(first, offer)
		} else {
			later = append(later, offer)
		}
	}
	if s.AutoIncrement != "" {
		first = append(first, connector.Replication{Method: connector.AutoIncrement, Column: s.AutoIncrement,
			Reason: fmt.Sprintf("%s grows with every new row; changed rows are found by rechecks", s.AutoIncrement)})
	}
	first = append(first, connector.Replication{Method: connector.PrimaryKeyBatch,
		Reason: fmt.Sprintf("ranges of %s are counted and summed at the source; only ranges that differ are read again", strings.Join(s.Key, ", "))})
	for _, c := range append(added, other...) {
		later = append(later, connector.Replication{Method: connector.AddDate, Column: c.Name,
			Reason: fmt.Sprintf("new rows are found by %s; choose it only if that date is set once, at insert", c.Name)})
	}
	for _, c := range other {
		later = append(later, connector.Replication{Method: connector.ModifiedAt, Column: c.Name,
			Reason: fmt.Sprintf("choose it only if %s moves with every change of a row", c.Name)})
	}
	return append(append(first, later...), fullTable("every row is read each time and swapped in at the end"), paused())
}

// dates sorts the date columns by what their names say, the indexed ones first.
func (s Shape) dates() (changed, added, other []connector.Column) {
	isChanged, isAdded := regexp.MustCompile(changedNames), regexp.MustCompile(addedNames)
	for _, c := range s.Columns {
		if c.Denied || s.NoIncrement[c.Name] != "" || !isMoment(c.Type) {
			continue
		}
		switch {
		case s.Touched[c.Name] || isChanged.MatchString(c.Name):
			changed = append(changed, c)
		case isAdded.MatchString(c.Name):
			added = append(added, c)
		default:
			other = append(other, c)
		}
	}
	slices.SortStableFunc(changed, func(a, b connector.Column) int { return s.rank(b) - s.rank(a) })
	return changed, added, other
}

// rank prefers what the database itself keeps true, then indexed, then not null.
func (s Shape) rank(c connector.Column) int {
	rank := 0
	if s.Touched[c.Name] {
		rank += 4
	}
	if c.Indexed {
		rank += 2
	}
	if !c.Nullable {
		rank++
	}
	return rank
}

func (s Shape) changedReason(c connector.Column) string {
	switch {
	case c.Nullable:
		return fmt.Sprintf("%s looks like the date of the last change, but may be empty", c.Name)
	case !c.Indexed:
		return fmt.Sprintf("%s looks like the date of the last change; an index on it would make updates fast", c.Name)
	default:
		return fmt.Sprintf("%s looks like the date of the last change, is never empty and has an index", c.Name)
	}
}

func isMoment(t arrow.DataType) bool {
	return t != nil && (t.ID() == arrow.TIMESTAMP || t.ID() == arrow.DATE32)
}

func fullTable(reason string) connector.Replication {
	return connector.Replication{Method: connector.FullTable, Reason: reason}
}

func paused() connector.Replication {
	return connector.Replication{Method: connector.Paused, Reason: "nothing is read until you choose another method"}
}
