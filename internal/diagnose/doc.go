// Package diagnose turns a failure into a verdict: a cause, how sure that is,
// and the evidence for and against it.
//
// It first gathers observations (own clock, disk, names, network; how far this
// third party can be reached; how the neighbours are), each by a small probe
// within a few seconds. Then pure rules judge; they are in rules.go and see
// nothing but the failure and the observations.
//
// The rules keep the connector's word unless an observation contradicts it,
// and never turn Unknown into a guess. Nobody is asked to re-authorize because
// of our own network, disk or clock.
package diagnose
