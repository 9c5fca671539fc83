package demo

import (
	"context"
	"fmt"
	"strings"
	"time"
)

// Size is how many rows the shop has.
type Size struct{ Customers, Products, Orders, Items, Visits int }

var (
	large  = Size{Customers: 120_000, Products: 8_000, Orders: 300_000, Items: 1_200_000, Visits: 100_000}
	medium = Size{Customers: 20_000, Products: 3_000, Orders: 50_000, Items: 200_000, Visits: 20_000}
	small  = Size{Customers: 6_000, Products: 1_500, Orders: 15_000, Items: 60_000, Visits: 5_000}
)

// The shop's database, and the role that reads it.
const (
	database = "shop"
	role     = "pull_ro"
)

// shop is a real database of one engine with a shop in it, and what its
// administrator does to it.
type shop interface {
	connector() string // id
	port() int
	prefix() string // of its tables' names: "public."
	hint() string   // how a person gets in as administrator

	// readsAgain is how far back a pull may read rows once more because the
	// engine does not say which transaction wrote them; 0: never.
	readsAgain() time.Duration
	start(context.Context) error
	stop(context.Context) error
	close() error

	// fill makes the shop, deterministically; grant makes the role that reads it.
	fill(context.Context, Size) error
	grant(ctx context.Context, password string) error
	drop(context.Context) error
	setPassword(ctx context.Context, password string) error // which does not expire
	// expire ends the password; when it ends only later, until says when.
	expire(context.Context) (until time.Time, err error)
	deny(ctx context.Context, table string) error
	allow(ctx context.Context, table string) error

	// trade is what goes on in the shop while it cannot be read: rows of five
	// kinds are added and changed. It returns how many an exact catch-up reads.
	trade(ctx context.Context, round, rows int) (changed int, err error)

	// sum counts a table and adds up a 60-bit hash of every row's text.
	sum(ctx context.Context, table string, columns []column) (sum, error)
	tables() map[string][]column // every table with every column
}

// sized fills the sizes into a script.
func sized(script string, size Size) string {
	return strings.NewReplacer(
		"{{customers}}", fmt.Sprint(size.Customers), "{{products}}", fmt.Sprint(size.Products), "{{orders}}", fmt.Sprint(size.Orders),
		"{{items}}", fmt.Sprint(size.Items), "{{visits}}", fmt.Sprint(size.Visits)).Replace(script)
}
