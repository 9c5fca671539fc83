package tds

import (
	"encoding/hex"
	"fmt"
	"math/big"
	"regexp"
	"strconv"
	"strings"
)

// The part of T-SQL that is understood: one SELECT with TOP, one table or
// derived table, WHERE, GROUP BY and ORDER BY, and the expressions below.

type query struct {
	top     int64 // -1: all
	items   []item
	table   *tableRef
	derived *query
	where   *node
	group   []*node
	order   []*node
}

type item struct {
	expr *node
	name string
}

type tableRef struct{ schema, name string }

// node is an expression.
type node struct {
	op   string // "lit", "col", "param", "call", "convert", "case", "query", "collate", an operator
	text string // of a column, function, collation
	lit  any
	args []*node // of a case: WHEN, THEN, …, ELSE (or nil)
	to   Type    // of a convert
	sub  *query
}

var tokens = regexp.MustCompile(`(?s)^(?:\s+|--[^\n]*)*(N?'(?:[^']|'')*'|\[(?:[^\]]|\]\])*\]|0x[0-9A-Fa-f]*|\d+(?:\.\d+)?|@\w+|[A-Za-z_]\w*|<=|>=|<>|[-+*/=<>(),.;])`) //nolint:gochecknoglobals // compiled once

func lex(sql string) ([]string, error) {
	var out []string
	for strings.TrimSpace(sql) != "" {
		m := tokens.FindStringSubmatchIndex(sql)
		if m == nil {
			return nil, fmt.Errorf("incorrect syntax near %.40q", sql)
		}
		out = append(out, sql[m[2]:m[3]])
		sql = sql[m[1]:]
	}
	return out, nil
}

type parser struct {
	toks   []string
	at     int
	params []any
}

// syntax carries an error out of the depths of the parser.
type syntax struct{ error }

func parse(sql string, params []any) (q *query, err error) {
	toks, err := lex(sql)
	if err != nil {
		return nil, err
	}
	defer func() {
		if r := recover(); r != nil {
			s, ok := r.(syntax)
			if !ok {
				panic(r)
			}
			err = s.error
		}
	}()
	p := &parser{toks: toks, params: params}
	q = p.query()
	p.optional(";")
	if p.at != len(p.toks) {
		p.fail()
	}
	return q, nil
}

func (p *parser) fail() { panic(syntax{fmt.Errorf("incorrect syntax near %.40q", p.peek())}) }

func (p *parser) peek() string {
	if p.at < len(p.toks) {
		return p.toks[p.at]
	}
	return ""
}

func (p *parser) next() string {
	t := p.peek()
	p.at++
	return t
}

func (p *parser) is(words ...string) bool {
	for i, w := range words {
		if p.at+i >= len(p.toks) || !strings.EqualFold(p.toks[p.at+i], w) {
			return false
		}
	}
	return true
}

func (p *parser) optional(words ...string) bool {
	if p.is(words...) {
		p.at += len(words)
		return true
	}
	return false
}

func (p *parser) want(words ...string) {
	if !p.optional(words...) {
		p.fail()
	}
}

func (p *parser) query() *query {
	q := &query{top: -1}
	p.want("SELECT")
	if p.optional("TOP") {
		p.want("(")
		n, err := strconv.ParseInt(p.next(), 10, 64)
		if err != nil {
			p.fail()
		}
		q.top = n
		p.want(")")
	}
	for {
		it := item{expr: p.expr()}
		if it.expr.op == "col" {
			it.name = it.expr.text
		}
		if p.optional("AS") {
			it.name = p.name()
		}
		q.items = append(q.items, it)
		if !p.optional(",") {
			break
		}
	}
	if p.optional("FROM") {
		p.from(q)
	}
	if p.optional("WHERE") {
		q.where = p.expr()
	}
	if p.optional("GROUP", "BY") {
		q.group = p.list()
	}
	if p.optional("ORDER", "BY") {
		q.order = p.list()
	}
	p.optional("OPTION", "(", "RECOMPILE", ")")
	return q
}

