package pull

import (
	"errors"
	"fmt"

	"github.com/regrant/regrant/connector"
)

// The limits of what is believed without a person. A revoked grant, a policy
// that hides rows, or an empty database restored in haste looks like deletion;
// rows in the warehouse must outlive all three.
const (
	mostDeletions       = 100_000 // rows marked as deleted in one pull
	mostDeletionPercent = 20      // of the table's rows
	mostShrinkPercent   = 50      // of a table that is swapped
)

const howToConfirm = " If that is right, confirm it in the settings of this table; the confirmation holds for one update."

// mayDelete says why so many rows are not marked as deleted; nil: they may be.
func (r *tableRun) mayDelete(rows int64) *connector.Fault {
	alive := r.state.Rows
	tooMany := rows > mostDeletions || rows*100 > alive*mostDeletionPercent
	switch {
	case !tooMany:
		return nil
	case r.t.AllowEmpty:
		r.confirmed = true
		return nil
	case rows >= alive:
		return r.sourceEmpty()
	}
	return r.tooManyDeletions(rows, "")
}

func (r *tableRun) tooManyDeletions(rows int64, atLeast string) *connector.Fault {
	return tableFault(r.t.Name, "pull.too_many_deletions",
		fmt.Sprintf("%s%d of %d rows of %s are gone at the source. Nothing was deleted here, because a lost permission looks the same.",
			atLeast, rows, r.state.Rows, r.t.Name)+howToConfirm,
		fmt.Errorf("%s%d of %d rows missing", atLeast, rows, r.state.Rows))
}

func (r *tableRun) sourceEmpty() *connector.Fault {
	return tableFault(r.t.Name, "pull.source_empty",
		fmt.Sprintf("The source shows no rows of %s, but %d are here. They were kept, because a lost permission looks the same.", r.t.Name, r.state.Rows)+howToConfirm,
		errors.New("no rows at the source"))
}

// mayReplace says why a table is not swapped; nil: it may be.
func (r *tableRun) mayReplace() *connector.Fault {
	had := r.state.Rows
	shrunk := had > 0 && r.rows*100 < had*(100-mostShrinkPercent)
	switch {
	case !shrunk:
		return nil
	case r.t.AllowEmpty:
		r.confirmed = true
		return nil
	case r.rows == 0:
		return r.sourceEmpty()
	}
	return tableFault(r.t.Name, "pull.source_shrank",
		fmt.Sprintf("The source shows %d rows of %s, but %d are here. They were kept, because a lost permission looks the same.", r.rows, r.t.Name, had)+howToConfirm,
		fmt.Errorf("%d rows at the source, %d in the warehouse", r.rows, had))
}
