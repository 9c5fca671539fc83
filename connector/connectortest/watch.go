package connectortest

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/url"
	"strings"
	"sync"

	"github.com/apache/arrow-go/v18/arrow"
)

// minSecret is the shortest secret that the suite looks for; shorter ones turn
// up by chance.
const minSecret = 8

// watch knows secrets and recognises them in what the connector lets out.
type watch struct {
	mu    sync.Mutex
	forms map[string]string // a way to write a secret → the field's name
}

func newWatch() *watch { return &watch{forms: map[string]string{}} }

// add makes the watch look for a secret, however it is written. Of a secret of
// several lines (a private key) it knows each long line.
func (w *watch) add(field, secret string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, piece := range append(strings.Split(secret, "\n"), secret) {
		piece = strings.TrimSpace(piece)
		if len(piece) < minSecret || strings.HasPrefix(piece, "-----") {
			continue
		}
		for _, form := range spellings(piece) {
			w.forms[form] = field
		}
	}
}

// spellings are the ways in which a secret is written by accident.
func spellings(secret string) []string {
	quoted, _ := json.Marshal(secret)
	all := []string{
		secret,
		url.QueryEscape(secret),
		url.PathEscape(secret),
		hex.EncodeToString([]byte(secret)),
		string(bytes.Trim(quoted, `"`)),
		strings.Trim(fmt.Sprintf("%q", secret), `"`),
		strings.Trim(fmt.Sprint([]byte(secret)), "[]"),
	}
	for shift := range 3 {
		all = append(all, base64Inside(secret, shift, base64.RawStdEncoding), base64Inside(secret, shift, base64.RawURLEncoding))
	}
	return all
}

// base64Inside is what of the secret shows when it is encoded behind shift
// other bytes, as in the "user:password" of a basic authorization.
func base64Inside(secret string, shift int, enc *base64.Encoding) string {
	text := enc.EncodeToString(append(make([]byte, shift), secret...))
	start := [3]int{0, 2, 3}[shift]
	end := (shift + len(secret)) * 8 / 6
	return text[start:end]
}

// find names the secret field that shows in the text, or is empty.
func (w *watch) find(text string) string {
	w.mu.Lock()
	defer w.mu.Unlock()
	for form, field := range w.forms {
		if strings.Contains(text, form) {
			return field
		}
	}
	return ""
}

// findInRecord looks through the bytes of a record.
func (w *watch) findInRecord(rec arrow.RecordBatch) string {
	for _, column := range rec.Columns() {
		if field := w.findInData(column.Data()); field != "" {
			return field
		}
	}
	return ""
}

func (w *watch) findInData(data arrow.ArrayData) string {
	for _, buffer := range data.Buffers() {
		if buffer == nil {
			continue
		}
		if field := w.findInBytes(buffer.Bytes()); field != "" {
			return field
		}
	}
	for _, child := range data.Children() {
		if field := w.findInData(child); field != "" {
			return field
		}
	}
	return ""
}

func (w *watch) findInBytes(b []byte) string {
	w.mu.Lock()
	defer w.mu.Unlock()
	for form, field := range w.forms {
		if bytes.Contains(b, []byte(form)) {
			return field
		}
	}
	return ""
}

// findInValue prints a value in all the ways a careless program would.
func (w *watch) findInValue(v any) string {
	texts := []string{fmt.Sprintf("%v", v), fmt.Sprintf("%+v", v), fmt.Sprintf("%#v", v)}
	if encoded, err := json.Marshal(v); err == nil {
		texts = append(texts, string(encoded))
	}
	return w.find(strings.Join(texts, "\n"))
}

// findInError looks at an error and at everything it wraps.
func (w *watch) findInError(err error) string {
	if err == nil {
		return ""
	}
	if field := w.findInValue(err); field != "" {
		return field
	}
	switch e := err.(type) {
	case interface{ Unwrap() error }:
		return w.findInError(e.Unwrap())
	case interface{ Unwrap() []error }:
		for _, inner := range e.Unwrap() {
			if field := w.findInError(inner); field != "" {
				return field
			}
		}
	}
	return ""
}
