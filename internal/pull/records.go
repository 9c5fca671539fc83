package pull

import (
	"iter"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
)

// chunks joins records into ones of at most n rows. Whoever ranges releases
// them.
func chunks(records []arrow.RecordBatch, n int64) iter.Seq2[arrow.RecordBatch, error] {
	return func(yield func(arrow.RecordBatch, error) bool) {
		var pieces []arrow.RecordBatch
		var rows int64
		flush := func() bool {
			joined, err := concatenate(pieces)
			releaseAll(pieces)
			pieces, rows = nil, 0
			return yield(joined, err) && err == nil
		}
		for _, record := range records {
			for at := int64(0); at < record.NumRows(); {
				take := min(n-rows, record.NumRows()-at)
				pieces = append(pieces, record.NewSlice(at, at+take))
				rows, at = rows+take, at+take
				if rows == n && !flush() {
					return
				}
			}
		}
		if rows > 0 {
			flush()
		}
	}
}

// without returns the rows whose mark is false.
func without(record arrow.RecordBatch, marks []bool) (arrow.RecordBatch, error) {
	var pieces []arrow.RecordBatch
	defer func() { releaseAll(pieces) }()
	for at := 0; at < len(marks); {
		end := at
		for end < len(marks) && marks[end] == marks[at] {
			end++
		}
		if !marks[at] {
			pieces = append(pieces, record.NewSlice(int64(at), int64(end)))
		}
		at = end
	}
	if len(pieces) == 0 {
		return emptyRecord(record.Schema()), nil
	}
	return concatenate(pieces)
}

// concatenate joins at least one record.
func concatenate(records []arrow.RecordBatch) (arrow.RecordBatch, error) {
	if len(records) == 1 {
		records[0].Retain()
		return records[0], nil
	}
	schema := records[0].Schema()
	columns := make([]arrow.Array, 0, schema.NumFields())
	defer func() {
		for _, c := range columns {
			c.Release()
		}
	}()
	var rows int64
	for _, r := range records {
		rows += r.NumRows()
	}
	for n := range schema.NumFields() {
		parts := make([]arrow.Array, 0, len(records))
		for _, r := range records {
			parts = append(parts, r.Column(n))
		}
		column, err := array.Concatenate(parts, memory.DefaultAllocator)
		if err != nil {
			return nil, err
		}
		columns = append(columns, column)
	}
	return array.NewRecordBatch(schema, columns, rows), nil
}

func releaseAll(records []arrow.RecordBatch) {
	for _, r := range records {
		r.Release()
	}
}
