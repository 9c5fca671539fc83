package cli

import (
	"context"
	"fmt"
	"io"
	"time"

	"github.com/vbauerster/mpb/v8"
	"github.com/vbauerster/mpb/v8/decor"

	"github.com/regrant/regrant/client"
)

const lineEvery = 10 * time.Second

// meter shows how far pulls are: bars on a terminal, lines otherwise.
type meter struct {
	app   *app
	slugs map[string]string // by id; only these are shown
	again map[string]bool   // tables read before: how much is new is not known
	bars  *mpb.Progress     // nil: lines
	byKey map[string]*mpb.Bar
	lined time.Time
}

func (a *app) newMeter(ctx context.Context, waiting []*asked) *meter {
	m := &meter{app: a, slugs: make(map[string]string), again: make(map[string]bool), byKey: make(map[string]*mpb.Bar), lined: a.now()}
	for _, one := range waiting {
		m.slugs[one.in.ID] = one.in.Slug
		for _, t := range one.in.Tables {
			m.again[one.in.Slug+" "+t.Name] = t.LastRead != nil && t.Method != "full_table"
		}
	}
	if a.terminal && !a.json {
		m.bars = mpb.NewWithContext(ctx, mpb.WithOutput(a.env.Stdout), mpb.WithWidth(40), mpb.WithAutoRefresh())
	}
	return m
}

func (m *meter) progress(all []client.Progress) {
	if m.app.json {
		return
	}
	if m.bars == nil {
		if m.app.now().Sub(m.lined) < lineEvery {
			return
		}
		m.lined = m.app.now()
	}
	running := make(map[string]bool, len(all))
	for _, p := range all {
		slug, ours := m.slugs[p.Integration]
		if !ours {
			continue
		}
		key := slug + " " + p.Table
		running[key] = true
		if m.bars == nil {
			m.app.say("%s: %s rows, %s rows/s", printable(key), count(p.Rows), count(int64(p.RowsPerSecond)))
			continue
		}
		m.bar(key, p).SetCurrent(p.Rows)
	}
	for key, bar := range m.byKey {
		if !running[key] {
			bar.SetTotal(-1, true) // it ended: what it has is all
		}
	}
}

func (m *meter) bar(key string, p client.Progress) *mpb.Bar {
	bar, known := m.byKey[key]
	if !known {
		options := []mpb.BarOption{
			mpb.PrependDecorators(decor.Name(printable(key), decor.WCSyncSpaceR)),
			mpb.AppendDecorators(decor.Any(rowsOf, decor.WCSyncSpace), decor.OnComplete(decor.Elapsed(decor.ET_STYLE_GO, decor.WCSyncSpace), "")),
		}
		if m.again[key] {
			bar = m.bars.AddSpinner(0, append(options, mpb.BarWidth(1))...)
		} else {
			bar = m.bars.AddBar(0, options...)
		}
		m.byKey[key] = bar
	}
	if p.Estimated > 0 && !m.again[key] {
		bar.SetTotal(max(p.Estimated, p.Rows+1), false) // an estimate may be too small
	} else {
		bar.SetTotal(p.Rows+1, false)
	}
	return bar
}

func rowsOf(s decor.Statistics) string {
	text := count(s.Current) + " rows"
	if s.Total > s.Current+1 && !s.Completed {
		text += " of about " + count(s.Total)
	}
	return text
}

// ended says how one pull went.
func (m *meter) ended(one *asked) {
	if m.app.json {
		return
	}
	var w io.Writer = m.app.out
	if m.bars != nil {
		w = m.bars // above the bars
	}
	_, _ = fmt.Fprintln(w, m.app.pulledLine(one))
	for _, t := range one.pull.Tables {
		text := fmt.Sprintf("  %s: %s rows", t.Table, count(t.Rows))
		if t.Code != "" {
			text = fmt.Sprintf("  %s: not read: %s", t.Table, t.Public)
		} else if t.Note != "" {
			text += " (" + t.Note + ")"
		}
		_, _ = fmt.Fprintln(w, printable(text))
	}
}

// end leaves the terminal as it should be.
func (m *meter) end() {
	if m.bars == nil {
		return
	}
	for _, bar := range m.byKey {
		bar.SetTotal(-1, true)
	}
	m.bars.Shutdown()
}
