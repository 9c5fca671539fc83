package diagnose

import (
	"errors"
	"fmt"
	"os"
	"syscall"
)

// leastFree is where a disk counts as full: databases need room to even clean
// up after themselves.
const leastFree = 32 << 20

// probeDisk proves that the data directory takes a write, durably.
func probeDisk(dir string) disk {
	if dir == "" {
		return disk{}
	}
	d := disk{tested: true}
	free, err := freeBytes(dir)
	if err == nil {
		d.free = free
		d.full = free < leastFree
	}
	switch err := trialWrite(dir); {
	case err == nil && d.full:
		d.why = fmt.Sprintf("only %d MB are free", d.free>>20)
	case err == nil:
	case noSpace(err):
		d.full, d.why = true, "a small trial file could not be written: no space is left"
	default:
		d.broken, d.why = true, "a small trial file could not be written"
	}
	return d
}

func noSpace(err error) bool {
	return errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) || errors.Is(err, syscall.EFBIG)
}

func trialWrite(dir string) (err error) {
	f, err := os.CreateTemp(dir, ".probe-*")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close(), os.Remove(f.Name())) }()
	if _, err := f.Write(make([]byte, 4096)); err != nil {
		return err
	}
	return f.Sync()
}
