package mongodb

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
	"go.mongodb.org/mongo-driver/v2/x/bsonx/bsoncore"

	"github.com/regrant/regrant/connector"
	"github.com/regrant/regrant/connector/sqlkit"
)

// How many documents a schema is made of: the oldest, the newest, and some
// from anywhere between.
const (
	sampleEnds   = 500
	sampleRandom = 1000
	sampleTime   = 20 * time.Second
)

// errKeyKind says that documents have another kind of _id than the table's.
var errKeyKind = errors.New("the type of a key does not match the table") //nolint:gochecknoglobals // a sentinel

// Tables lists the collections, what may not be read marked so.
func (s *source) Tables(ctx context.Context) ([]connector.Table, error) {
	c, err := s.take(ctx)
	if err != nil {
		return nil, err
	}
	defer func() { s.put(c) }()
	found, err := s.list(ctx, c)
	if err != nil {
		return nil, s.classify(ctx, err, connector.StepPrivileges, "")
	}
	slices.SortFunc(found, func(a, b collection) int { return strings.Compare(a.Name, b.Name) })
	tables := make([]connector.Table, 0, len(found))
	for _, one := range found {
		if strings.HasPrefix(one.Name, "system.") {
			continue
		}
		table, err := s.tableOf(ctx, c, one)
		if err != nil {
			return nil, err
		}
		tables = append(tables, table)
	}
	return tables, nil
}

// tableOf describes a collection. What is wrong with that one alone stands in
// the table.
func (s *source) tableOf(ctx context.Context, c *session, one collection) (connector.Table, error) {
	table := connector.Table{Name: one.Name, EstimatedRows: -1, Privilege: "read on database " + s.database()}
	sketch, err := s.sketchOf(ctx, c, one)
	if err == nil {
		table.Columns = sketch.columns
		table.EstimatedRows = sketch.rows
		if sketch.keyed {
			table.Key = []string{keyColumn}
		}
		table.Replications = sketch.offer()
		return table, nil
	}
	fault := connector.FaultOf(s.classify(ctx, err, connector.StepRead, one.Name))
	if fault.Scope != connector.OneTable {
		return table, fault
	}
	table.Fault = fault
	return table, nil
}

// sketch is what a collection looks like.
type sketch struct {
	columns []connector.Column
	key     kind
	keyed   bool
	rows    int64
	why     string // there is no key
}

func (s *source) sketchOf(ctx context.Context, c *session, one collection) (sketch, error) {
	var k sketch
	err := guarded(ctx, c, func() error {
		var err error
		k, err = s.sketch(ctx, c, one)
		return err
	})
	return k, err
}

func (s *source) sketch(ctx context.Context, c *session, one collection) (sketch, error) {
	k := sketch{rows: -1}
	coll := c.client.Database(s.database()).Collection(one.Name)
	plain := one.Type != "view" && one.Type != "timeseries"
	var err error
	if plain {
		if k.rows, err = coll.EstimatedDocumentCount(ctx, options.EstimatedDocumentCount()); err != nil && !unsupported(err) && codeOf(err) != 13 {
			return k, err
		}
		if err != nil {
			k.rows = -1
		}
	}
	v := newSurvey()
	if err := s.sample(ctx, coll, plain, k.rows, v); err != nil {
		return k, err
	}
	k.key, k.keyed, k.why = anything, false, "it is a view, whose documents need no _id of their own"
	if one.Type == "timeseries" {
		k.why = "it is a time series, whose documents need no _id of their own"
	}
	if plain {
		if k.key, err = s.keyKind(ctx, coll, v); err != nil {
			return k, err
		}
		k.keyed, k.why = k.key != anything, "its _id is of a kind whose order Regrant does not follow"
	}
	k.columns = v.columns(k.key, s.recall(one.Name))
	for i := range k.columns {
		if col := &k.columns[i]; col.SourceType == dates.form().source {
			col.Nullable = !v.always(col.Name)
		}
	}
	if plain {
		s.markIndexed(ctx, c, one.Name, k.columns)
	}
	return k, nil
}

