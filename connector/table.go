package connector

import (
	"time"

	"github.com/apache/arrow-go/v18/arrow"
)

// Table is a named set of rows that a source can deliver.
type Table struct {
	Name          string   // unique in its source, qualified: "public.orders"
	Key           []string // columns; empty: rows have no identity
	Columns       []Column
	Replications  []Replication // possible ones, the recommended one first
	EstimatedRows int64         // -1: not known
	Retention     time.Duration // how far back the source still answers; 0: all
	LookBack      time.Duration // restated by the source; read again each time
	Privilege     string        // needed to read it: "SELECT on public.orders"

	// Fault tells why the table cannot be read now; nil when it can. Rows
	// that a policy hides count as not readable (scope table).
	Fault *Fault
}

// Column returns the column with the name, or false.
func (t Table) Column(name string) (Column, bool) {
	for _, c := range t.Columns {
		if c.Name == name {
			return c, true
		}
	}
	return Column{}, false
}

// Schema is the Arrow schema of the columns named, in that order.
func (t Table) Schema(columns []string) *arrow.Schema {
	fields := make([]arrow.Field, 0, len(columns))
	for _, name := range columns {
		if c, ok := t.Column(name); ok {
			fields = append(fields, c.Field())
		}
	}
	return arrow.NewSchema(fields, nil)
}

// Column is one column of a table.
type Column struct {
	Name       string
	SourceType string         // as the source writes it: "numeric(12,2)"
	Type       arrow.DataType // as it arrives in a Batch
	Nullable   bool
	Indexed    bool   // first column of an index
	Denied     bool   // this authorization may not read it
	Lossy      string // what the conversion loses, in words; empty: nothing
}

// JSONField marks a string column as JSON in an Arrow field's metadata.
const JSONField = "regrant.json"

// Field is the column as an Arrow field; its metadata key "source" holds
// SourceType. JSON columns carry JSONField with value "true".
func (c Column) Field() arrow.Field {
	meta := map[string]string{"source": c.SourceType}
	if c.SourceType == "json" || c.SourceType == "jsonb" {
		meta[JSONField] = "true"
	}
	return arrow.Field{Name: c.Name, Type: c.Type, Nullable: true, Metadata: arrow.MetadataFrom(meta)}
}

// Method is how changes of a table are found.
type Method string

// The replication methods; stored and shown, never renamed.
const (
	ModifiedAt      Method = "modified_at"       // a date that moves with every change
	AutoIncrement   Method = "auto_increment"    // one ever-growing integer key
	AddDate         Method = "add_date"          // a date set once, at insert
	PrimaryKeyBatch Method = "primary_key_batch" // counts and sums over key ranges
	FullTable       Method = "full_table"        // everything, swapped in at the end
	Paused          Method = "paused"
)

// Replication is a method with the column it follows.
type Replication struct {
	Method Method
	Column string // empty for PrimaryKeyBatch, FullTable, Paused
	Reason string // why it was offered, for people
}

// Position is how far a table has been read. It is opaque to everyone but the
// connector that made it, is text (JSON by convention), holds no secret, and
// must load in every later version. The empty Position is the start.
type Position string

// Pass is what a Read is for.
type Pass uint8

// The passes.
const (
	// PassRows reads what is new or changed since the position.
	PassRows Pass = iota
	// PassColumns compares columns of rows already read: it yields key and
	// Request.Columns of every row up to the position.
	PassColumns
	// PassKeys yields the key of every row up to the position, in key order,
	// so that deleted rows can be found.
	PassKeys
)

// Request is what to read.
type Request struct {
	Table       Table
	Columns     []string // which, in this order; always includes the key
	Replication Replication
	Pass        Pass
	Position    Position // where to go on; for PassColumns and PassKeys the end
	Resume      Position // of an interrupted PassColumns or PassKeys; see Batch.Position
	Limit       int64    // at most so many rows; 0: all. For previews and probes
}

// Batch is a piece of a table that can be committed on its own.
type Batch struct {
	// Record holds rows; nil when only the position moves. Its columns are
	// those of the request, or the key columns of a PassKeys.
	Record arrow.RecordBatch

	// Complete, when set, says that Record holds every key of the source
	// within the range: a row of the warehouse in it that is not in Record
	// is gone at the source. Set in PassKeys and by PrimaryKeyBatch.
	Complete *KeyRange

	// Deletes holds keys that the source says are deleted; usually nil.
	Deletes arrow.RecordBatch

	// Position is where to go on once this batch is committed. Of PassRows it
	// replaces Request.Position, of other passes Request.Resume.
	Position Position

	// Bytes is what the rows took on the wire, for receipts; 0: not known.
	Bytes int64
}

// Release releases the records of the batch.
func (b Batch) Release() {
	if b.Record != nil {
		b.Record.Release()
	}
	if b.Deletes != nil {
		b.Deletes.Release()
	}
}

// KeyRange is the keys k with After < k <= Through, compared column by column
// in the order of the table's key. A nil record is open on that side. Each
// record has one row and the key's columns.
type KeyRange struct {
	After, Through arrow.RecordBatch
}
