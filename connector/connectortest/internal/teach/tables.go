package teach

import (
	"errors"

	"github.com/apache/arrow-go/v18/arrow"

	"github.com/regrant/regrant/connector"
)

func table(t apiTable) connector.Table {
	number := arrow.PrimitiveTypes.Int64
	made := connector.Table{
		Name: t.Name,
		Key:  []string{"id"},
		Columns: []connector.Column{
			{Name: "id", SourceType: "integer", Type: number, Indexed: true},
			{Name: "name", SourceType: "string", Type: arrow.BinaryTypes.String},
			{Name: "amount", SourceType: "integer", Type: number},
			{Name: "updated", SourceType: "integer", Type: number},
			{Name: "added", SourceType: "integer", Type: number},
		},
		Replications: []connector.Replication{
			{Method: connector.ModifiedAt, Column: "updated", Reason: "updated moves with every change"},
			{Method: connector.AutoIncrement, Column: "id", Reason: "id always grows"},
			{Method: connector.AddDate, Column: "added", Reason: "added is set once"},
			{Method: connector.PrimaryKeyBatch, Reason: "the key can be walked"},
			{Method: connector.FullTable, Reason: "always possible"},
			{Method: connector.Paused, Reason: "always possible"},
		},
		EstimatedRows: t.Rows,
		Privilege:     "read " + t.Name,
	}
	if t.Denied {
		made.Fault = deniedFault(t.Name, errors.New("the list marks the table as denied"))
	}
	return made
}
