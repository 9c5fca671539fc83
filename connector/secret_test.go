package connector

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
)

// TestSecretFunc wants a computed secret to be made anew each time, and to be
// printed as little as any other.
func TestSecretFunc(t *testing.T) {
	t.Parallel()
	turns := 0
	s := NewSecretFunc(func() string {
		turns++
		return fmt.Sprintf("token-%d", turns)
	})
	if s.Empty() || turns != 0 {
		t.Errorf("Empty is %t after %d turns", s.Empty(), turns)
	}
	if a, b := s.Reveal(), s.Reveal(); a != "token-1" || b != "token-2" {
		t.Errorf("revealed %q, then %q", a, b)
	}
	inside := struct{ hidden Secret }{s}
	encoded, err := json.Marshal(s)
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{fmt.Sprint(s), fmt.Sprintf("%#v", s), fmt.Sprintf("%+v", inside), string(encoded)} {
		if strings.Contains(text, "token-") {
			t.Errorf("printed as %s", text)
		}
	}
	if turns != 2 {
		t.Errorf("printing computes the secret: %d turns", turns)
	}
}
