package mongodb

import "go.mongodb.org/mongo-driver/v2/x/bsonx/bsoncore"

// sound says whether a document is one to its very end. The driver's own look
// at a document lets lengths pass that its readers then panic at.
func sound(document []byte, depth int) bool {
	good := depth <= mostDepth
	return good && eachElement(document, func(_ []byte, v bsoncore.Value) bool {
		good = soundValue(v, depth)
		return good
	}) && good
}

func soundValue(v bsoncore.Value, depth int) (ok bool) {
	switch v.Type {
	case bsoncore.TypeEmbeddedDocument, bsoncore.TypeArray:
		return sound(v.Data, depth+1)
	case bsoncore.TypeString:
		_, ok = v.StringValueOK()
	case bsoncore.TypeInt32:
		_, ok = v.Int32OK()
	case bsoncore.TypeInt64:
		_, ok = v.Int64OK()
	case bsoncore.TypeDouble:
		_, ok = v.DoubleOK()
	case bsoncore.TypeBoolean:
		_, ok = v.BooleanOK()
	case bsoncore.TypeObjectID:
		_, ok = v.ObjectIDOK()
	case bsoncore.TypeDateTime:
		_, ok = v.DateTimeOK()
	case bsoncore.TypeDecimal128:
		_, _, ok = v.Decimal128OK()
	case bsoncore.TypeBinary:
		_, _, ok = v.BinaryOK()
	case bsoncore.TypeRegex:
		_, _, ok = v.RegexOK()
	case bsoncore.TypeTimestamp:
		_, _, ok = v.TimestampOK()
	case bsoncore.TypeSymbol:
		_, ok = v.SymbolOK()
	case bsoncore.TypeJavaScript:
		_, ok = v.JavaScriptOK()
	case bsoncore.TypeDBPointer:
		_, _, ok = v.DBPointerOK()
	case bsoncore.TypeCodeWithScope:
		_, scope, known := v.CodeWithScopeOK()
		return known && sound(scope, depth+1)
	case bsoncore.TypeNull, bsoncore.TypeUndefined, bsoncore.TypeMinKey, bsoncore.TypeMaxKey:
		return true
	}
	return ok
}
