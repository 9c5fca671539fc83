// Package egress makes the connections that people ask for by typing an
// address. It refuses the ones that lead into the operator's own network
// unless the operator allows them: otherwise whoever may add an integration
// could reach the machine's metadata service or a neighbour's database.
//
// A name is resolved exactly once, every resulting address is judged, and only
// those that passed are dialled, by number. A second answer of a hostile name
// server therefore has nobody who asks for it.
package egress