func (p *parser) from(q *query) {
	if p.optional("(") {
		q.derived = p.query()
		p.want(")")
	} else {
		q.table = &tableRef{schema: p.name()}
		p.want(".")
		q.table.name = p.name()
	}
	p.want("AS")
	p.name()
}

func (p *parser) list() []*node {
	all := []*node{p.expr()}
	for p.optional(",") {
		all = append(all, p.expr())
	}
	return all
}

func (p *parser) name() string {
	t := p.next()
	if strings.HasPrefix(t, "[") {
		return strings.ReplaceAll(t[1:len(t)-1], "]]", "]")
	}
	if t == "" || !(t[0] == '_' || t[0] >= 'A' && t[0] <= 'Z' || t[0] >= 'a' && t[0] <= 'z') {
		p.at--
		p.fail()
	}
	return t
}

func (p *parser) expr() *node { return p.binary(p.conjunction, "OR") }

func (p *parser) conjunction() *node { return p.binary(p.negation, "AND") }

func (p *parser) binary(below func() *node, ops ...string) *node {
	left := below()
	for {
		op := strings.ToUpper(p.peek())
		if !contains(ops, op) {
			return left
		}
		p.at++
		left = fold(&node{op: op, args: []*node{left, below()}})
	}
}

func contains(list []string, s string) bool {
	for _, l := range list {
		if l == s {
			return true
		}
	}
	return false
}

func (p *parser) negation() *node {
	if p.optional("NOT") {
		return &node{op: "NOT", args: []*node{p.negation()}}
	}
	return p.comparison()
}

func (p *parser) comparison() *node {
	left := p.sum()
	switch op := p.peek(); {
	case contains([]string{"=", "<", ">", "<=", ">=", "<>"}, op):
		p.at++
		return &node{op: op, args: []*node{left, p.sum()}}
	case p.optional("IS", "NOT", "NULL"):
		return &node{op: "NOT", args: []*node{{op: "ISNULL?", args: []*node{left}}}}
	case p.optional("IS", "NULL"):
		return &node{op: "ISNULL?", args: []*node{left}}
	}
	return left
}

func (p *parser) sum() *node { return p.binary(p.postfix, "+", "-") }

func (p *parser) postfix() *node {
	n := p.primary()
	for {
		switch {
		case p.optional("COLLATE"):
			n = fold(&node{op: "collate", text: p.name(), args: []*node{n}})
		case p.optional(".", "ToString", "(", ")"):
			n = &node{op: "call", text: "TOSTRING", args: []*node{n}}
		default:
			return n
		}
	}
}

func (p *parser) primary() *node {
	t := p.peek()
	switch {
	case p.is("(", "SELECT"):
		p.at++
		sub := p.query()
		p.want(")")
		return &node{op: "query", sub: sub}
	case p.optional("("):
		n := p.expr()
		p.want(")")
		return n
	case strings.HasPrefix(t, "N'"), strings.HasPrefix(t, "'"):
		p.at++
		t = strings.TrimPrefix(t, "N")
		return &node{op: "lit", lit: strings.ReplaceAll(t[1:len(t)-1], "''", "'")}
	case strings.HasPrefix(t, "0x"):
		p.at++
		raw, err := hex.DecodeString(t[2:])
		if err != nil {
			p.fail()
		}
		return &node{op: "lit", lit: raw}
	case t != "" && t[0] >= '0' && t[0] <= '9':
		p.at++
		return &node{op: "lit", lit: number(t)}
	case p.optional("-"):
		n := p.primary()
		return fold(&node{op: "-", args: []*node{{op: "lit", lit: int64(0)}, n}})
	case strings.HasPrefix(t, "@p"):
		p.at++
		i, err := strconv.Atoi(t[2:])
		if err != nil || i < 1 || i > len(p.params) {
			p.fail()
		}
		return &node{op: "lit", lit: p.params[i-1]}
	case p.optional("NULL"):
		return &node{op: "lit"}
	case p.optional("CASE"):
		return p.cases()
	case p.optional("CONVERT"):
		return p.convert()
	}
	return p.named()
}

