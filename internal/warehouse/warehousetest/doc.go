// Package warehousetest is the suite that every warehouse engine passes. It
// knows the contract only, never an engine, and is not part of the product.
package warehousetest
