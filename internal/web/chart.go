package web

import (
	"math"
	"slices"

	"github.com/regrant/regrant/internal/integration"
)

// chart is the bars of the last updates, oldest first. It says nothing that
// the list of updates does not say in words.
type chart struct {
	Bars  []bar
	Width int
}

type bar struct {
	X, Y, Height int
	Tone         string
	Pull         integration.Pull
}

const (
	barHeight = 40
	barStep   = 8
	barCount  = 30 // the width is always that of so many
)

// newChart draws on a square-root scale: a first pull of millions beside
// updates of a few hundred rows would flatten all others on a linear one.
func newChart(pulls []integration.Pull) chart {
	shown := slices.Clone(pulls)
	slices.Reverse(shown)
	top := 1.0
	for _, p := range shown {
		top = max(top, math.Sqrt(float64(max(0, p.Rows))))
	}
	shown = shown[max(0, len(shown)-barCount):]
	c := chart{Width: barCount * barStep}
	for n, p := range shown {
		height := 3 + int(math.Sqrt(float64(max(0, p.Rows)))/top*(barHeight-3))
		c.Bars = append(c.Bars, bar{X: n * barStep, Y: barHeight - height, Height: height, Tone: outcomeLook(p.Outcome).Tone, Pull: p})
	}
	return c
}