// sample looks at documents of a collection.
func (s *source) sample(ctx context.Context, coll *mongo.Collection, plain bool, rows int64, v *survey) error {
	ctx, cancel := context.WithTimeout(ctx, sampleTime)
	defer cancel()
	take := func(cursor *mongo.Cursor, err error) error {
		if err != nil {
			return err
		}
		defer cursor.Close(context.WithoutCancel(ctx))
		for cursor.Next(ctx) {
			if sound(cursor.Current, 0) {
				v.add(cursor.Current, true)
			}
		}
		return cursor.Err()
	}
	if !plain {
		return take(coll.Find(ctx, bson.D{}, options.Find().SetLimit(sampleEnds)))
	}
	if err := take(coll.Find(ctx, bson.D{}, options.Find().SetLimit(sampleEnds).SetSort(bson.D{{Key: keyColumn, Value: 1}}))); err != nil {
		return err
	}
	if rows >= 0 && rows <= sampleEnds {
		return nil
	}
	if err := take(coll.Find(ctx, bson.D{}, options.Find().SetLimit(sampleEnds).SetSort(bson.D{{Key: keyColumn, Value: -1}}))); err != nil {
		return err
	}
	if rows >= 0 && rows <= 2*sampleEnds {
		return nil
	}
	err := take(coll.Aggregate(ctx, bson.A{bson.D{{Key: "$sample", Value: bson.D{{Key: "size", Value: sampleRandom}}}}}))
	if unsupported(err) {
		return nil // the ends have to do
	}
	return err
}

// keyKind finds out of which kind all keys are. MongoDB orders values of
// different kinds by their kind first, so that the first and the last tell.
func (s *source) keyKind(ctx context.Context, coll *mongo.Collection, v *survey) (kind, error) {
	first, err := s.keyAt(ctx, coll, 1)
	if err != nil {
		return anything, err
	}
	last, err := s.keyAt(ctx, coll, -1)
	if err != nil {
		return anything, err
	}
	if first.Type == 0 || last.Type == 0 { // empty: as MongoDB makes them by itself
		return objectIDs, nil
	}
	low, high := kindOf(first), kindOf(last)
	switch {
	case isNumber(low) && isNumber(high):
		if f := v.fields[keyColumn]; f != nil {
			low = merge(low, f.kind)
		}
		if _, whole := wholeOf(first); !whole {
			return anything, nil
		}
		if _, whole := wholeOf(last); !whole {
			return anything, nil
		}
		// Whole numbers may be stored as doubles.
		return wholes, nil
	case low == high && (low == objectIDs || low == uuids):
		return low, nil
	case low == texts && high == texts && first.Type == bsoncore.TypeString && last.Type == bsoncore.TypeString:
		return texts, nil
	}
	return anything, nil
}

// keyAt is the first or last key of a collection; without a type when empty.
func (s *source) keyAt(ctx context.Context, coll *mongo.Collection, direction int) (bsoncore.Value, error) {
	raw, err := coll.FindOne(ctx, bson.D{}, options.FindOne().SetSort(bson.D{{Key: keyColumn, Value: direction}}).
		SetProjection(bson.D{{Key: keyColumn, Value: 1}})).Raw()
	if errors.Is(err, mongo.ErrNoDocuments) {
		return bsoncore.Value{}, nil
	}
	if err != nil {
		return bsoncore.Value{}, err
	}
	v, err := bsoncore.Document(raw).LookupErr(keyColumn)
	if err != nil {
		return v, fmt.Errorf("a document without _id: %w", err)
	}
	return v, nil
}

