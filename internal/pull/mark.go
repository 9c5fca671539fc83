package pull

import (
	"encoding/json"
	"fmt"
	"slices"

	"github.com/regrant/regrant/connector"
)

// mark is what is kept beside a table's rows: the connector's position and
// what it belongs to. It is committed in one transaction with the rows, so
// that a position is never read with another method, key or account.
type mark struct {
	Version int                `json:"v"`
	Method  connector.Method   `json:"method"`
	Column  string             `json:"column,omitempty"`
	Account string             `json:"account,omitempty"` // fingerprint
	Key     []string           `json:"key,omitempty"`
	Columns []string           `json:"columns,omitempty"` // that the rows were read with
	At      connector.Position `json:"at,omitempty"`
	Ended   bool               `json:"ended,omitempty"` // the source had no more behind At
	Sweep   *sweep             `json:"sweep,omitempty"` // an interrupted recheck of values
	Catch   catch              `json:"catch,omitzero"`  // read since the end was last reached
}

// sweep is how far a recheck of values has come.
type sweep struct {
	Columns []string           `json:"columns"`
	Resume  connector.Position `json:"resume"`
}

// catch counts what was read since the end was last reached, over however
// many interrupted pulls: the receipt of a gap names it.
type catch struct {
	Rows  int64 `json:"rows,omitempty"`
	Bytes int64 `json:"bytes,omitempty"`
}

const markVersion = 1

// parseMark reads what encode wrote; an empty text is the start.
func parseMark(text connector.Position) (mark, error) {
	var m mark
	if text == "" {
		return m, nil
	}
	if err := json.Unmarshal([]byte(text), &m); err != nil {
		return m, fmt.Errorf("the position kept beside the rows: %w", err)
	}
	if m.Version != markVersion {
		return m, fmt.Errorf("the position kept beside the rows is of version %d, this program knows %d", m.Version, markVersion)
	}
	return m, nil
}

func (m mark) encode() (connector.Position, error) {
	m.Version = markVersion
	text, err := json.Marshal(m)
	if err != nil {
		return "", fmt.Errorf("encoding a position: %w", err)
	}
	return connector.Position(text), nil
}

// follows says whether the position was made by this method on this column.
func (m mark) follows(how connector.Replication) bool {
	return m.Method == how.Method && m.Column == how.Column
}

func (m mark) keyed(key []string) bool { return slices.Equal(m.Key, key) }
