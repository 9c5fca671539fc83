// Package web is the pages: what people see and click. It renders on the
// server, works without script, and is kept fresh by a small script of its
// own. It knows the services behind it only as the interfaces in services.go,
// and neither storage nor credentials.
package web
