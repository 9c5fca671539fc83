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
	fit  int                          // width of the terminal; 0: cut nothing
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
	g.cutLast(widths)
	line := func(cells []string, ink func(int) string) {
		var b strings.Builder
		for n, cell := range cells {
			text := cell
			if n < len(cells)-1 {
				text = runewidth.FillRight(cell, widths[n])
			}
			if colour := ink(n); colour != "" {
				text = colour + text + plain
			}
			b.WriteString(text)
			if n < len(cells)-1 {
				b.WriteString("  ")
			}
		}
		_, _ = fmt.Fprintln(w, strings.TrimRight(b.String(), " "))
	}
	line(g.head, func(int) string { return "" })
	for r, row := range g.rows {
		line(row, func(n int) string {
			if g.ink == nil {
				return ""
			}
			return g.ink(r, n)
		})
	}
}

// cutLast makes lines fit the terminal: the last column has the long texts.
func (g *grid) cutLast(widths []int) {
	last := len(widths) - 1
	if g.fit == 0 || last < 0 {
		return
	}
	room := g.fit
	for _, w := range widths[:last] {
		room -= w + 2
	}
	for _, row := range g.rows {
		row[last] = runewidth.Truncate(row[last], max(room, leastCell), "…")
	}
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
