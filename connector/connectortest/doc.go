// Package connectortest is the conformance suite that every connector passes.
//
// A connector's test fills a Harness and calls Run. The suite then uses the
// connector as the product would, and worse: it cuts reads after any batch,
// replaces credentials, takes the network away, cancels, plants secrets and
// looks for them afterwards. What a connector does beyond the contract is not
// its subject; that belongs in the connector's own tests.
//
// Everything a check needs from outside is a function or a name in the Harness,
// so the same suite fits a database server started by the test and an HTTP API
// played by Script or Replay. A check is left out only with a reason, in
// Harness.Skip.
//
// The package is for tests and is never linked into the product.
package connectortest
