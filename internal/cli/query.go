package cli

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/regrant/regrant/client"
)

const maxStatement = 100_000

type queryCmd struct {
	SQL   string `arg:"" name:"sql" help:"The statement, or - to read it from standard input."`
	Limit int    `default:"1000" help:"At most so many rows (100,000)."`
	CSV   bool   `name:"csv" help:"Print comma-separated values."`
}

// Run runs a statement on the warehouse.
func (c *queryCmd) Run(ctx *runContext, a *app) error {
	if c.CSV && a.json {
		return usage(errors.New("--csv and --json exclude each other"))
	}
	statement, err := c.statement(a)
	if err != nil {
		return usage(err)
	}
	server, err := a.client(ctx, false)
	if err != nil {
		return err
	}
	result, err := server.Query(ctx, client.Query{SQL: statement, Limit: min(max(c.Limit, 1), 100_000)})
	if err != nil {
		return err
	}
	if c.CSV {
		err = a.csv(result)
	} else {
		err = a.show(result, func() { a.result(result) })
	}
	if result.Truncated {
		a.note("There are more rows than %s: raise --limit to see them.", count(int64(len(result.Rows))))
	}
	return err
}

func (c *queryCmd) statement(a *app) (string, error) {
	if c.SQL != "-" {
		return c.SQL, nil
	}
	if a.env.Stdin == nil {
		return "", errors.New("there is no standard input")
	}
	b, err := io.ReadAll(io.LimitReader(a.env.Stdin, maxStatement+1))
	if err != nil {
		return "", fmt.Errorf("read the statement: %w", err)
	}
	if len(b) > maxStatement {
		return "", fmt.Errorf("the statement is longer than %d bytes", maxStatement)
	}
	return string(b), nil
}

func (a *app) result(r client.QueryResult) {
	g := grid{fit: a.width(), cut: true}
	for _, c := range r.Columns {
		g.head = append(g.head, printable(c.Name))
	}
	for _, row := range r.Rows {
		cells := make([]string, len(row))
		for n, v := range row {
			cells[n] = cell(v, "NULL")
		}
		g.add(cells...)
	}
	g.print(a.out)
	if a.terminal {
		a.note("%s", rowsWord(len(r.Rows)))
	}
}

func rowsWord(n int) string {
	if n == 1 {
		return "1 row"
	}
	return count(int64(n)) + " rows"
}

// cell writes a value as text.
func cell(v any, null string) string {
	if v == nil {
		return null
	}
	return fmt.Sprint(v)
}

func (a *app) csv(r client.QueryResult) error {
	w := csv.NewWriter(a.out)
	head := make([]string, 0, len(r.Columns))
	for _, c := range r.Columns {
		head = append(head, c.Name)
	}
	if err := w.Write(head); err != nil {
		return fmt.Errorf("write the result: %w", err)
	}
	for _, row := range r.Rows {
		cells := make([]string, len(row))
		for n, v := range row {
			cells[n] = strings.ToValidUTF8(cell(v, ""), "?")
		}
		if err := w.Write(cells); err != nil {
			return fmt.Errorf("write the result: %w", err)
		}
	}
	w.Flush()
	return w.Error()
}
