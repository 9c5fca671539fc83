package teach

import (
	"github.com/regrant/regrant/connector"
)

// ranges compares what each known range holds with what it held, sends those
// that differ, and then walks on behind the last one.
func (r *reading) ranges(from place) error {
	if from.Next >= len(from.Ranges) {
		from.Next = 0
	}
	for from.Next < len(from.Ranges) {
		more, err := r.compare(&from)
		if err != nil || !more {
			return err
		}
	}
	return r.newRanges(from)
}

// compare looks at the next known range; false ends the reading.
func (r *reading) compare(from *place) (bool, error) {
	known, after := from.Ranges[from.Next], int64(0)
	if from.Next > 0 {
		after = from.Ranges[from.Next-1].Through
	}
	rows, err := r.pageOf("id", mark{ID: after}, known.Through, 0)
	if err != nil {
		return false, err
	}
	now := summary(rows, known.Through)
	from.Next++
	if now == known {
		return true, nil
	}
	ranges := append([]keyRange(nil), from.Ranges...)
	ranges[from.Next-1] = now
	from.Ranges = ranges
	b := connector.Batch{Record: r.record(rows), Complete: r.keyRange(after, known.Through), Position: from.text()}
	return r.send(b, len(rows)), nil
}

// newRanges cuts what lies behind the known ranges into new ones.
func (r *reading) newRanges(from place) error {
	for {
		after := int64(0)
		if n := len(from.Ranges); n > 0 {
			after = from.Ranges[n-1].Through
		}
		rows, err := r.pageOf("id", mark{ID: after}, 0, r.page)
		if err != nil || len(rows) == 0 {
			return err
		}
		through := rows[len(rows)-1].ID
		from.Ranges = append(from.Ranges, summary(rows, through))
		from.Next = len(from.Ranges)
		b := connector.Batch{Record: r.record(rows), Complete: r.keyRange(after, through), Position: from.text()}
		if !r.send(b, len(rows)) || len(rows) < r.page {
			return nil
		}
	}
}

func summary(rows []Row, through int64) keyRange {
	s := keyRange{Through: through, Rows: len(rows)}
	for _, row := range rows {
		s.Sum += row.ID*31 + row.Updated
	}
	return s
}
