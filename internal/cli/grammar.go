package cli

const description = `Connects databases and accounts, pulls their rows into a warehouse and keeps every authorization alive.

Exit status: 0 done, 1 failed, 2 usage, 3 a person must re-authorize, 4 waiting for a third party, 5 our fault.
Environment: REGRANT_SERVER with REGRANT_TOKEN or REGRANT_TOKEN_FILE names a server, REGRANT_DATA a data directory.`

// globals are flags of every command.
type globals struct {
	Server string `placeholder:"URL" help:"A server, instead of a data directory (REGRANT_SERVER)."`
	Data   string `placeholder:"DIR" help:"The data directory (REGRANT_DATA; ./regrant-data)."`
	JSON   bool   `name:"json" help:"Print what the API answers."`
}

// grammar is every command.
type grammar struct {
	globals

	Serve       serveCmd       `cmd:"" help:"Run the server."`
	Connectors  connectorsCmd  `cmd:"" help:"The catalogue, or one connector with its forms."`
	Add         addCmd         `cmd:"" help:"Connect an account or database: Save & Test."`
	List        listCmd        `cmd:"" help:"Every integration and how it is."`
	Show        showCmd        `cmd:"" help:"One integration in full."`
	Probe       probeCmd       `cmd:"" help:"Prove an authorization now."`
	Reauthorize reauthorizeCmd `cmd:"" help:"Replace the credential of an integration; everything else stays."`
	Undo        undoCmd        `cmd:"" help:"Go back to the credential before, within 24 hours."`
	Update      updateCmd      `cmd:"" help:"Pull rows now."`
	Tables      tablesCmd      `cmd:"" help:"The tables of an integration and how they are read."`
	Incidents   incidentsCmd   `cmd:"" help:"What is wrong, and what was."`
	Gaps        gapsCmd        `cmd:"" help:"What could not be read, and the receipts."`
	Events      eventsCmd      `cmd:"" help:"The timeline."`
	Pulls       pullsCmd       `cmd:"" help:"The last pulls."`
	Query       queryCmd       `cmd:"" help:"Run one statement that only reads."`
	Pause       pauseCmd       `cmd:"" help:"Stop the updates of an integration."`
	Resume      resumeCmd      `cmd:"" help:"Begin them again."`
	Remove      removeCmd      `cmd:"" help:"Forget an integration; its rows stay in the warehouse."`
	Doctor      doctorCmd      `cmd:"" help:"Look for what is wrong with this installation."`
	Token       tokenCmd       `cmd:"" help:"API tokens for programs (admin)."`
	Version     versionCmd     `cmd:"" help:"Print the version."`
}

// named is the argument of commands about one integration.
type named struct {
	Name string `arg:"" help:"Its name as list shows it."`
}
