package pull

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"

	"github.com/regrant/regrant/connector"
	"github.com/regrant/regrant/internal/warehouse"
)

// warehouseFault says what is wrong with the warehouse: always ours, and of
// everything, except where one table alone cannot be written.
func warehouseFault(err error, table string) error {
	if err == nil || errors.Is(err, context.Canceled) {
		return err
	}
	f := &connector.Fault{Cause: connector.Ours, Step: connector.StepRead, Err: err}
	switch {
	case errors.Is(err, warehouse.ErrDiskFull):
		f.Code = "warehouse.disk_full"
		f.Public = "There is no space left where Regrant keeps the rows. Free some space on that disk; the next update goes on where this one stopped."
	case errors.Is(err, warehouse.ErrInUse):
		f.Code = "warehouse.in_use"
		f.Public = "Another process holds the warehouse. End it; the next update goes on by itself."
	case errors.Is(err, warehouse.ErrVersion):
		f.Code = "warehouse.version"
		f.Public = "The warehouse was written by another version. Run that version of Regrant, or point it at another warehouse file."
	default:
		f.Code = "warehouse.failed"
		f.Public = "The warehouse could not take the rows. The operator of this installation finds the reason in the log."
		if table != "" {
			f.Scope, f.Table = connector.OneTable, table
		}
	}
	return f
}

// recovered runs f and turns a panic, which is a bug of ours, into a fault.
func recovered(f func() error) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = &connector.Fault{
				Cause: connector.Ours, Code: "internal.panic", Step: connector.StepRead,
				Public: "Regrant made a mistake while reading. The operator of this installation finds the details in the log; nobody has to re-authorize.",
				Err:    fmt.Errorf("panic: %v\n%s", v, debug.Stack()),
			}
		}
	}()
	return f()
}

// ofTable narrows errors that came up in a table's reading and that nobody
// classified, and our own mistakes, to that table: the others go on.
func ofTable(err error, table string) error {
	var f *connector.Fault
	switch {
	case !errors.As(err, &f):
		f = connector.FaultOf(err)
	case f.Code == "internal.panic":
	case f.Scope == connector.OneTable && f.Table == "":
	default:
		return err
	}
	narrowed := *f
	narrowed.Scope, narrowed.Table, narrowed.Step = connector.OneTable, table, connector.StepRead
	return &narrowed
}

// isWhole says whether somebody classified err as of the whole authorization.
func isWhole(err error) bool {
	var f *connector.Fault
	return errors.As(err, &f) && f.Scope == connector.WholeAuthorization && f.Code != "internal.panic"
}

func tableMissing(table string) *connector.Fault {
	return tableFault(table, "table.missing",
		table+" is not there any more, or this login may not see it. Grant access to it again, or stop reading it; its rows in the warehouse stay.",
		errors.New("the source does not list it"))
}

// tableFault is a change at the source that keeps one table from being read.
func tableFault(table, code, public string, err error) *connector.Fault {
	return &connector.Fault{
		Cause: connector.AccessChanged, Code: code, Public: public, Step: connector.StepRead,
		Scope: connector.OneTable, Table: table, Err: err,
	}
}

// stateFault says that the heart could not write something down: ours, unless
// it says otherwise itself.
func stateFault(doing string, err error) error {
	var f *connector.Fault
	if errors.As(err, &f) || errors.Is(err, context.Canceled) {
		return fmt.Errorf("%s: %w", doing, err)
	}
	return &connector.Fault{
		Cause: connector.Ours, Code: "state.failed", Step: connector.StepRead,
		Public: "Regrant could not write down how far it came. The operator of this installation finds the reason in the log.",
		Err:    fmt.Errorf("%s: %w", doing, err),
	}
}
