package connector

import "context"

// Definition is what is known of a third party before anyone connects. It is
// data, so the catalogue page, the form, the docs and the tests read one value.
type Definition struct {
	ID      string // folder name and stored value; never changes
	Title   string // as the third party writes it: "PostgreSQL"
	Kind    Kind
	Summary string // one sentence for the catalogue
	Docs    string // address of the third party's own page on access
	Forms   []Form // ways to authorize, the recommended one first
	Retired string // why it cannot be connected any more; empty while it can

	// Open prepares a Source. It checks the form's values but dials nothing:
	// the first contact is made by Check, Tables or Read.
	Open func(context.Context, Env) (Source, error)
}

// Form returns the form with the id, or false.
func (d Definition) Form(id string) (Form, bool) {
	for _, f := range d.Forms {
		if f.ID == id {
			return f, true
		}
	}
	return Form{}, false
}

// Kind sorts the catalogue.
type Kind uint8

// The kinds of third parties.
const (
	Database Kind = iota
	Account       // a SaaS account
)

// Form is one way to authorize: the fields to fill and what to do at the
// third party beforehand.
type Form struct {
	ID     string // stored as the authorization's method: "password"
	Title  string
	Fields []Field

	// Guide gives what the person runs or clicks at the third party, built
	// from the values typed so far. Secrets are not among them; of a generated
	// one the value is its public half. May be nil.
	Guide func(values map[string]string) []Instruction
}

// Field returns the field with the name, or false.
func (f Form) Field(name string) (Field, bool) {
	for _, field := range f.Fields {
		if field.Name == name {
			return field, true
		}
	}
	return Field{}, false
}

// Instruction is one thing to do at the third party.
type Instruction struct {
	Title string // "Create a read-only role"
	Text  string // plain words; may be empty
	Code  string // ready to paste; may be empty
	Lang  string // of Code: "sql", "sh", "text"
}

// FieldKind decides how a field is drawn and checked.
type FieldKind uint8

// The kinds of fields.
const (
	Text FieldKind = iota
	Number
	Choice
	Toggle // "true" or "false"
	Block  // several lines: certificates, keys
)

// Field is one value of a form. Values are strings; an absent value is "".
type Field struct {
	Name     string // the key in Env.Settings or Env.Secrets: "ssh_host"
	Label    string
	Help     string // one or two sentences; required by the conformance suite
	Group    string // heading: "Connection", "Encryption", "SSH tunnel"
	Kind     FieldKind
	Secret   bool // sealed, write-only, never shown again
	Required bool // only while its Show condition holds
	Default  string
	Choices  []Option  // of a Choice
	Show     Condition // the zero Condition always shows
	MaxBytes int       // 0 means DefaultMaxBytes

	// Identity marks a field that names the account (host, database): changing
	// it in a re-authorization leads to another account and will be refused.
	Identity bool
	// Generate says that the product makes this secret when the form opens:
	// "ssh-ed25519" makes a key pair and shows the public half.
	Generate string
	// Once marks a value that holds for one attempt and is not stored.
	Once bool
	// Destination marks a value that decides to whom secrets are sent: when it
	// changes, secrets must be entered anew. Otherwise whoever may re-authorize
	// could have the kept ones sent to a server of their own.
	Destination bool
	// Admin marks a value that only an admin may enter: it gives up a
	// protection, such as an enrolled host key.
	Admin bool
}

// DefaultMaxBytes bounds a field that names no bound of its own.
const DefaultMaxBytes = 64 << 10

// Option is one choice of a Choice field.
type Option struct{ Value, Label string }

// Condition holds when the named field has one of the values.
type Condition struct {
	Field  string
	Values []string
}

// Holds says whether the condition is met by the values; the zero Condition is.
func (c Condition) Holds(values map[string]string) bool {
	if c.Field == "" {
		return true
	}
	for _, v := range c.Values {
		if values[c.Field] == v {
			return true
		}
	}
	return false
}
