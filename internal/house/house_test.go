package house

import (
	"encoding/json"
	"errors"
	"go/parser"
	"go/token"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/regrant/regrant/"

// pkg is what go list says of one package, without test files.
type pkg struct {
	ImportPath string
	Dir        string
	Imports    []string
	Deps       []string
	GoFiles    []string
}

// own gives the imports that belong to this module, without the prefix.
func own(imports []string) []string {
	var names []string
	for _, i := range imports {
		if name, ok := strings.CutPrefix(i, module); ok {
			names = append(names, name)
		}
	}
	return names
}

func list(t *testing.T) map[string]pkg {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "go", "list", "-json=ImportPath,Dir,Imports,Deps,GoFiles", module+"...")
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stderr = os.Stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	packages := make(map[string]pkg)
	for decoder := json.NewDecoder(out); ; {
		var p pkg
		if err := decoder.Decode(&p); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		packages[strings.TrimPrefix(p.ImportPath, module)] = p
	}
	if err := cmd.Wait(); err != nil {
		t.Fatal(err)
	}
	return packages
}

// arrow says what packages at or below From may import of this module: what
// is at or below one of May, and nothing at or below one of Not.
type arrow struct {
	From string
	May  []string
	Not  []string
	Why  string
}

var arrows = []arrow{
	{From: "connector", May: []string{}, Why: "the contract stands alone"},
	{From: "connector/sqlkit", May: []string{"connector"}, Why: "kits serve connectors outside this module, too"},
	{From: "connector/mysqlwire", May: []string{"connector", "connector/mysqlwire"}, Why: "kits serve connectors outside this module, too"},
	{From: "connector/connectortest", May: []string{"connector"}, Why: "the suite serves connectors outside this module, too"},
	{From: "connectors", May: []string{"connector", "connectors"}, Not: []string{"internal"}, Why: "built-in connectors see only the public contract"},
	{From: "client", May: []string{}, Why: "a public client carries nothing of the product"},
	{From: "internal/integration", May: []string{"connector"}, Why: "the heart holds no technology"},
	{From: "internal/credential", May: []string{"connector", "internal/integration", "internal/credential"}},
	{From: "internal/diagnose", May: []string{"connector", "internal/integration", "internal/diagnose"}},
	{From: "internal/pull", May: []string{"connector", "internal/integration", "internal/credential", "internal/warehouse", "internal/pull"},
		Not: []string{"internal/warehouse/duckdb"}, Why: "an engine is wired by app"},
	{From: "internal/warehouse", May: []string{"connector", "internal/warehouse"}},
	{From: "internal/job", May: []string{"internal/job"}, Why: "the queue knows no product"},
	{From: "internal/notice", May: []string{"internal/integration", "internal/notice", "internal/pull"}},
	{From: "internal/web", Not: []string{"internal/store", "internal/credential"}, Why: "faces ask services"},
	{From: "internal/api", Not: []string{"internal/store", "internal/credential"}, Why: "faces ask services"},
	{From: "internal/cli", Not: []string{"internal/store", "internal/credential"}, Why: "faces ask services"},
	{From: "internal/egress", May: []string{"connector", "internal/egress"}},
}

func below(name string, roots []string) bool {
	return slices.ContainsFunc(roots, func(root string) bool { return name == root || strings.HasPrefix(name, root+"/") })
}

// ruleFor is the arrow with the longest From that covers the package.
func ruleFor(name string) (arrow, bool) {
	var best arrow
	for _, a := range arrows {
		if below(name, []string{a.From}) && len(a.From) >= len(best.From) {
			best = a
		}
	}
	return best, best.From != ""
}

func TestArrows(t *testing.T) {
	t.Parallel()
	packages := list(t)
	for name, p := range packages {
		rule, ok := ruleFor(name)
		if !ok {
			continue
		}
		for _, imported := range own(p.Imports) {
			if rule.May != nil && !below(imported, rule.May) {
				t.Errorf("%s imports %s, may only import %v: %s", name, imported, rule.May, rule.Why)
			}
			if below(imported, rule.Not) {
				t.Errorf("%s must not import %s: %s", name, imported, rule.Why)
			}
		}
	}
}

// TestOnlyApp keeps what is wired in one place there.
func TestOnlyApp(t *testing.T) {
	t.Parallel()
	for name, p := range list(t) {
		for _, imported := range own(p.Imports) {
			if below(imported, []string{"internal/store"}) && !below(name, []string{"app", "internal/store"}) {
				t.Errorf("%s imports %s: only app may", name, imported)
			}
			if below(imported, []string{"app"}) && !below(name, []string{"cmd"}) {
				t.Errorf("%s imports app: only commands may", name)
			}
		}
	}
}

// siblings are the exceptions to TestNoSibling. Amazon RDS is no engine: it
// opens the connectors of the engines that Amazon runs, through the public
// contract, and adds what is Amazon's. A copy of them would drift apart.
var siblings = map[string][]string{
	"connectors/amazonrds": {"connectors/mysql", "connectors/postgresql", "connectors/sqlserver"},
}

// TestNoSibling keeps connectors apart.
func TestNoSibling(t *testing.T) {
	t.Parallel()
	for name, p := range list(t) {
		rest, ok := strings.CutPrefix(name, "connectors/")
		if !ok {
			continue
		}
		self := "connectors/" + strings.Split(rest, "/")[0]
		for _, imported := range own(p.Imports) {
			if below(imported, []string{"connectors"}) && !below(imported, []string{self}) && !below(imported, siblings[self]) {
				t.Errorf("%s imports its sibling %s", name, imported)
			}
		}
	}
}

// TestBinary keeps test code and stages out of the product.
func TestBinary(t *testing.T) {
	t.Parallel()
	product, ok := list(t)["cmd/regrant"]
	if !ok {
		t.Fatal("cmd/regrant is not there")
	}
	never := []string{"connector/connectortest", "internal/testservers", "internal/demo", "internal/bench", "internal/warehouse/warehousetest", "internal/store/storetest", "internal/house"}
	for _, dep := range own(product.Deps) {
		if below(dep, never) {
			t.Errorf("the product links %s", dep)
		}
	}
	if slices.Contains(product.Deps, "testing") {
		t.Error("the product links package testing")
	}
}

// TestPackageComment wants exactly one package comment per package.
func TestPackageComment(t *testing.T) {
	t.Parallel()
	for name, p := range list(t) {
		comments := 0
		for _, file := range p.GoFiles {
			parsed, err := parser.ParseFile(token.NewFileSet(), filepath.Join(p.Dir, file), nil, parser.PackageClauseOnly|parser.ParseComments)
			if err != nil {
				t.Fatal(err)
			}
			if parsed.Doc != nil {
				comments++
			}
		}
		if len(p.GoFiles) > 0 && comments != 1 {
			t.Errorf("%s has %d package comments, want 1", name, comments)
		}
	}
}
