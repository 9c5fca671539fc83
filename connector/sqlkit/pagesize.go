package sqlkit

import "time"

// PageSize finds how many rows to ask for at a time. A page is one statement:
// a long one holds back the database's housekeeping and is lost whole when it
// is cut, a short one wastes round trips. The zero value is ready.
type PageSize struct{ rows int }

// The bounds of a page and what one should cost.
const (
	firstPage   = 50_000
	smallPage   = 1_000
	largePage   = 250_000
	pageTime    = time.Second
	pageTooLong = 5 * time.Second
	pageBytes   = 64 << 20
)

// Rows is the size of the next page.
func (p *PageSize) Rows() int {
	if p.rows == 0 {
		p.rows = firstPage
	}
	return p.rows
}

// Took learns from a page that was read.
func (p *PageSize) Took(d time.Duration, bytes int64) {
	switch rows := p.Rows(); {
	case d > pageTooLong || bytes > 2*pageBytes:
		p.rows = max(smallPage, rows/2)
	case d < pageTime && bytes < pageBytes:
		p.rows = min(largePage, rows*2)
	}
}

// Failed learns from a page that the database gave up on (time limit,
// conflict): the next one is much smaller.
func (p *PageSize) Failed() { p.rows = max(smallPage, p.Rows()/8) }
