package mysqlfake

import "testing"

// New starts a server that ends with the test.
func New(t testing.TB, s Script) *Server {
	t.Helper()
	f, err := Start(s)
	if err != nil {
		t.Fatalf("start the fake MySQL: %v", err)
	}
	t.Cleanup(func() {
		if err := f.Close(); err != nil {
			t.Errorf("close the fake MySQL: %v", err)
		}
	})
	return f
}
