package cli

import (
	"fmt"
	"io"
	"strings"
	"unicode"

	"github.com/mattn/go-runewidth"
)

const (
	widestCell = 60 // on a terminal, except of the last column
	leastCell  = 24 // of the last column, however narrow the terminal is
)

// grid prints aligned columns. Cells come from third parties: what would
// steer a terminal is taken out.
type grid struct {
	head []string
	rows [][]string
	ink  func(row, column int) string // colour of a cell; nil: none
	fit  int                          // width of the terminal; 0: print all
	cut  bool                         // cut long texts instead of breaking them
}

func (g *grid) add(cells ...string) {
	for n := range cells {
		cells[n] = printable(cells[n])
		if g.fit > 0 && n < len(cells)-1 {
			cells[n] = runewidth.Truncate(cells[n], widestCell, "…")
		}
	}
	g.rows = append(g.rows, cells)
}

func (g *grid) print(w io.Writer) {
	widths := make([]int, len(g.head))
	for _, row := range append([][]string{g.head}, g.rows...) {
		for n, cell := range row {
			widths[n] = max(widths[n], runewidth.StringWidth(cell))
		}
	}
	g.line(w, widths, g.head, -1)
	for r, row := range g.rows {
		last := len(row) - 1
		if last < 0 {
			continue
		}
		for n, text := range g.fitted(widths, row[last]) {
			cells := make([]string, len(row))
			if n == 0 {
				copy(cells, row)
			}
			cells[last] = text
			g.line(w, widths, cells, r)
		}
	}
}

// line prints one line; row is -1 for the head.
func (g *grid) line(w io.Writer, widths []int, cells []string, row int) {
	var b strings.Builder
	for n, text := range cells {
		if n < len(cells)-1 {
			text = runewidth.FillRight(text, widths[n]) + "  "
		}
		if g.ink != nil && row >= 0 {
			if colour := g.ink(row, n); colour != "" {
				text = colour + text + plain
			}
		}
		b.WriteString(text)
	}
	_, _ = fmt.Fprintln(w, strings.TrimRight(b.String(), " "))
}

// fitted breaks the text of the last column, which has the sentences, so that
// lines fit the terminal; values of a query are cut instead.
func (g *grid) fitted(widths []int, text string) []string {
	if g.fit == 0 || text == "" {
		return []string{text}
	}
	room := g.fit
	for _, w := range widths[:len(widths)-1] {
		room -= w + 2
	}
	room = max(room, leastCell)
	if g.cut {
		return []string{runewidth.Truncate(text, room, "…")}
	}
	return wrap(text, room)
}

// printable replaces control characters, so that no text can move the cursor
// or change what was printed before.
func printable(text string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\n' || r == '\t':
			return ' '
		case unicode.IsControl(r) || unicode.In(r, unicode.Cf):
			return -1
		}
		return r
	}, text)
}
