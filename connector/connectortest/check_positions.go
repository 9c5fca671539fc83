package connectortest

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/regrant/regrant/connector"
)

// WriteVariable is the environment variable that makes the check OldPositions
// write the positions of this version, under the version's name, so that later
// versions can prove that they still load: CONNECTORTEST_WRITE=v0.1.0.
const WriteVariable = "CONNECTORTEST_WRITE"

// StoredPosition is a file of testdata/positions: a position as a released
// version wrote it, and the read it belongs to.
type StoredPosition struct {
	Version  string             `json:"version"`
	Table    string             `json:"table"`
	Method   connector.Method   `json:"method"`
	Column   string             `json:"column,omitempty"`
	Pass     connector.Pass     `json:"pass"`
	Position connector.Position `json:"position"`
	Resume   connector.Position `json:"resume,omitempty"`
}

func (p StoredPosition) request(table connector.Table) connector.Request {
	how := connector.Replication{Method: p.Method, Column: p.Column}
	req := rowsRequest(table, how)
	switch p.Pass {
	case connector.PassColumns:
		req = columnsRequest(table, how, "")
	case connector.PassKeys:
		req = keysRequest(table, how, "")
	}
	req.Position, req.Resume = p.Position, p.Resume
	return req
}

// oldPositions reads from every stored position.
func (s *suite) oldPositions(t runner) {
	if version := os.Getenv(WriteVariable); version != "" {
		s.writePositions(t, version)
	}
	files, _ := filepath.Glob(filepath.Join(s.positionsDir(), "*.json"))
	if len(files) == 0 {
		t.Fatalf("%s holds no positions; write those of this version with %s=<version>, or say in Skip[%q] why there are none",
			s.positionsDir(), WriteVariable, OldPositions)
	}
	for _, file := range files {
		t.run(filepath.Base(file), func(t runner) { s.loadPosition(t, file) })
	}
}

func (s *suite) positionsDir() string {
	if s.h.Positions != "" {
		return s.h.Positions
	}
	return filepath.Join("testdata", "positions")
}

func (s *suite) loadPosition(t runner, file string) {
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatalf("%v", err)
	}
	var stored StoredPosition
	if err := json.Unmarshal(text, &stored); err != nil {
		t.Fatalf("%v", err)
	}
	x := s.open(t, s.h.Env(t))
	x.mustRead(stored.request(x.table(stored.Table)))
}

// writePositions stores a position from the middle and from the end of each
// kind of read.
func (s *suite) writePositions(t runner, version string) {
	if err := os.MkdirAll(s.positionsDir(), 0o755); err != nil {
		t.Fatalf("%v", err)
	}
	s.each(t, withKey, func(t runner, x *session, table connector.Table, how connector.Replication) {
		p := StoredPosition{Version: version, Table: table.Name, Method: how.Method, Column: how.Column}
		rows := x.mustRead(rowsRequest(table, how))
		if len(rows) == 0 {
			return
		}
		p.Position = rows[0].position
		s.writePosition(t, p, "middle")
		p.Position = rows[len(rows)-1].position
		s.writePosition(t, p, "end")
		p.Pass = connector.PassKeys
		if keys := x.first(keysRequest(table, how, p.Position)); len(keys) > 0 {
			p.Resume = keys[len(keys)-1].position
			s.writePosition(t, p, "keys")
		}
	})
}

func (s *suite) writePosition(t runner, p StoredPosition, what string) {
	text, err := json.MarshalIndent(p, "", "  ")
	if err != nil {
		t.Fatalf("%v", err)
	}
	name := strings.Map(plainRune, fmt.Sprintf("%s-%s-%s-%s", p.Version, p.Table, p.Method, what)) + ".json"
	if err := os.WriteFile(filepath.Join(s.positionsDir(), name), append(text, '\n'), 0o644); err != nil {
		t.Fatalf("%v", err)
	}
}

func plainRune(r rune) rune {
	if r < 0x80 && strings.ContainsRune("abcdefghijklmnopqrstuvwxyz0123456789._-", r) {
		return r
	}
	return '_'
}

// unknownFields reads from positions with a field that this version does not
// know: while a new version is rolled out, an old one may meet its positions.
func (s *suite) unknownFields(t runner) {
	s.each(t, withKey, func(t runner, x *session, table connector.Table, how connector.Replication) {
		req := rowsRequest(table, how)
		whole := s.settled(t, x, req)
		if len(whole) == 0 {
			return
		}
		next := at(req, whole[:1])
		extended, ok := withField(next.Position)
		if !ok {
			t.Skipf("the position is not a JSON object, which has no fields")
		}
		next.Position = extended
		if diff := mirrorOf(whole[:1], x.mustRead(next)).difference(mirrorOf(whole)); diff != "" {
			t.Errorf("%s, from a position with an unknown field: %s", describe(req), diff)
		}
	})
}

func withField(p connector.Position) (connector.Position, bool) {
	text := strings.TrimSpace(string(p))
	if !strings.HasPrefix(text, "{") || !strings.HasSuffix(text, "}") || text == "{}" {
		return p, false
	}
	return connector.Position(strings.TrimSuffix(text, "}") + `,"field_of_a_later_version":{"a":[1,null]}}`), true
}

// garbage are positions that nobody wrote; each must be refused, because to
// start all over in silence would read and bill everything twice.
func garbage(valid connector.Position) map[string]connector.Position {
	return map[string]connector.Position{
		"half a position": valid[:len(valid)/2],
		"no JSON":         "hello",
		"open brace":      "{",
		"null":            "null",
		"empty object":    "{}",
		"a list":          "[]",
		"a number":        "-1",
		"control bytes":   "\x00\x01\xff",
		"wrong types":     `{"v":{"v":[]},"version":[],"method":1,"at":{}}`,
		"later version":   `{"v":999999,"version":999999}`,
		"deep":            connector.Position(strings.Repeat("[", 100_000)),
		"long":            connector.Position(`{"v":"` + strings.Repeat("x", 1<<20) + `"}`),
	}
}

// garbagePositions wants a Fault that blames nobody outside.
func (s *suite) garbagePositions(t runner) {
	seen := map[connector.Method]bool{}
	s.each(t, withKey, func(t runner, x *session, table connector.Table, how connector.Replication) {
		rows := x.first(rowsRequest(table, how))
		if len(rows) == 0 || seen[how.Method] {
			return
		}
		seen[how.Method] = true
		valid := rows[len(rows)-1].position
		for name, bad := range garbage(valid) {
			reqs := []connector.Request{rowsRequest(table, how), keysRequest(table, how, bad), columnsRequest(table, how, bad)}
			reqs[0].Position = bad
			resume := keysRequest(table, how, valid)
			resume.Resume = bad
			for _, req := range append(reqs, resume) {
				s.mustRefusePosition(t, x, name, req)
			}
		}
	})
}

func (s *suite) mustRefusePosition(t runner, x *session, name string, req connector.Request) {
	t.Helper()
	n := 0
	err := x.read(t.Context(), req, func(piece) bool { n++; return n < 3 })
	if err == nil {
		t.Errorf("%s from a garbage position (%s) gives no error", describe(req), name)
		return
	}
	if f := connector.FaultOf(err); blames(f) {
		t.Errorf("%s from a garbage position (%s) gives cause %s, want ours", describe(req), name, f.Cause)
	}
}
