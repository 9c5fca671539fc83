package settings

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"slices"
	"strings"

	"github.com/BurntSushi/toml"
)

// FileName is looked for in the working directory.
const FileName = "regrant.toml"

const maxFile = 1 << 20

// readFile reads the settings file, if there is one.
func readFile(src Sources) (map[string]value, error) {
	path, named := src.Path, true
	if path == "" {
		path = src.Getenv("REGRANT_CONFIG")
	}
	if path == "" {
		path, named = FileName, false
	}
	f, err := os.Open(path) //nolint:gosec // the operator names it
	if errors.Is(err, fs.ErrNotExist) && !named {
		return make(map[string]value), nil
	}
	if err != nil {
		return nil, fmt.Errorf("the settings file cannot be opened: %w", err)
	}
	defer func() { _ = f.Close() }()
	text, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err != nil {
		return nil, fmt.Errorf("the settings file cannot be read: %w", err)
	}
	if len(text) > maxFile {
		return nil, fmt.Errorf("the settings file %s is larger than %d bytes: it is probably another file", path, maxFile)
	}
	return parse(path, string(text))
}

// parse reads a settings file's text. Values stay text: they are checked in
// the same way wherever they were said.
func parse(path, text string) (map[string]value, error) {
	var tree map[string]any
	if _, err := toml.Decode(text, &tree); err != nil {
		var at toml.ParseError
		if errors.As(err, &at) {
			return nil, fmt.Errorf("%s line %d: %s", path, at.Position.Line, at.Message)
		}
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	flat := make(map[string]any)
	flatten(flat, "", tree)
	raw := make(map[string]value, len(flat))
	var problems []error
	for _, name := range slices.Sorted(maps.Keys(flat)) {
		where := path
		if line := lineOf(text, name); line > 0 {
			where = fmt.Sprintf("%s line %d", path, line)
		}
		k, known := keyOf(name)
		if !known {
			problems = append(problems, fmt.Errorf("%s: there is no setting %q%s", where, name, suggestion(name)))
			continue
		}
		items, err := texts(k, name, flat[name])
		if err != nil {
			problems = append(problems, fmt.Errorf("%s: %w", where, err))
			continue
		}
		was := raw[k.name]
		raw[k.name] = value{append(was.items, items...), where}
	}
	return raw, errors.Join(problems...)
}

// flatten names every leaf by its path; tables without leaves count as one.
func flatten(into map[string]any, path string, node map[string]any) {
	for name, v := range node {
		full := name
		if path != "" {
			full = path + "." + name
		}
		if table, ok := v.(map[string]any); ok && path != "endpoints" {
			if _, known := keyOf(full); len(table) == 0 && !known && !isTable(full) {
				into[full] = v
			}
			flatten(into, full, table)
			continue
		}
		into[full] = v
	}
}

func isTable(name string) bool {
	return slices.ContainsFunc(keys(), func(k key) bool { return strings.HasPrefix(k.name, name+".") })
}

// keyOf finds the setting of a path; all below endpoints is one.
func keyOf(name string) (key, bool) {
	if rest, ok := strings.CutPrefix(name, "endpoints."); ok && rest != "" {
		name = "endpoints"
	}
	for _, k := range keys() {
		if k.name == name {
			return k, true
		}
	}
	return key{}, false
}

func texts(k key, name string, v any) ([]string, error) {
	if id, ok := strings.CutPrefix(name, "endpoints."); ok {
		if address, isText := v.(string); isText {
			return []string{id + "=" + address}, nil
		}
		return nil, fmt.Errorf("%s must be text in quotes", name)
	}
	switch v := v.(type) {
	case string:
		if !k.list {
			return []string{v}, nil
		}
	case []any:
		if k.list && k.name != "endpoints" {
			return items(name, v)
		}
	}
	if k.list {
		return nil, fmt.Errorf("%s must be a list of texts: [\"…\", \"…\"]", name)
	}
	return nil, fmt.Errorf("%s must be text in quotes", name)
}

func items(name string, list []any) ([]string, error) {
	out := make([]string, 0, len(list))
	for _, v := range list {
		text, ok := v.(string)
		if !ok {
			return nil, fmt.Errorf("%s must hold only texts in quotes", name)
		}
		out = append(out, text)
	}
	return out, nil
}

// lineOf finds where a key is set; 0 when it is written in an unusual way.
func lineOf(text, name string) int {
	table, number := "", 0
	for line := range strings.Lines(text) {
		number++
		line = strings.TrimSpace(line)
		if head, ok := strings.CutPrefix(line, "["); ok {
			head, _, _ = strings.Cut(head, "]")
			if table = bare(head); table == name {
				return number
			}
			continue
		}
		left, _, ok := strings.Cut(line, "=")
		if !ok || strings.HasPrefix(line, "#") {
			continue
		}
		full := bare(left)
		if table != "" {
			full = table + "." + full
		}
		if full == name {
			return number
		}
	}
	return 0
}

func bare(name string) string {
	parts := strings.Split(name, ".")
	for n := range parts {
		parts[n] = strings.Trim(strings.TrimSpace(parts[n]), `"'`)
	}
	return strings.Join(parts, ".")
}
