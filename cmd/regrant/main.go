// Command regrant connects a company's databases and SaaS accounts, pulls
// their rows into a warehouse and keeps every authorization alive.
package main

import (
	"os"

	"github.com/regrant/regrant/app"
	"github.com/regrant/regrant/connectors"
)

func main() {
	os.Exit(app.Main(connectors.All()...))
}
