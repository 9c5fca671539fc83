package mysqlwire

import (
	"context"
	"fmt"
)

// Rows takes a result in.
type Rows interface {
	// Columns is called once, before the first row, with the columns' names.
	Columns(names []string) error
	// Row is called for each row with its values as text, nil for NULL. They
	// are valid during the call only.
	Row(values [][]byte) error
}

// Query runs one statement. If rows fails, the session is broken: what the
// server still sends is not read.
func (c *Conn) Query(ctx context.Context, sql string, rows Rows) error {
	return c.guarded(ctx, func() error { return c.query(sql, rows) })
}

// Exec runs a statement without a result, or throws the result away.
func (c *Conn) Exec(ctx context.Context, sql string) error {
	return c.Query(ctx, sql, nobody{})
}

type nobody struct{}

func (nobody) Columns([]string) error { return nil }
func (nobody) Row([][]byte) error     { return nil }

// All runs one statement and gives all its rows; for small results.
func (c *Conn) All(ctx context.Context, sql string) ([][][]byte, error) {
	var all kept
	err := c.Query(ctx, sql, &all)
	return all.rows, err
}

type kept struct{ rows [][][]byte }

func (*kept) Columns([]string) error { return nil }

func (k *kept) Row(values [][]byte) error {
	row := make([][]byte, len(values))
	for i, v := range values {
		if v != nil {
			row[i] = append([]byte{}, v...)
		}
	}
	k.rows = append(k.rows, row)
	return nil
}

func (c *Conn) query(sql string, rows Rows) error {
	if err := c.stream.command(comQuery, sql); err != nil {
		return err
	}
	p, err := c.stream.read()
	if err != nil {
		return err
	}
	switch {
	case len(p) == 0:
		return malformed("an empty answer")
	case p[0] == 0x00:
		return nil
	case p[0] == 0xff:
		return parseError(p)
	case p[0] == 0xfb:
		return malformed("the server asks for a local file")
	}
	n, _, _, ok := lenenc(p)
	if !ok || n == 0 || n > 1<<16 {
		return malformed("a result without a number of columns")
	}
	names, err := c.columns(int(n))
	if err != nil {
		return err
	}
	if err := rows.Columns(names); err != nil {
		return fmt.Errorf("take a result in: %w", err)
	}
	return c.rows(len(names), rows)
}

// columns reads the definitions; of each, the name is the fifth text.
func (c *Conn) columns(n int) ([]string, error) {
	names := make([]string, n)
	for i := range names {
		p, err := c.stream.read()
		if err != nil {
			return nil, err
		}
		var value []byte
		for range 5 {
			var ok bool
			if value, p, _, ok = text(p); !ok {
				return nil, malformed("a column without a name")
			}
		}
		names[i] = string(value)
	}
	p, err := c.stream.read()
	if err == nil && !isEnd(p) {
		err = malformed("no end of the columns")
	}
	return names, err
}

// isEnd recognises the packet that ends columns and rows; a row that begins
// with the same byte is a text of at least 16 MB.
func isEnd(p []byte) bool { return len(p) > 0 && len(p) < 9 && p[0] == 0xfe }

func (c *Conn) rows(n int, rows Rows) error {
	if cap(c.fields) < n {
		c.fields = make([][]byte, n)
	}
	values := c.fields[:n]
	for {
		p, err := c.stream.read()
		switch {
		case err != nil:
			return err
		case isEnd(p):
			return nil
		case len(p) > 0 && p[0] == 0xff:
			return parseError(p)
		}
		if err := split(p, values); err != nil {
			return err
		}
		if err := rows.Row(values); err != nil {
			return fmt.Errorf("take a row in: %w", err)
		}
	}
}

// split cuts a row into its values.
func split(p []byte, values [][]byte) error {
	for i := range values {
		if len(p) > 0 && p[0] < 0xfb { // most values are short
			n := int(p[0]) + 1
			if n > len(p) {
				return malformed("a row that ends within a value")
			}
			values[i], p = p[1:n:n], p[n:]
			continue
		}
		value, rest, null, ok := text(p)
		if !ok {
			return malformed("a row that ends within a value")
		}
		if p = rest; null {
			value = nil
		}
		values[i] = value
	}
	if len(p) != 0 {
		return malformed("a row with more values than columns")
	}
	return nil
}
