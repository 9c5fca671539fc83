package sqlserver

import (
	"strings"
	"testing"

	"github.com/regrant/regrant/connector"
	"github.com/regrant/regrant/internal/testservers/tds"
)

// What a literal holds is what the server reads back, whatever is in it.
func FuzzLiteral(f *testing.F) {
	for _, s := range []string{"", "'", "a'b''c", "\\\n", "x\\\r\ny", "]", "--", "/*", "ä\U0001F600", "');DROP TABLE t--"} {
		f.Add(s)
	}
	db := tds.NewDatabase("shop")
	f.Fuzz(func(t *testing.T, s string) {
		if strings.ContainsRune(s, 0) {
			t.Skip("no text of SQL Server that Go's UTF-8 would not have, but for this one")
		}
		r := db.Answer(&tds.Session{}, "SELECT "+literal(s), nil)
		if len(r.Errors) > 0 || r.Rows[0][0] != s {
			t.Errorf("%q came back as %+v", s, r)
		}
	})
}

func FuzzTableName(f *testing.F) {
	f.Add("dbo", "t")
	f.Add(`a.b`, `c"d`)
	f.Fuzz(func(t *testing.T, schema, name string) {
		if schema == "" || name == "" {
			t.Skip("nothing is called so")
		}
		s, n, err := splitName(tableName(schema, name))
		if err != nil || s != schema || n != name {
			t.Errorf("%q and %q came back as %q and %q (%v)", schema, name, s, n, err)
		}
	})
}

func FuzzPosition(f *testing.F) {
	f.Add(`{"v":1,"m":"modified_at","c":"at","done":{"high":"x"},"run":{"phase":"new","next":{"high":"y"},"after":["1"]}}`)
	f.Add(`{"v":1,"m":"primary_key_batch","ranges":[{"through":["1"],"n":1,"h":"2"},{"n":0,"h":"0"}],"run":{"phase":"","index":1}}`)
	f.Fuzz(func(t *testing.T, text string) {
		pos, err := parsePosition(connector.Position(text))
		if err != nil || text == "" {
			return
		}
		if _, err := parsePosition(pos.text()); err != nil {
			t.Errorf("a position that was read cannot be read again: %v", err)
		}
		_, _ = parsePass(connector.Position(text))
	})
}
