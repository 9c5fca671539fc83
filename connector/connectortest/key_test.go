package connectortest

import (
	"testing"
)

func TestKeysCompareAsTheContractSays(t *testing.T) {
	t.Parallel()
	ascending := [][]key{
		{{int64(-5)}, {int64(2)}, {int64(10)}},
		{{uint64(9)}, {uint64(1 << 63)}},
		{{[]byte("10")}, {[]byte("9")}, {[]byte("Z")}, {[]byte("a")}, {[]byte("é")}},
		{{int64(1), []byte("b")}, {int64(2), []byte("a")}, {int64(2), []byte("aa")}},
		{{false}, {true}},
		{{-1.5}, {0.25}},
		{{int64(7)}, {nil}},
	}
	for _, keys := range ascending {
		for i := range keys {
			for j := range keys {
				got := compareKeys(keys[i], keys[j])
				if want := compareKeys(key{int64(i)}, key{int64(j)}); got != want {
					t.Errorf("%s against %s gives %d, want %d", keys[i], keys[j], got, want)
				}
				if same := keys[i].id() == keys[j].id(); same != (i == j) {
					t.Errorf("%s and %s are the same: %t", keys[i], keys[j], same)
				}
			}
		}
	}
	if a, b := (key{[]byte("a"), []byte("bc")}), (key{[]byte("ab"), []byte("c")}); a.id() == b.id() {
		t.Errorf("%s and %s are taken for the same", a, b)
	}
}

func TestCutsCoverBothEnds(t *testing.T) {
	t.Parallel()
	for n := range 200 {
		chosen := cuts(n)
		if len(chosen) > maxCuts || (n > 0 && (chosen[0] != 1 || chosen[len(chosen)-1] != n)) {
			t.Fatalf("a read of %d batches is cut after %v", n, chosen)
		}
		for i := 1; i < len(chosen); i++ {
			if chosen[i] <= chosen[i-1] || chosen[i] > n {
				t.Fatalf("a read of %d batches is cut after %v", n, chosen)
			}
		}
	}
}

func TestLeakedFindsGrandchildren(t *testing.T) {
	t.Parallel()
	end := make(chan struct{})
	started := make(chan struct{})
	stacks := leaked(func() {
		go func() {
			go func() { close(started); <-end }()
		}()
		<-started
	})
	close(end)
	if stacks == "" {
		t.Error("a goroutine started by a goroutine is not found")
	}
	if stacks := leaked(func() {}); stacks != "" {
		t.Errorf("nothing was started, but found: %s", stacks)
	}
}
