package teach

import (
	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"

	"github.com/regrant/regrant/connector"
)

// record builds the columns asked for; nil when there are no rows.
func (r *reading) record(rows []Row) arrow.RecordBatch {
	if len(rows) == 0 {
		return nil
	}
	columns := r.req.Columns
	if r.req.Pass == connector.PassKeys {
		columns = r.req.Table.Key
	}
	b := array.NewRecordBuilder(r.mem, r.req.Table.Schema(columns))
	defer b.Release()
	for i, name := range columns {
		fill(b.Field(i), name, rows)
	}
	return b.NewRecordBatch()
}

func fill(b array.Builder, column string, rows []Row) {
	for _, row := range rows {
		switch column {
		case "name":
			b.(*array.StringBuilder).Append(row.Name)
		case "id":
			b.(*array.Int64Builder).Append(row.ID)
		case "amount":
			b.(*array.Int64Builder).Append(row.Amount)
		case "updated":
			b.(*array.Int64Builder).Append(row.Updated)
		case "added":
			b.(*array.Int64Builder).Append(row.Added)
		}
	}
}

// keyRange says what a batch is complete for; 0 is an open end.
func (r *reading) keyRange(after, through int64) *connector.KeyRange {
	return &connector.KeyRange{After: r.end(after), Through: r.end(through)}
}

func (r *reading) end(id int64) arrow.RecordBatch {
	if id == 0 {
		return nil
	}
	b := array.NewRecordBuilder(r.mem, r.req.Table.Schema(r.req.Table.Key))
	defer b.Release()
	b.Field(0).(*array.Int64Builder).Append(id)
	return b.NewRecordBatch()
}
