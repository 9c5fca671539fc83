// Package connectors is the visible list of what this binary can connect. A
// list can be read and trimmed; nothing registers itself.
package connectors

import (
	"github.com/regrant/regrant/connector"
	"github.com/regrant/regrant/connectors/amazonrds"
	"github.com/regrant/regrant/connectors/mongodb"
	"github.com/regrant/regrant/connectors/mysql"
	"github.com/regrant/regrant/connectors/postgresql"
	"github.com/regrant/regrant/connectors/sqlserver"
)

// All returns the connectors in the order of the catalogue.
func All() []connector.Definition {
	return []connector.Definition{
		amazonrds.Definition,
		mongodb.Definition,
		mysql.Definition,
		postgresql.Definition,
		sqlserver.Definition,
	}
}