// markIndexed notes which columns an index begins with. Without the right to
// list indexes nothing is known of them.
func (s *source) markIndexed(ctx context.Context, c *session, name string, columns []connector.Column) {
	cursor, err := c.cursor(ctx, s.database(), bson.D{{Key: "listIndexes", Value: name}, {Key: "cursor", Value: bson.D{}}})
	if err != nil {
		return
	}
	var indexes []struct {
		Key bson.D `bson:"key"`
	}
	if err := cursor.All(ctx, &indexes); err != nil {
		return
	}
	for _, index := range indexes {
		for i := range columns {
			if len(index.Key) > 0 && index.Key[0].Key == columns[i].Name {
				columns[i].Indexed = true
			}
		}
	}
}

// offer lists the possible methods. Counting and summing ranges of keys is not
// among them: MongoDB has no hash of documents that a reader may ask for.
func (k sketch) offer() []connector.Replication {
	shape := sqlkit.Shape{Columns: k.columns, EstimatedRows: k.rows}
	if k.keyed {
		shape.Key = []string{keyColumn}
	}
	if k.key == objectIDs || k.key == wholes {
		shape.AutoIncrement = keyColumn
	}
	list := slices.DeleteFunc(sqlkit.Offer(shape), func(r connector.Replication) bool { return r.Method == connector.PrimaryKeyBatch })
	for i := range list {
		switch r := &list[i]; {
		case r.Method == connector.AutoIncrement && k.key == objectIDs:
			r.Reason = "new documents are found by _id, which begins with the time; changed ones are found by rechecks"
		case r.Method == connector.AutoIncrement:
			r.Reason = "choose it only if _id grows with every new document; changed ones are found by rechecks"
		case r.Method == connector.FullTable && !k.keyed:
			r.Reason = k.why
		}
	}
	if list[0].Method == connector.AddDate || list[0].Method == connector.AutoIncrement && k.key == wholes {
		// Nothing says that it would find everything: whole is the safe choice.
		i := slices.IndexFunc(list, func(r connector.Replication) bool { return r.Method == connector.FullTable })
		full := list[i]
		list = slices.Insert(slices.Delete(list, i, i+1), 0, full)
	}
	return list
}

// now looks a collection's key up afresh: since the table was listed, keys of
// another kind may have come, or the collection may be gone.
func (s *source) now(ctx context.Context, c *session, table connector.Table) (collection, error) {
	found, err := s.list(ctx, c)
	if err != nil {
		return collection{}, err
	}
	i := slices.IndexFunc(found, func(o collection) bool { return o.Name == table.Name })
	if i < 0 {
		return collection{}, &connector.Fault{Cause: connector.AccessChanged, Code: "mongodb.table_missing", Step: connector.StepRead, Scope: connector.OneTable, Table: table.Name,
			Public: table.Name + " does not exist any more, or the user may not see it. If it was renamed, choose it under its new name.", Err: errors.New("no such collection is listed")}
	}
	if len(table.Key) == 0 {
		return found[i], nil
	}
	return found[i], guarded(ctx, c, func() error {
		coll := c.client.Database(s.database()).Collection(table.Name)
		for _, direction := range []int{1, -1} {
			v, err := s.keyAt(ctx, coll, direction)
			if err != nil {
				return err
			}
			if v.Type != 0 && !fits(keyKindOf(table), v) {
				return keyFault(table.Name)
			}
		}
		return nil
	})
}

func keyKindOf(table connector.Table) kind {
	c, _ := table.Column(keyColumn)
	return kindNamed(c.SourceType)
}

// fits says whether a key is of the kind.
func fits(k kind, v bsoncore.Value) bool {
	if k == wholes {
		_, ok := wholeOf(v)
		return ok
	}
	return kindOf(v) == k
}

func keyFault(table string) *connector.Fault {
	return &connector.Fault{Cause: connector.AccessChanged, Code: "mongodb.key_kind", Step: connector.StepRead, Scope: connector.OneTable, Table: table,
		Public: "Documents of " + table + " now have an _id of another kind than before. Have the list of tables read again, then read this one from its start.", Err: errKeyKind}
}
