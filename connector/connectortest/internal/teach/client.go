package teach

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"

	"github.com/regrant/regrant/connector"
)

// maxAnswer bounds what is read of an answer.
const maxAnswer = 16 << 20

type (
	apiError struct {
		Code string `json:"code"`
	}
	apiTable struct {
		Name   string `json:"name"`
		Rows   int64  `json:"rows"`
		Denied bool   `json:"denied"`
	}
	apiPage struct {
		Rows  []Row `json:"rows"`
		Clock int64 `json:"clock"`
	}
)

// get asks the API and decodes its answer into v. The step is how far the
// attempt has come when the API answers at all.
func (s *source) get(ctx context.Context, path string, query url.Values, step connector.Step, v any) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, s.base+path+"?"+query.Encode(), nil)
	if err != nil {
		return &connector.Fault{Cause: connector.Ours, Code: "teach.request", Public: "Regrant could not ask the shop.", Step: step, Err: err}
	}
	req.Header.Set("Authorization", "Bearer "+s.token.Reveal())
	resp, err := s.http.Do(req)
	if err != nil {
		return networkFault(connector.StepReach, err)
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	if err != nil {
		return networkFault(connector.StepRead, err)
	}
	return understand(resp, body, query.Get("table"), step, v)
}

func understand(resp *http.Response, body []byte, table string, step connector.Step, v any) error {
	kind, _, _ := mime.ParseMediaType(resp.Header.Get("Content-Type"))
	if kind != "application/json" {
		return foreignFault(step, fmt.Errorf("status %d with an answer of type %q", resp.StatusCode, kind))
	}
	if resp.StatusCode != http.StatusOK {
		return refusal(resp, body, table, step)
	}
	if err := json.Unmarshal(body, v); err != nil {
		return foreignFault(step, errors.Join(errors.New("the answer is no JSON of the API"), err))
	}
	return nil
}
