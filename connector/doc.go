// Package connector is the contract between Regrant and one third party.
//
// A connector is a value of type Definition: facts, forms and a function that
// opens a Source. It sees nothing of the product behind it; what it needs from
// the outside (settings, secrets, a guarded dialer, a log) arrives in Env.
//
// The package is for authors of connectors and for the code that drives them.
// It holds no behaviour of the product: retry, pacing of pulls, storage of
// credentials and the choice of what to read when belong to the caller.
//
// It is at v0: names may change until the first release. What will not change
// is the meaning of stored values: connector ids, causes, codes and positions.
package connector
