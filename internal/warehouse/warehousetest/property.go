package warehousetest

import (
	"fmt"

	"pgregory.net/rapid"

	"github.com/regrant/regrant/connector"
	"github.com/regrant/regrant/internal/warehouse"
)

func propertyTests() []test {
	return []test{{"random loads equal a model", testRandomLoads}}
}

// testRandomLoads does random things to a table and to a model of it.
func testRandomLoads(b *bundle) {
	round := 0
	rapid.Check(b.t, func(r *rapid.T) {
		round++
		tb := items()
		tb.name.Table = fmt.Sprintf("t%d", round)
		p := &player{b: b, r: r, tb: tb, committed: newModel(), next: newModel()}
		p.play()
	})
}

// player keeps beside the table what it should hold.
type player struct {
	b               *bundle
	r               *rapid.T
	tb              table
	load            warehouse.Load
	committed, next *model
	commits         int
}

func (p *player) play() {
	defer func() {
		if p.load != nil {
			_ = p.load.Close()
		}
	}()
	for range rapid.IntRange(1, 12).Draw(p.r, "steps") {
		p.step()
	}
	p.compare()
}

func (p *player) step() {
	if p.load == nil {
		l, err := p.b.w.Load(p.b.t.Context(), p.tb.spec())
		p.must(err)
		p.load = l
	}
	switch rapid.SampledFrom([]string{"write", "write", "update", "delete", "both", "commit", "commit", "abandon", "compare"}).Draw(p.r, "step") {
	case "write":
		p.must(p.load.Write(p.b.t.Context(), connector.Batch{Record: record(p.tb.schema(), p.draw(true)...)}))
	case "both":
		batch := connector.Batch{Record: record(p.tb.schema(), p.draw(true)...), Deletes: p.tb.keys(p.drawDeletes()...)}
		p.must(p.load.Write(p.b.t.Context(), batch))
	case "update":
		p.must(p.load.Update(p.b.t.Context(), connector.Batch{Record: record(p.tb.schema("id", "name"), p.draw(false)...)}))
	case "delete":
		keys := p.tb.keys(p.drawDeletes()...)
		p.must(p.load.Delete(p.b.t.Context(), keys))
		keys.Release()
	case "commit":
		p.commit()
	case "abandon":
		p.must(p.load.Close())
		p.load, p.next = nil, p.committed.clone()
	case "compare":
		p.compare()
	}
}

func (p *player) draw(whole bool) [][]any {
	var rows [][]any
	for range rapid.IntRange(0, 6).Draw(p.r, "rows") {
		id := rapid.IntRange(0, 9).Draw(p.r, "id")
		var name, n any
		if !rapid.Bool().Draw(p.r, "null name") {
			name = rapid.SampledFrom([]string{"", "a", "b", "ü'"}).Draw(p.r, "name")
		}
		if !whole {
			rows = append(rows, []any{id, name})
			p.next.update(id, name)
			continue
		}
		if !rapid.Bool().Draw(p.r, "null n") {
			n = rapid.IntRange(0, 3).Draw(p.r, "n")
		}
		rows = append(rows, []any{id, name, n})
		p.next.put(id, name, n)
	}
	return rows
}

func (p *player) drawDeletes() [][]any {
	var rows [][]any
	for range rapid.IntRange(0, 4).Draw(p.r, "deletes") {
		id := rapid.IntRange(0, 9).Draw(p.r, "id")
		rows = append(rows, []any{id})
		p.next.delete(id)
	}
	return rows
}

func (p *player) commit() {
	p.commits++
	p.next.position = fmt.Sprint("p", p.commits)
	c, err := p.load.Commit(p.b.t.Context(), connector.Position(p.next.position))
	p.must(err)
	if want := p.committed.changed(p.next); grown(c) != want || c.Inserted < 0 || c.Updated < 0 || c.Deleted < 0 {
		p.r.Fatalf("the commit says %+v, but the table grew by %d", c, want)
	}
	p.committed = p.next.clone()
}

func (p *player) compare() {
	r, err := p.b.w.Query(p.b.t.Context(), fmt.Sprintf("SELECT id, name, n FROM %s WHERE %s IS NULL ORDER BY id", sqlName(p.tb.name), quote(warehouse.DeletedAt)), 100)
	if p.load == nil && err != nil && p.commits == 0 {
		return // never loaded
	}
	p.must(err)
	if got, want := fmt.Sprint(lines(r)), fmt.Sprint(p.committed.alive()); got != want {
		p.r.Fatalf("the table holds %s, want %s", got, want)
	}
	s, err := p.b.w.Describe(p.b.t.Context(), p.tb.name)
	p.must(err)
	if string(s.Position) != p.committed.position || s.Deleted != p.committed.deleted() {
		p.r.Fatalf("the state is %+v, want position %q and %d deleted", s, p.committed.position, p.committed.deleted())
	}
}

func (p *player) must(err error) {
	if err != nil {
		p.r.Fatalf("%v", err)
	}
}
