// Package pull makes one pull of one integration: plan, read, load, commit,
// for every enabled table. It decides what is read and what may be deleted;
// how a source is read and how rows are stored belong to the connector and
// the warehouse.
//
// What a pull promises, whatever interrupts it (error, cancel, kill -9):
//
//   - Rows and position commit together. Cut anywhere, the next pull goes on
//     from the last commit; no row is lost and none is there twice.
//   - Nothing is read from another account than the one enrolled.
//   - A fault of one table leaves the others alone; a fault of the whole
//     authorization, or of ours, ends the pull.
//   - Nothing is deleted on the word of a single look, and nothing is emptied
//     that the source did not show to be empty on purpose (see limits in guard.go).
//
// What each replication method promises after a pull that reached the end,
// for the state of the source when the pull began:
//
//   - Modified At: every row is there with its values, provided that its date
//     moves with each change. Deleted rows stay until a recheck of the key.
//   - Auto-Increment: every row is there, with the values it had when it was
//     read. Later changes are found by rechecks of columns, deletions by a
//     recheck of the key.
//   - Add Date: as Auto-Increment.
//   - Primary Key Batch: rows and values are those of the source, and rows that
//     are gone are marked as deleted.
//   - Full Table: the table is that of the source, swapped in at once.
//   - Paused: nothing is read.
package pull
