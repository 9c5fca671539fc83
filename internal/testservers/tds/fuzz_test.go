package tds

import "testing"

func FuzzParse(f *testing.F) {
	f.Add("SELECT TOP (5) t.[a], CONVERT(int, N'5') FROM [dbo].[t] AS t WHERE t.[a] > 3 AND (t.[b] IS NULL OR t.[c] = 0x01) ORDER BY t.[a] OPTION (RECOMPILE)")
	f.Add("SELECT CASE WHEN 1 = 1 THEN 'a' ELSE 'b' END")
	f.Fuzz(func(t *testing.T, sql string) {
		d := NewDatabase("shop")
		d.Add(&Table{Schema: "dbo", Name: "t", Columns: []TableColumn{{Column: Column{"a", Type{Name: "int"}}}, {Column: Column{"b", Type{Name: "int"}}}}, Rows: [][]any{{int64(1), nil}}})
		_ = d.Answer(&Session{}, sql, nil) // an answer or an error, never a panic
	})
}

func FuzzMessages(f *testing.F) {
	f.Add(make([]byte, 100))
	f.Add([]byte{4, 0, 0, 0, 0xff, 0xff, 10, 0, 0, 0, 0, 0, 0x26, 4, 4, 1, 0, 0, 0})
	f.Fuzz(func(_ *testing.T, data []byte) {
		_, _ = parseLogin(data)
		_, _, _ = parseRequest(message{packBatch, data})
		_, _, _ = parseRequest(message{packRPC, data})
		_ = askedEncryption(data)
	})
}
