// Package webtest holds fakes of the services behind the pages, for tests. It
// is never linked into the product.
package webtest
