// Package mongodb reads collections of MongoDB 4.4 and later, of MongoDB Atlas
// and of servers that speak its protocol (DocumentDB, FerretDB), with nothing
// but the right to read.
package mongodb
