// Package api is Regrant over HTTP for programs: JSON under /api/v1, live
// streams, the OpenAPI document, health and metrics.
//
// It decides nothing. It checks who asks and whether the request is well
// formed, asks the heart, and shows the answer as package client declares it.
// Pages for people are package web.
package api
