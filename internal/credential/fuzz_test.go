package credential_test

import (
	"strings"
	"testing"

	"github.com/regrant/regrant/connector"
	"github.com/regrant/regrant/internal/credential"
)

func FuzzParseMaster(f *testing.F) {
	key := credential.NewMasterKey().Reveal()
	f.Add(key)
	f.Add("# a comment\n" + key + ",\r\n")
	f.Add(key[:20])
	f.Add("\x00\xff")
	f.Fuzz(func(t *testing.T, text string) {
		m, err := credential.ParseMaster(connector.NewSecret(text))
		if (m == nil) == (err == nil) {
			t.Errorf("master %v with error %v", m, err)
		}
		if err != nil && len(text) > 20 && strings.Contains(err.Error(), text) {
			t.Errorf("the error repeats the key: %v", err)
		}
	})
}

// FuzzSealed puts anything in the place of sealed bytes.
func FuzzSealed(f *testing.F) {
	master, err := credential.ParseMaster(credential.NewMasterKey())
	if err != nil {
		f.Fatal(err)
	}
	f.Add([]byte{})
	f.Add([]byte{0xff, 0xff, 0xff, 0xff, 1})
	f.Add([]byte{0, 0, 0, 5, 1, 2, 3, 4, 5, 6})
	f.Fuzz(func(t *testing.T, sealed []byte) {
		v := credential.New(one{sealed: sealed}, master)
		got, err := v.Open(t.Context(), "a", 1, "ada", "test")
		if err == nil || got != nil {
			t.Errorf("%x opened as %d secrets", sealed, len(got))
		}
	})
}
