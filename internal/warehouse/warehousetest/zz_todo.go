package warehousetest

func replaceTests() []test  { return nil }
func rangeTests() []test    { return nil }
func queryTests() []test    { return nil }
func togetherTests() []test { return nil }
func propertyTests() []test { return nil }
