package mongodb

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"go.mongodb.org/mongo-driver/v2/x/bsonx/bsoncore"

	"github.com/regrant/regrant/connector"
)

// Bounds of the columns made of one collection. What is beyond them is not
// lost: it stays in a JSON column, or in the rest.
const (
	mostColumns = 400
	mostBelow   = 50 // of one nested document: more look like ids used as names
)

// survey gathers what kinds of values stand at which paths.
type survey struct {
	fields map[string]*seen
	order  []string
	docs   int
}

// seen is what was seen at a path.
type seen struct {
	kind      kind // of values that are no documents
	documents int
	present   int // with a value
	others    int
	below     *survey
}

func newSurvey() *survey { return &survey{fields: map[string]*seen{}} }

// add looks at a document. It goes one level down.
func (s *survey) add(document []byte, deeper bool) {
	s.docs++
	eachElement(document, func(key []byte, v bsoncore.Value) bool {
		s.value(string(key), v, deeper)
		return true
	})
}

func (s *survey) value(name string, v bsoncore.Value, deeper bool) {
	f := s.fields[name]
	if f == nil {
		if len(s.fields) >= 2*mostColumns {
			return
		}
		f = &seen{}
		s.fields[name] = f
		s.order = append(s.order, name)
	}
	switch k := kindOf(v); {
	case k == nothing:
	case k == nested && deeper:
		f.present++
		f.documents++
		if f.below == nil {
			f.below = newSurvey()
		}
		f.below.add(v.Data, false)
	case k == nested:
		f.present++
		f.kind = anything
	default:
		f.present++
		f.others++
		f.kind = merge(f.kind, k)
	}
}

// spreads says whether a field's documents become columns of their own: where
// nearly all of its values are documents with a stable set of names.
func (f *seen) spreads() bool {
	return f.documents > 0 && f.documents >= 9*f.others && len(f.below.fields) <= mostBelow && len(f.below.fields) > 0 &&
		!slices.ContainsFunc(f.below.order, odd)
}

// odd says that a name cannot be part of a column's name.
func odd(name string) bool { return name == "" || strings.ContainsAny(name, ".$") }

// columns makes the table's columns: the key, those of the sample, the rest.
func (s *survey) columns(key kind, learned map[string]kind) []connector.Column {
	found, names := map[string]kind{}, []string{}
	put := func(name string, k kind) {
		if _, twice := found[name]; k == nothing || twice || name == restColumn || name == keyColumn || len(names) >= mostColumns {
			return
		}
		if k == nested {
			k = anything
		}
		found[name] = k
		names = append(names, name)
	}
	for _, name := range s.order {
		f := s.fields[name]
		if odd(name) {
			continue // goes to the rest
		}
		if !f.spreads() {
			if f.documents > 0 {
				f.kind = anything
			}
			put(name, merge(f.kind, learned[name]))
			continue
		}
		for _, below := range f.below.order {
			path := name + "." + below
			put(path, merge(f.below.fields[below].kind, learned[path]))
		}
	}
	for _, path := range slices.Sorted(maps.Keys(learned)) {
		above, below, inside := strings.Cut(path, ".")
		f := s.fields[above]
		switch {
		case !inside && f == nil && !odd(path):
			put(path, learned[path])
		case inside && f != nil && f.spreads() && !odd(below):
			put(path, learned[path])
		}
	}
	columns := []connector.Column{columnFor(keyColumn, key, false)}
	for _, name := range names {
		columns = append(columns, columnFor(name, found[name], true))
	}
	return append(columns, columnFor(restColumn, anything, true))
}

func columnFor(name string, k kind, nullable bool) connector.Column {
	f := k.form()
	return connector.Column{Name: name, SourceType: f.source, Type: f.arrow, Nullable: nullable, Lossy: f.lossy}
}

// always says whether every document of the sample had a value of that kind at
// the path.
func (s *survey) always(path string) bool {
	at, name := s, path
	if above, below, inside := strings.Cut(path, "."); inside {
		f := s.fields[above]
		if f == nil || f.below == nil || f.present < s.docs || f.others > 0 {
			return false
		}
		at, name = f.below, below
	}
	f := at.fields[name]
	return f != nil && at.docs > 0 && cmp.Compare(f.present, at.docs) >= 0
}
