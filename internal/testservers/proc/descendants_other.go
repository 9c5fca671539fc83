//go:build !linux

package proc

import (
	"os/exec"
	"strconv"
	"strings"
)

// Descendants gives the ids of all processes that pid has started, directly
// or not.
func Descendants(pid int) []int {
	out, err := exec.Command("pgrep", "-P", strconv.Itoa(pid)).Output()
	if err != nil {
		return nil
	}
	var found []int
	for _, field := range strings.Fields(string(out)) {
		if id, err := strconv.Atoi(field); err == nil {
			found = append(found, id)
			found = append(found, Descendants(id)...)
		}
	}
	return found
}
