package sqlkit_test

import (
	"fmt"
	"testing"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"

	"github.com/regrant/regrant/connector/sqlkit"
)

// TestColumns fills each kind twice, because a column is used for one record
// after the other.
func TestColumns(t *testing.T) {
	t.Parallel()
	numbers := sqlkit.NewNumbers[int64](arrow.PrimitiveTypes.Int64)
	bools := &sqlkit.Bools{}
	texts := sqlkit.NewTexts(arrow.BinaryTypes.String)
	lists := sqlkit.NewTextLists()
	for range 2 {
		numbers.Append(7)
		numbers.AppendNull()
		bools.AppendNull()
		bools.Append(true)
		texts.Append([]byte("a"))
		texts.Append(nil)
		texts.AppendNull()
		lists.Item([]byte("x"))
		lists.Item([]byte("y"))
		lists.End()
		lists.AppendNull()
		lists.End()
		for got, want := range map[arrow.Array]string{
			numbers.Finish(): "[7 (null)]", bools.Finish(): "[(null) true]", texts.Finish(): `["a" "" (null)]`, lists.Finish(): `[["x" "y"] (null) []]`,
		} {
			if s := fmt.Sprint(got); s != want {
				t.Errorf("got %s, want %s", s, want)
			}
		}
	}
	numbers.Lose()
	if numbers.Lost() != 1 {
		t.Error("a lost value is not counted")
	}
}

func TestRowOf(t *testing.T) {
	t.Parallel()
	texts := sqlkit.NewTexts(arrow.BinaryTypes.String)
	texts.Append([]byte("a"))
	texts.Append([]byte("b"))
	schema := arrow.NewSchema([]arrow.Field{{Name: "k", Type: arrow.BinaryTypes.String}}, nil)
	row := sqlkit.RowOf(array.NewRecordBatch(schema, []arrow.Array{texts.Finish()}, 2), []string{"k"}, 1)
	if row.NumRows() != 1 || row.Column(0).ValueStr(0) != "b" {
		t.Errorf("got %v", row)
	}
}
