// Package pki makes certificate authorities and certificates for test
// servers, among them expired and misnamed ones. It is not for real use.
package pki
