package mongodb

import (
	"context"
	"encoding/hex"
	"fmt"
	"strings"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
	"go.mongodb.org/mongo-driver/v2/x/bsonx/bsoncore"

	"github.com/regrant/regrant/connector"
)

// mostKeys is what Exists takes at once.
const mostKeys = 10_000

// Exists looks single keys up by the index that every collection has.
func (s *source) Exists(ctx context.Context, table connector.Table, keys arrow.RecordBatch) ([]bool, error) {
	exists := make([]bool, keys.NumRows())
	if len(exists) == 0 {
		return exists, nil
	}
	if len(exists) > mostKeys || keys.NumCols() != 1 {
		return nil, s.classify(ctx, fmt.Errorf("%d keys of %d columns at once, at most %d of one are looked up", len(exists), keys.NumCols(), mostKeys), connector.StepRead, table.Name)
	}
	c, err := s.take(ctx)
	if err != nil {
		return nil, err
	}
	defer func() { s.put(c) }()
	asked := bson.A{}
	rows := map[string][]int{}
	for i := range exists {
		text, ok := keyText(keyKindOf(table), keys.Column(0), i)
		if !ok {
			continue // no key of this collection can look so
		}
		v, err := valueOf(text)
		if err != nil {
			continue
		}
		asked = append(asked, v)
		rows[text] = append(rows[text], i)
	}
	err = guarded(ctx, c, func() error {
		cursor, err := c.client.Database(s.database()).Collection(table.Name).Find(ctx, bson.D{{Key: keyColumn, Value: bson.D{{Key: "$in", Value: asked}}}},
			options.Find().SetProjection(bson.D{{Key: keyColumn, Value: 1}}).SetBatchSize(mostKeys))
		if err != nil {
			return err
		}
		defer cursor.Close(context.WithoutCancel(ctx))
		for cursor.Next(ctx) {
			v, err := bsoncore.Document(cursor.Current).LookupErr(keyColumn)
			if err != nil {
				return err
			}
			text, err := valueText(v)
			if err != nil {
				continue
			}
			for _, i := range rows[text] {
				exists[i] = true
			}
		}
		return cursor.Err()
	})
	if err != nil {
		return nil, s.classify(ctx, err, connector.StepRead, table.Name)
	}
	return exists, nil
}

// keyText writes a key of the warehouse as a position's value.
func keyText(k kind, column arrow.Array, row int) (string, bool) {
	if column.IsNull(row) {
		return "", false
	}
	switch column := column.(type) {
	case *array.Int64:
		return fmt.Sprintf("i:%d", column.Value(row)), k == wholes
	case *array.String:
		text := column.Value(row)
		switch k {
		case objectIDs:
			b, err := hex.DecodeString(text)
			return "o:" + text, err == nil && len(b) == 12
		case uuids:
			text = strings.ReplaceAll(text, "-", "")
			b, err := hex.DecodeString(text)
			return "u:" + text, err == nil && len(b) == 16
		case texts:
			return "s:" + text, true
		}
	}
	return "", false
}

// Tally counts the documents that Read had delivered when it reached at. It is
// exact only where nothing can have been delivered beyond the position: while
// a first reading is under way.
func (s *source) Tally(ctx context.Context, table connector.Table, how connector.Replication, at connector.Position) (connector.Tally, error) {
	pos, err := parsePosition(at)
	if err != nil {
		return connector.Tally{}, positionFault(table.Name, err)
	}
	if how.Method == connector.FullTable {
		return connector.Tally{Rows: pos.Rows, Exact: pos.Run == nil && at != ""}, nil
	}
	filter, exact := bson.D{}, false
	switch {
	case at == "", pos.Run != nil && pos.Run.Phase == phaseFirst && pos.Run.After == "":
		return connector.Tally{Exact: true}, nil
	case pos.Run != nil && pos.Run.Phase == phaseFirst:
		v, err := valueOf(pos.Run.After)
		if err != nil {
			return connector.Tally{}, positionFault(table.Name, err)
		}
		filter, exact = bson.D{{Key: keyColumn, Value: bson.D{{Key: "$lte", Value: v}}}}, true
	}
	c, err := s.take(ctx)
	if err != nil {
		return connector.Tally{}, err
	}
	defer func() { s.put(c) }()
	var rows int64
	err = guarded(ctx, c, func() (err error) {
		rows, err = c.client.Database(s.database()).Collection(table.Name).CountDocuments(ctx, filter)
		return err
	})
	if err != nil {
		return connector.Tally{}, s.classify(ctx, err, connector.StepRead, table.Name)
	}
	return connector.Tally{Rows: rows, Exact: exact}, nil
}
