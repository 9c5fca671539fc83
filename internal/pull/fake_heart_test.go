package pull_test

import (
	"context"
	"fmt"
	"slices"

	"github.com/regrant/regrant/connector"
	"github.com/regrant/regrant/internal/integration"
)

// heart remembers what it was told and behaves as the real one where a pull
// depends on it.
type heart struct {
	record   integration.Record
	pulls    int
	failures []failure
	read     []integration.TableResult
	ended    []integration.Pull
	receipts []integration.Gap
	listed   []connector.Table
	err      error // of TableRead
}

type failure struct {
	table string
	fault *connector.Fault
}

func newHeart(tables ...integration.Table) *heart {
	return &heart{record: integration.Record{
		Integration: integration.Integration{ID: "i1", Slug: "shop", Authorization: integration.Authorization{Version: 1}},
		Tables:      tables,
	}}
}

func enabled(name string, method connector.Method, column string) integration.Table {
	return integration.Table{Integration: "i1", Name: name, Target: name, Enabled: true, ByPerson: true, Key: []string{"id"},
		Replication: connector.Replication{Method: method, Column: column}}
}

func (h *heart) table(name string) *integration.Table {
	n := slices.IndexFunc(h.record.Tables, func(t integration.Table) bool { return t.Name == name })
	return &h.record.Tables[n]
}

func (h *heart) PullStarted(_ context.Context, id string, trigger integration.Trigger, by string) (integration.Record, integration.Pull, error) {
	h.pulls++
	return h.record, integration.Pull{ID: fmt.Sprintf("p%d", h.pulls), Integration: id, Trigger: trigger, By: by, Outcome: integration.Running}, nil
}

func (h *heart) Enroll(_ context.Context, _ string, identity connector.Identity) error {
	h.record.Integration.Authorization.Identity = identity
	return nil
}

func (h *heart) TableRead(_ context.Context, _ string, table integration.Table, result integration.TableResult) error {
	if h.err != nil {
		return h.err
	}
	for column, recheck := range table.Rechecks {
		if recheck.Every == integration.Once && !recheck.Last.IsZero() {
			delete(table.Rechecks, column)
		}
	}
	table.AllowEmpty = table.AllowEmpty && !result.Confirmed
	*h.table(table.Name) = table
	h.read = append(h.read, result)
	return nil
}

func (h *heart) Failed(_ context.Context, _, table string, err error) (integration.Incident, error) {
	h.failures = append(h.failures, failure{table, connector.FaultOf(err)})
	return integration.Incident{}, nil
}

func (h *heart) PullEnded(_ context.Context, p integration.Pull, listed []connector.Table, receipts []integration.Gap) (integration.View, error) {
	h.ended, h.listed = append(h.ended, p), listed
	h.receipts = append(h.receipts, receipts...)
	h.record.Gaps = slices.DeleteFunc(h.record.Gaps, func(g integration.Gap) bool {
		return slices.ContainsFunc(receipts, func(r integration.Gap) bool { return r.ID == g.ID })
	})
	return integration.View{}, nil
}

// last is the newest failure.
func (h *heart) last() failure {
	if len(h.failures) == 0 {
		return failure{}
	}
	return h.failures[len(h.failures)-1]
}
