package settings

import "strings"

// suggestion names the nearest setting, or all of them.
func suggestion(name string) string {
	var names []string
	for _, k := range keys() {
		names = append(names, k.name)
	}
	if best := Nearest(name, names); best != "" {
		return "; did you mean " + best + "?"
	}
	return "; there are " + strings.Join(names, ", ")
}

// Nearest is the known word that was probably meant, or "".
func Nearest(word string, known []string) string {
	best, distance := "", 4
	for _, k := range known {
		if d := edits(word, k); d < distance && d < len(k) {
			best, distance = k, d
		}
	}
	return best
}

// edits is the Levenshtein distance, of short texts only.
func edits(a, b string) int {
	if len(a) > 64 || len(b) > 64 {
		return 64
	}
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := 1
			if a[i] == b[j] {
				cost = 0
			}
			next := min(row[j+1]+1, row[j]+1, diagonal+cost)
			diagonal, row[j+1] = row[j+1], next
		}
	}
	return row[len(b)]
}
