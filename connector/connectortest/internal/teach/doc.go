// Package teach is a small complete connector that teaches by example and
// proves the conformance suite: it passes all of it, and variants of it with
// one flaw each show that every check can fail.
//
// Provider plays the third party, an HTTP API with a token; the connector
// reads it by every replication method. It is no connector of the product.
package teach
