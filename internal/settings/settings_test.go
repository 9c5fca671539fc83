package settings

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func load(t *testing.T, file string, env, flags map[string]string) (Settings, error) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "regrant.toml")
	if err := os.WriteFile(path, []byte(file), 0o600); err != nil {
		t.Fatal(err)
	}
	return Load(Sources{Flags: flags, Path: path, Getenv: func(name string) string { return env[name] }})
}

func TestDefaults(t *testing.T) {
	t.Parallel()
	s, err := load(t, "", nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	if s.Listen != "127.0.0.1:8080" || s.Every != time.Hour || s.Zone != time.UTC || s.LogFormat != "text" || s.Data != "regrant-data" {
		t.Fatalf("%+v", s)
	}
}

func TestFlagBeforeEnvironmentBeforeFile(t *testing.T) {
	t.Parallel()
	const file = "listen = \"127.0.0.1:1\"\nevery = \"2h\"\ndata = \"a\"\n"
	s, err := load(t, file,
		map[string]string{"REGRANT_EVERY": "3h", "REGRANT_DATA": "b"},
		map[string]string{"data": "c"})
	if err != nil {
		t.Fatal(err)
	}
	if s.Listen != "127.0.0.1:1" || s.Every != 3*time.Hour || s.Data != "c" {
		t.Fatalf("%+v", s)
	}
}

func TestEverySetting(t *testing.T) {
	t.Parallel()
	s, err := load(t, `
public_url = "https://regrant.example.com/"
time_zone = "Europe/Berlin"
[network]
allow = ["10.1.2.3/8", "fd00::1"]
[endpoints]
stripe = "http://127.0.0.1:12111/"
[diagnose]
controls = ["example.com:443"]
[warehouse]
memory = "256MB"
[log]
level = "debug"
format = "json"
`, map[string]string{"REGRANT_DIAGNOSE_CONTROLS": "a.example:1, b.example:2"}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if s.PublicURL != "https://regrant.example.com" || s.Zone.String() != "Europe/Berlin" || s.Memory != 256e6 || s.LogFormat != "json" {
		t.Fatalf("%+v", s)
	}
	if s.Allow[0].String() != "10.0.0.0/8" || s.Allow[1].String() != "fd00::1/128" {
		t.Fatal(s.Allow)
	}
	if s.Endpoints["stripe"] != "http://127.0.0.1:12111" || strings.Join(s.Controls, " ") != "a.example:1 b.example:2" {
		t.Fatalf("%+v", s)
	}
}

func TestClearErrors(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, file, want string }{
		{"unknown key", "listn = \"x\"", `line 1: there is no setting "listn"; did you mean listen?`},
		{"unknown in table", "\n[network]\nalow = []", `line 3: there is no setting "network.alow"; did you mean network.allow?`},
		{"unknown table", "[smtp]\nhost = \"x\"", `line 2: there is no setting "smtp.host"; there are listen,`},
		{"empty unknown table", "[smtp]", `line 1: there is no setting "smtp"`},
		{"syntax", "listen = ", "line 1"},
		{"number", "listen = 8080", "listen must be text in quotes"},
		{"no list", "[network]\nallow = \"10.0.0.0/8\"", "network.allow must be a list of texts"},
		{"list of numbers", "[network]\nallow = [1]", "must hold only texts"},
		{"address", "listen = \"8080\"", `line 1): "8080" is no address: write host:port`},
		{"port", "listen = \"127.0.0.1:99999\"", "is no port"},
		{"duration", "every = \"often\"", "write it like 15m or 1h"},
		{"short", "every = \"1s\"", "choose from one minute"},
		{"zone", "time_zone = \"Mars/Olympus\"", "is no time zone"},
		{"network", "[network]\nallow = [\"home\"]", "write it like 10.0.0.0/8"},
		{"endpoint", "[endpoints]\nstripe = \"localhost\"", "is no endpoint"},
		{"control", "[diagnose]\ncontrols = [\":443\"]", "names no host"},
		{"memory unit", "[warehouse]\nmemory = \"256\"", "write it like 256MB"},
		{"memory little", "[warehouse]\nmemory = \"1MB\"", "too little"},
		{"level", "[log]\nlevel = \"loud\"", "choose debug"},
		{"url", "public_url = \"regrant\"", "https://regrant.example.com"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			_, err := load(t, c.file, nil, nil)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Fatalf("got %v, want …%s…", err, c.want)
			}
		})
	}
}

func TestAllProblemsAtOnce(t *testing.T) {
	t.Parallel()
	_, err := load(t, "listen = \"x\"\nevery = \"y\"", map[string]string{"REGRANT_LOG_LEVEL": "z"}, map[string]string{"log.format": "w"})
	for _, want := range []string{"listen", "every", "environment variable REGRANT_LOG_LEVEL", "flag --log-format"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Fatalf("%v lacks %q", err, want)
		}
	}
}

func TestNamedFileMustExist(t *testing.T) {
	t.Parallel()
	if _, err := Load(Sources{Path: filepath.Join(t.TempDir(), "no.toml")}); err == nil {
		t.Fatal("a missing file was accepted")
	}
}

func TestSecrets(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("x", MaxSecret)
	for _, c := range []struct{ name, in, want, err string }{
		{"plain", "s3cret", "s3cret", ""},
		{"one line break", "s3cret\n", "s3cret", ""},
		{"windows", "s3cret\r\n", "s3cret", ""},
		{"spaces stay", " s3cret ", " s3cret ", ""},
		{"two line breaks", "s3cret\n\n", "", "line break"},
		{"in the middle", "s3\ncret", "", "line break"},
		{"carriage return", "s3cret\r", "", "line break"},
		{"nul", "s3\x00cret", "", "NUL"},
		{"empty", "\n", "", "empty"},
		{"at the limit", long + "\n", long, ""},
		{"over it", long + "xx", "", "larger"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			got, err := Trimmed(strings.NewReader(c.in), false)
			switch {
			case c.err == "" && (err != nil || got != c.want):
				t.Fatalf("got %d bytes, %v", len(got), err)
			case c.err != "" && (err == nil || !strings.Contains(err.Error(), c.err)):
				t.Fatalf("got %v, want …%s…", err, c.err)
			case err != nil && strings.Contains(err.Error(), "s3cret"):
				t.Fatal("the error shows the secret")
			}
		})
	}
}

func TestSecretOnce(t *testing.T) {
	t.Parallel()
	env := map[string]string{"A": "x", "A_FILE": "y"}
	if _, err := ReadSecret(func(n string) string { return env[n] }, "A"); err == nil {
		t.Fatal("two sources of one secret were accepted")
	}
}

func FuzzParse(f *testing.F) {
	for _, seed := range []string{"", "listen = \"a:1\"", "[network]\nallow = [\"10.0.0.0/8\"]", "[endpoints]\n\"a.b\" = \"http://x\"", "a.b.c = 1", "[[x]]", "endpoints = [1]", "\x00", "[endpoints.x]\ny = 1", "log = 1"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		raw, err := parse("regrant.toml", text)
		if err != nil {
			if err.Error() == "" {
				t.Fatal("an error without words")
			}
			return
		}
		var s Settings
		if err := fill(&s, raw); err == nil && s.Every < 0 {
			t.Fatal("a bad interval was accepted")
		}
	})
}
