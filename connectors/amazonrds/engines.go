package amazonrds

import (
	"github.com/regrant/regrant/connector"
	"github.com/regrant/regrant/connectors/mysql"
	"github.com/regrant/regrant/connectors/postgresql"
	"github.com/regrant/regrant/connectors/sqlserver"
)

// engine is one of the databases that Amazon runs.
type engine struct {
	value      string // of the field "engine"; stored
	label      string
	port       string
	iam        bool // signs users in with IAM
	definition connector.Definition
}

func engines() []engine {
	return []engine{
		{value: "postgresql", label: "PostgreSQL, Aurora PostgreSQL", port: "5432", iam: true, definition: postgresql.Definition},
		{value: "mysql", label: "MySQL, Aurora MySQL", port: "3306", iam: true, definition: mysql.Definition},
		{value: "mariadb", label: "MariaDB", port: "3306", iam: true, definition: mysql.Definition},
		{value: "sqlserver", label: "Microsoft SQL Server", port: "1433", definition: sqlserver.Definition},
	}
}

func engineOf(value string) (engine, bool) {
	for _, e := range engines() {
		if e.value == value {
			return e, true
		}
	}
	return engine{}, false
}

func engineOptions() []connector.Option {
	var options []connector.Option
	for _, e := range engines() {
		options = append(options, connector.Option{Value: e.value, Label: e.label})
	}
	return options
}
