package mongodb

import (
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/x/bsonx/bsoncore"

	"github.com/regrant/regrant/connector"
)

// position is how far a collection has been read, as it is stored: JSON. Values
// of the source are texts with their kind before them; see valueText. Fields
// may be added in later versions, never renamed or removed.
type position struct {
	Version int    `json:"v"`
	Method  string `json:"m"`
	Column  string `json:"c,omitempty"`

	Done string `json:"done,omitempty"` // everything up to this value of the column was delivered
	Run  *run   `json:"run,omitempty"`  // a reading that is under way
	Rows int64  `json:"rows,omitempty"` // of FullTable, delivered so far
}

// run is a reading under way: it goes on after the value After.
type run struct {
	Phase string `json:"phase"`
	Next  string `json:"next,omitempty"` // what Done becomes at the end
	After string `json:"after,omitempty"`
}

// passPosition is how far a PassKeys or PassColumns came.
type passPosition struct {
	Version int    `json:"v"`
	Pass    string `json:"p"`
	After   string `json:"after,omitempty"`
	Ended   bool   `json:"ended,omitempty"`
}

const (
	positionVersion = 1
	positionBytes   = 1 << 20 // an _id may have 1 KB, and no index takes more
)

func load(p connector.Position, into any, version *int) error {
	if p == "" {
		return nil
	}
	if len(p) > positionBytes {
		return fmt.Errorf("a position of %d bytes", len(p))
	}
	if err := json.Unmarshal([]byte(p), into); err != nil {
		return fmt.Errorf("the position is not JSON of ours: %w", err)
	}
	if *version != positionVersion {
		return fmt.Errorf("a position of version %d; this release knows version %d", *version, positionVersion)
	}
	return nil
}

func parsePosition(p connector.Position) (position, error) {
	var pos position
	if err := load(p, &pos, &pos.Version); err != nil {
		return pos, err
	}
	values := []string{pos.Done}
	if pos.Run != nil {
		values = append(values, pos.Run.Next, pos.Run.After)
	}
	return pos, checkValueTexts(values...)
}

func parsePass(p connector.Position) (passPosition, error) {
	var pos passPosition
	if err := load(p, &pos, &pos.Version); err != nil {
		return pos, err
	}
	return pos, checkValueTexts(pos.After)
}

func checkValueTexts(texts ...string) error {
	for _, text := range texts {
		if text == "" {
			continue
		}
		if _, err := valueOf(text); err != nil {
			return err
		}
	}
	return nil
}

func (p position) text() connector.Position {
	p.Version = positionVersion
	return marshal(p)
}

func (p passPosition) text() connector.Position {
	p.Version = positionVersion
	return marshal(p)
}

func marshal(v any) connector.Position {
	b, err := json.Marshal(v)
	if err != nil { // cannot happen: texts and numbers only
		return ""
	}
	return connector.Position(b)
}

func positionFault(table string, err error) *connector.Fault {
	return &connector.Fault{Cause: connector.Ours, Code: "mongodb.position", Step: connector.StepRead, Scope: connector.OneTable, Table: table,
		Public: "The stored place where reading goes on cannot be understood. Read the table from its start again.", Err: err}
}

var errNoText = errors.New("no text for a value") //nolint:gochecknoglobals // a sentinel

// valueText writes a key or a date as a position keeps it.
func valueText(v bsoncore.Value) (string, error) {
	switch kindOf(v) {
	case objectIDs:
		oid := v.ObjectID()
		return "o:" + hex.EncodeToString(oid[:]), nil
	case uuids:
		_, b := v.Binary()
		return "u:" + hex.EncodeToString(b), nil
	case texts:
		if s, ok := v.StringValueOK(); ok && utf8.ValidString(s) {
			return "s:" + s, nil
		}
	case dates:
		return "d:" + dateText(v.DateTime()), nil
	case wholes, doubles:
		if n, ok := wholeOf(v); ok {
			return "i:" + strconv.FormatInt(n, 10), nil
		}
	}
	return "", fmt.Errorf("%w of type %s", errNoText, v.Type)
}

// valueOf is the inverse of valueText.
func valueOf(text string) (any, error) {
	form, rest, ok := strings.Cut(text, ":")
	if !ok {
		return nil, fmt.Errorf("a value without a kind in a position")
	}
	switch form {
	case "o":
		return bson.ObjectIDFromHex(rest)
	case "u":
		b, err := hex.DecodeString(rest)
		if err != nil || len(b) != 16 {
			return nil, fmt.Errorf("%d bytes are no UUID", len(b))
		}
		return bson.Binary{Subtype: bson.TypeBinaryUUID, Data: b}, nil
	case "s":
		return rest, nil
	case "d":
		t, err := time.Parse(time.RFC3339Nano, rest)
		if err != nil {
			return nil, fmt.Errorf("no date in a position: %w", err)
		}
		return bson.NewDateTimeFromTime(t), nil
	case "i":
		return strconv.ParseInt(rest, 10, 64)
	}
	return nil, fmt.Errorf("a value of kind %.10q in a position", form)
}

// bsonOf is a position's value as a document holds it.
func bsonOf(text string) (bsoncore.Value, error) {
	v, err := valueOf(text)
	if err != nil {
		return bsoncore.Value{}, err
	}
	t, data, err := bson.MarshalValue(v)
	if err != nil {
		return bsoncore.Value{}, fmt.Errorf("a position's value: %w", err)
	}
	return bsoncore.Value{Type: bsoncore.Type(t), Data: data}, nil
}
