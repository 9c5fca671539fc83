package pull

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/regrant/regrant/internal/integration"
)

func TestProgressIsToldAtMostFourTimesASecond(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var told []Progress
		board := NewBoard(func(p Progress) { told = append(told, p) })
		m := board.begin("i1", "p1")
		m.plan([]integration.Table{{Name: "a", Enabled: true}, {Name: "b"}, {Name: "c", Enabled: true}})
		m.table("a", 1000)
		for range 1000 {
			time.Sleep(10 * time.Millisecond) // virtual
			m.add(1, 100)
		}
		if n := len(told); n < 35 || n > 42 {
			t.Errorf("told %d times in 10 seconds", n)
		}
		shown := board.Snapshot()[0]
		if shown.Rows != 1000 || shown.Bytes != 100_000 || shown.Tables != 2 || shown.TablesDone != 0 || shown.RowsPerSecond != 100 || shown.Elapsed != 10*time.Second {
			t.Errorf("shown %+v", shown)
		}
		m.table("c", -1)
		if shown := board.Snapshot()[0]; shown.Rows != 0 || shown.TablesDone != 1 || shown.Table != "c" || shown.Estimated != -1 {
			t.Errorf("shown %+v of the next table", shown)
		}
		m.end()
		if last := told[len(told)-1]; !last.Done || len(board.Snapshot()) != 0 {
			t.Errorf("last told %+v, %d still shown", last, len(board.Snapshot()))
		}
	})
}
