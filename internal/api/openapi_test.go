package api_test

import (
	"encoding/json"
	"os"
	"regexp"
	"strings"
	"testing"
)

func TestOpenAPIDocument(t *testing.T) {
	t.Parallel()
	b := setup(t, nil)
	got := b.do(t, "", "GET", "/api/openapi.json", "")
	var doc struct {
		OpenAPI string `json:"openapi"`
		Servers []struct{ URL string }
		Paths   map[string]map[string]struct {
			OperationID string `json:"operationId"`
			Summary     string
			Security    []map[string][]string
			Parameters  []struct{ Name, In string }
			Responses   map[string]struct{ Content map[string]any }
		}
		Components struct {
			Schemas         map[string]any
			SecuritySchemes map[string]any `json:"securitySchemes"`
		}
	}
	if err := json.Unmarshal([]byte(got.body), &doc); err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(doc.OpenAPI, "3.1") || len(doc.Servers) != 1 || doc.Servers[0].URL != "/api/v1" || doc.Components.SecuritySchemes["token"] == nil {
		t.Fatalf("%+v", doc)
	}
	seen := map[string]bool{}
	operations := 0
	for path, item := range doc.Paths {
		for method, op := range item {
			operations++
			if op.OperationID == "" || op.Summary == "" || seen[op.OperationID] || len(op.Security) == 0 {
				t.Errorf("%s %s is not well described", method, path)
			}
			seen[op.OperationID] = true
			if _, ok := op.Responses["default"].Content["application/problem+json"]; !ok {
				t.Errorf("%s %s does not say how it fails", method, path)
			}
			for _, name := range regexp.MustCompile(`\{(\w+)\}`).FindAllStringSubmatch(path, -1) {
				found := false
				for _, p := range op.Parameters {
					found = found || (p.Name == name[1] && p.In == "path")
				}
				if !found {
					t.Errorf("%s %s does not describe {%s}", method, path, name[1])
				}
			}
		}
	}
	if path := os.Getenv("REGRANT_OPENAPI_OUT"); path != "" { // for validators of other languages
		if err := os.WriteFile(path, []byte(got.body), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if operations != 28 {
		t.Errorf("%d operations", operations)
	}
	for _, ref := range regexp.MustCompile(`"\$ref":"#/components/schemas/([^"]+)"`).FindAllStringSubmatch(got.body, -1) {
		if doc.Components.Schemas[ref[1]] == nil {
			t.Errorf("schema %s is missing", ref[1])
		}
	}
}
