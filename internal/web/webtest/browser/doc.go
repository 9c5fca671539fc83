// Package browser drives a real browser in tests of the pages: Debian's
// chromium, headless, with a profile of its own. It is never linked into the
// product.
package browser
