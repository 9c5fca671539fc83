package client

import (
	"errors"
	"io"
	"strings"
	"testing"
)

func TestReadEvents(t *testing.T) {
	t.Parallel()
	type seen struct{ event, data string }
	for _, c := range []struct {
		name, in string
		want     []seen
	}{
		{"one", "event: check\ndata: {\"a\":1}\n\n", []seen{{"check", `{"a":1}`}}},
		{"comments and unknown fields", ": alive\n\nid: 7\nretry: 1\nevent: x\ndata: y\n\n", []seen{{"x", "y"}}},
		{"several lines", "data: a\ndata:b\n\n", []seen{{"", "a\nb"}}},
		{"carriage returns", "event: x\r\ndata: y\r\n\r\n", []seen{{"x", "y"}}},
		{"cut off", "event: x\ndata: y\n", nil},
		{"no data", "event: x\n\n", nil},
		{"empty data", "data:\n\n", []seen{{"", ""}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			var got []seen
			err := readEvents(strings.NewReader(c.in), func(event string, data []byte) error {
				got = append(got, seen{event, string(data)})
				return nil
			})
			if err != nil || len(got) != len(c.want) {
				t.Fatal(err, got)
			}
			for n := range got {
				if got[n] != c.want[n] {
					t.Fatalf("%q, want %q", got[n], c.want[n])
				}
			}
		})
	}
}

func TestReadEventsIsBounded(t *testing.T) {
	t.Parallel()
	endless := io.MultiReader(strings.NewReader("data: "), &repeat{text: "x", left: 2 * maxEvent})
	if err := readEvents(endless, func(string, []byte) error { return nil }); err == nil {
		t.Fatal("a line without end was read")
	}
	many := &repeat{text: "data: " + strings.Repeat("x", 1<<16) + "\n", left: 2 * maxEvent}
	if err := readEvents(many, func(string, []byte) error { return nil }); err == nil {
		t.Fatal("an event without end was read")
	}
	stop := errors.New("stop")
	if err := readEvents(strings.NewReader("data: 1\n\ndata: 2\n\n"), func(string, []byte) error { return stop }); !errors.Is(err, stop) {
		t.Fatal(err)
	}
}

// repeat gives the same text again and again.
type repeat struct {
	text string
	at   int
	left int
}

func (r *repeat) Read(p []byte) (int, error) {
	n := 0
	for n < len(p) && r.left > 0 {
		p[n] = r.text[r.at]
		n, r.at, r.left = n+1, (r.at+1)%len(r.text), r.left-1
	}
	if n == 0 {
		return 0, io.EOF
	}
	return n, nil
}

func FuzzReadEvents(f *testing.F) {
	f.Add("event: check\ndata: {}\n\n")
	f.Add(": x\n\r\ndata")
	f.Fuzz(func(t *testing.T, text string) {
		_ = readEvents(strings.NewReader(text), func(_ string, data []byte) error {
			if len(data) > len(text) {
				t.Fatal("more data than text")
			}
			return nil
		})
	})
}
