package api

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"github.com/regrant/regrant/client"
	"github.com/regrant/regrant/connector"
	"github.com/regrant/regrant/internal/integration"
	"github.com/regrant/regrant/internal/warehouse"
)

type problem = client.Problem

func problemOf(status int, code, public string) *problem {
	return &problem{Type: "about:blank", Title: http.StatusText(status), Status: status, Code: code, Public: public}
}

// problem is the one table from errors to answers. What it does not know is
// ours: it goes to the log, and the answer holds only a reference to it.
func (s *server) problem(ctx context.Context, err error) *problem {
	var (
		known *problem
		form  *integration.FormError
		fault *connector.Fault
	)
	switch {
	case errors.As(err, &known):
		return known
	case errors.As(err, &form):
		return formProblem(form)
	case errors.Is(err, integration.ErrNotFound):
		return problemOf(http.StatusNotFound, "not_found", "There is no such thing here: look at the list and check the name.")
	case errors.Is(err, integration.ErrForbidden):
		return problemOf(http.StatusForbidden, "forbidden", "Your role does not allow this. Ask an admin.")
	case errors.Is(err, integration.ErrTaken):
		return problemOf(http.StatusConflict, "name_taken", "Another integration has this name: choose another one.")
	case errors.Is(err, integration.ErrConflict):
		return problemOf(http.StatusConflict, "conflict", "Somebody else changed it meanwhile: look at it again and repeat.")
	case errors.Is(err, warehouse.ErrReadOnly):
		return problemOf(http.StatusUnprocessableEntity, "read_only", "Only statements that read are allowed.")
	case errors.As(err, &fault):
		return s.faultProblem(ctx, fault)
	case ctx.Err() != nil:
		return problemOf(http.StatusServiceUnavailable, "cancelled", "The request was ended before it was done; nothing is half changed.")
	}
	return s.ours(ctx, err)
}

func formProblem(form *integration.FormError) *problem {
	p := problemOf(http.StatusUnprocessableEntity, "form", "")
	p.Cause = connector.Invalid.String()
	parts := make([]string, 0, len(form.Fields))
	for _, name := range slices.Sorted(maps.Keys(form.Fields)) {
		p.Errors = append(p.Errors, client.FieldProblem{Field: name, Message: form.Fields[name]})
		parts = append(parts, name+": "+form.Fields[name])
	}
	p.Public = strings.Join(parts, "; ")
	return p
}

func (s *server) faultProblem(ctx context.Context, f *connector.Fault) *problem {
	status := map[connector.Cause]int{
		connector.Outage: http.StatusBadGateway, connector.Throttled: http.StatusTooManyRequests,
		connector.Expired: http.StatusConflict, connector.AccessChanged: http.StatusConflict,
		connector.Invalid: http.StatusUnprocessableEntity,
	}[f.Cause]
	if status == 0 {
		status = http.StatusInternalServerError
	}
	p := problemOf(status, f.Code, f.Public)
	p.Cause, p.Reference = f.Cause.String(), rand.Text()
	s.Log.ErrorContext(ctx, "request failed", "reference", p.Reference, "cause", p.Cause, "code", f.Code, "err", f)
	return p
}

func (s *server) ours(ctx context.Context, err error) *problem {
	p := problemOf(http.StatusInternalServerError, "internal", "Something went wrong on our side; nothing is half changed. The server's log says more.")
	p.Cause, p.Reference = connector.Ours.String(), rand.Text()
	s.Log.ErrorContext(ctx, "request failed", "reference", p.Reference, "cause", p.Cause, "code", p.Code, "err", err)
	return p
}

// problemTransformer replaces huma's error by ours. Huma's repeats the values
// that were sent, which may be secrets: they are left out.
func problemTransformer(_ huma.Context, status string, v any) (any, error) {
	model, ok := v.(*huma.ErrorModel)
	if !ok {
		return v, nil
	}
	code, err := strconv.Atoi(status)
	if err != nil {
		code = model.Status
	}
	p := problemOf(code, requestCode(code), "")
	parts := make([]string, 0, len(model.Errors))
	for _, detail := range model.Errors {
		if detail == nil {
			continue
		}
		field := strings.TrimPrefix(detail.Location, "body.")
		p.Errors = append(p.Errors, client.FieldProblem{Field: field, Message: detail.Message})
		parts = append(parts, field+": "+detail.Message)
	}
	p.Public = strings.Join(parts, "; ")
	if p.Public == "" {
		p.Public = model.Detail
	}
	return p, nil
}

func requestCode(status int) string {
	switch status {
	case http.StatusUnsupportedMediaType:
		return "media_type"
	case http.StatusRequestEntityTooLarge:
		return "body_too_large"
	default:
		return "request"
	}
}

func writeProblem(w http.ResponseWriter, p *problem) {
	w.Header().Set("Content-Type", "application/problem+json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(p.Status)
	_ = json.NewEncoder(w).Encode(p)
}

// recovered turns a panic into an answer; the server lives on.
func (s *server) recovered(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "no-store")
		w.Header().Set("X-Content-Type-Options", "nosniff")
		defer func() {
			v := recover()
			if v == nil {
				return
			}
			if err, ok := v.(error); ok && errors.Is(err, http.ErrAbortHandler) {
				panic(v)
			}
			writeProblem(w, s.ours(r.Context(), panicError{v}))
		}()
		next.ServeHTTP(w, r)
	})
}
