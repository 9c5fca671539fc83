// Package mongo starts private servers that speak MongoDB's protocol, for
// tests: FerretDB in front of a PostgreSQL with DocumentDB, on 127.0.0.1 and
// free ports. scripts/mongo.sh fetches both.
//
// The engine and its query language are real and authentication is enforced;
// roles are not (every user may do everything), nor are replica sets there.
// What those need is played by the package opmsg.
package mongo
