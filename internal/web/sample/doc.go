// Package sample makes integrations in every state, for the development page
// and for tests of the pages. The states are derived by the heart from
// records, as real ones are, and not set by hand.
package sample
