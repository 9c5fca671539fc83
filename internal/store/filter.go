package store

import (
	"fmt"
	"strings"

	"github.com/regrant/regrant/internal/integration"
)

// where builds the tail of a query over history.
type where struct {
	conditions []string
	args       []any
}

func (w *where) add(condition string) { w.conditions = append(w.conditions, condition) }

func (w *where) integration(f integration.Filter) {
	if f.Integration != "" {
		w.args = append(w.args, f.Integration)
		w.add(fmt.Sprintf("integration = $%d", len(w.args)))
	}
}

// newest ends the query: the newest by the column, then the last inserted.
func (w *where) newest(column string, f integration.Filter) string {
	w.args = append(w.args, limit(f))
	tail := fmt.Sprintf(" ORDER BY %s DESC, seq DESC LIMIT $%d", column, len(w.args))
	if len(w.conditions) == 0 {
		return tail
	}
	return " WHERE " + strings.Join(w.conditions, " AND ") + tail
}

func limit(f integration.Filter) int {
	if f.Limit <= 0 {
		return 100
	}
	return min(f.Limit, 1000)
}
