package mysql

import (
	"context"
	"fmt"
	"slices"
	"strings"
)

// A window is told from what it was by the hashes of its rows' keys and dates,
// folded by exclusive or. If there were only one such sum, one late row would
// make the whole window be read again; so the rows are thrown into heaps, by
// how their own hash begins, and only a heap that changed is read again. A row
// that was changed leaves one heap and the window, a new one comes into one.

// tally gives for each heap that is not empty the number of its rows and their
// folded hash, as text.
func (f *follower) tally(ctx context.Context, where string) (map[string]string, error) {
	rows, err := f.ask(ctx, "SELECT "+f.heap()+" AS heap, COUNT(*), "+foldedHash(f.hashed())+" FROM "+f.t.from()+" WHERE "+where+" GROUP BY heap")
	if err != nil {
		return nil, err
	}
	heaps := make(map[string]string, len(rows))
	for _, r := range rows {
		if len(r) != 3 || !areHeaps([]string{string(r[0])}) {
			return nil, fmt.Errorf("a window came in a heap of %d columns", len(r))
		}
		heaps[string(r[0])] = string(r[1]) + ":" + string(r[2])
	}
	return heaps, nil
}

// heap is the expression of the heap that a row is in: two hexadecimal digits.
func (f *follower) heap() string { return "LEFT(" + rowHash(f.hashed()) + ", 2)" }

// hashed is what a row in a window is known by: the followed column and the key.
func (f *follower) hashed() []*col {
	cols := make([]*col, len(f.terms))
	for i, o := range f.terms {
		cols[i] = o.c
	}
	return cols
}

// inHeaps is the condition that a row is in one of the heaps.
func (f *follower) inHeaps(heaps []string) string {
	if len(heaps) == 0 {
		return "FALSE"
	}
	return f.heap() + " IN ('" + strings.Join(heaps, "', '") + "')"
}

// changedHeaps lists the heaps that hold something now and did not look so
// before; from one that is empty now there is nothing to read.
func changedHeaps(before, now map[string]string) []string {
	var changed []string
	for heap, sum := range now {
		if before[heap] != sum {
			changed = append(changed, heap)
		}
	}
	slices.Sort(changed)
	return changed
}

// areHeaps holds texts of a position against what they must look like.
func areHeaps(heaps []string) bool {
	for _, h := range heaps {
		if len(h) != 2 || strings.Trim(h, "0123456789abcdef") != "" {
			return false
		}
	}
	return len(heaps) <= 256
}