func number(t string) any {
	if whole, part, ok := strings.Cut(t, "."); ok {
		n, _ := new(big.Int).SetString(whole+part, 10)
		return Decimal{n, len(part)}
	}
	n, err := strconv.ParseInt(t, 10, 64)
	if err != nil {
		b, _ := new(big.Int).SetString(t, 10)
		return Decimal{b, 0}
	}
	return n
}

func (p *parser) cases() *node {
	n := &node{op: "case"}
	var operand *node
	if !p.is("WHEN") {
		operand = p.expr()
	}
	for p.optional("WHEN") {
		when := p.expr()
		if operand != nil {
			when = &node{op: "=", args: []*node{operand, when}}
		}
		p.want("THEN")
		n.args = append(n.args, when, p.expr())
	}
	otherwise := &node{op: "lit"}
	if p.optional("ELSE") {
		otherwise = p.expr()
	}
	p.want("END")
	if len(n.args) == 0 {
		p.fail()
	}
	n.args = append(n.args, otherwise)
	return n
}

func (p *parser) convert() *node {
	p.want("(")
	n := &node{op: "convert", to: p.typeName()}
	p.want(",")
	n.args = []*node{p.expr()}
	if p.optional(",") {
		n.args = append(n.args, p.expr())
	}
	p.want(")")
	return fold(n)
}

func (p *parser) typeName() Type {
	t := Type{Name: strings.ToLower(p.name()), Size: 30}
	switch t.Name {
	case "datetime2", "datetimeoffset", "time":
		t.Scale = 7
	case "binary", "varbinary":
		t.Size = 30
	}
	if !p.optional("(") {
		return t
	}
	if p.optional("max") {
		t.Size = -1
	} else {
		n, err := strconv.Atoi(p.next())
		if err != nil {
			p.fail()
		}
		t.Size, t.Prec = n, n
		if t.Name == "datetime2" || t.Name == "datetimeoffset" || t.Name == "time" {
			t.Scale = n
		}
	}
	if p.optional(",") {
		n, err := strconv.Atoi(p.next())
		if err != nil {
			p.fail()
		}
		t.Scale = n
	}
	p.want(")")
	return t
}

// named is a column or a call.
func (p *parser) named() *node {
	name := p.name()
	if p.optional("(") {
		n := &node{op: "call", text: strings.ToUpper(name)}
		switch {
		case p.optional("*"):
		case p.is(")"):
		default:
			n.args = p.list()
		}
		p.want(")")
		if fewest, most := arity(n.text); len(n.args) < fewest || len(n.args) > most {
			p.fail()
		}
		return fold(n)
	}
	for p.is(".") && !p.is(".", "ToString") {
		p.at++
		name = p.name()
	}
	return &node{op: "col", text: name}
}

// arity is how many arguments a function takes.
func arity(name string) (fewest, most int) {
	switch name {
	case "COUNT", "COUNT_BIG":
		return 0, 1
	case "SYSUTCDATETIME", "MIN_ACTIVE_ROWVERSION":
		return 0, 0
	case "ISNULL", "HASHBYTES", "DATEPART", "SQL_VARIANT_PROPERTY":
		return 2, 2
	case "SUBSTRING", "DATEADD":
		return 3, 3
	}
	return 1, 1
}

// fold works out what is the same for every row.
func fold(n *node) *node {
	switch n.op {
	case "convert", "collate", "+", "-":
	case "call":
		if n.text != "DATEADD" && n.text != "SYSUTCDATETIME" {
			return n
		}
	default:
		return n
	}
	for i, a := range n.args {
		if word := i == 0 && n.text == "DATEADD"; !word && a.op != "lit" {
			return n
		}
	}
	v, err := (&scope{}).eval(n)
	if err != nil {
		panic(syntax{err})
	}
	t, err := (&scope{}).typeOf(n)
	if err != nil {
		panic(syntax{err})
	}
	return &node{op: "lit", lit: v, to: t}
}
