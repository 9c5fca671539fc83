package mysql

import (
	"context"
	"fmt"
	"hash/fnv"
	"slices"
	"strconv"
	"strings"

	"github.com/regrant/regrant/connector"
)

// A window is told from what it was by the hashes of its rows, folded by
// exclusive or. If there were only one such sum, one late row would
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

// hashed is what a row in a window is known by. A date says when a row changed
// only to the second or to the day: within it the row may change once more. So
// where changes are followed, everything that is read belongs to it; where only
// new rows are, the followed column and the key.
func (f *follower) hashed() []*col {
	var cols []*col
	for _, o := range f.terms {
		cols = append(cols, o.c)
	}
	if f.req.Replication.Method != connector.ModifiedAt {
		return cols
	}
	for _, c := range f.cols {
		if !slices.Contains(cols, c) {
			cols = append(cols, c)
		}
	}
	return cols
}

// hashedBy tells one choice of hashed columns from another.
func (f *follower) hashedBy() string {
	h := fnv.New64a()
	for _, c := range f.hashed() {
		h.Write([]byte(ident(c.name)))
	}
	return strconv.FormatUint(h.Sum64(), 36)
}

// inHeaps is the condition that a row is in one of the heaps; none means all.
func (f *follower) inHeaps(heaps []string) string {
	if len(heaps) == 0 {
		return "TRUE"
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
