package api

import (
	"reflect"

	"github.com/danielgtaylor/huma/v2"

	"github.com/regrant/regrant/client"
)

// documentVerification adds to the document what answers of two forms send.
func (s *server) documentVerification(paths ...string) {
	schemas := s.api.OpenAPI().Components.Schemas
	result := schemas.Schema(reflect.TypeFor[client.Verification](), true, "Verification")
	for _, path := range paths {
		s.document(path, "Every check, whether it was swapped in, and the integration", map[string]*huma.MediaType{
			"application/json":  {Schema: result},
			"text/event-stream": {Schema: &huma.Schema{Type: "string", Description: "Events: check (Check), then done (Verification) or problem (Problem)"}},
		})
	}
}

func (s *server) document(path, description string, content map[string]*huma.MediaType) {
	item := s.api.OpenAPI().Paths[path]
	op := item.Post
	if op == nil {
		op = item.Get
	}
	delete(op.Responses, "204")
	op.Responses["200"] = &huma.Response{Description: description, Content: content}
}
