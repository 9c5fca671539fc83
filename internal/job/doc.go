// Package job runs work that must survive a crash: a queue in the state
// database, on River. It knows nothing of the product.
//
// A job is a value with a kind; handlers are registered per kind before
// Start. A job runs at least once: a handler must bear to be run again for
// work it had already done. With SQLite one process at a time uses the
// database, so whatever is marked as running at Start was cut off by the end
// of another process and is run again at once.
package job
