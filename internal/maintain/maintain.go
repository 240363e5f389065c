// Package maintain keeps the two stores, rows and bytes, true to each other: it sweeps, checks, backs up and restores.
//
// # What may be removed, and when
//
// Rows are the truth. Bytes are written before the row that names them, so at any moment there are bytes whose row is still on its
// way. The package removes bytes on two grounds alone:
//
//   - Their row is doomed. A doomed row stays doomed; the bytes go first and the row last, so that a crash in
//     between leaves a row that says what is still to do.
//   - No row names them and none ever will. That is known by looking in this order: list the object; see that no upload of this
//     process holds it (InUse); commit something; see that it has no row. An upload holds its objects from before their bytes exist
//     until the outcome of its commit is known, and never commits a row for an object that it has let go: so what is not held has its
//     row already, or gets none. The commit in between settles what a crash or a failed disk left open: whatever was readable but
//     not durable becomes durable, and a commit whose outcome was uncertain is either visible now or overwritten.
//     On a full disk, where nothing can be committed, only unfinished objects are removed: no row ever names one.
//
// Uploads of other processes cannot be asked. They are protected by age alone (SweeperConfig.Age): where several processes share a store, an
// upload must commit the rows of an object within SharedAge of the object's last byte (Entry.Modified, for unfinished ones too), or fail
// (files.Config.MaxUpload). Nor does the commit in between settle the commits of others: those are over long before.
//
// A backup relies on the bytes that its copy of the rows names. It holds a lock (BeginBackup) from before the copy of the rows until
// the last byte is copied; the sweeper takes the same lock around every batch of removals and puts its work off when it cannot.
package maintain

import (
	"context"
	"time"
)

// MarkPlace is the mark under which the rows know the place of their bytes, where that is not the data folder. The rows of a copy have none: its
// bytes lie beside it, and it must never sweep the place of the original.
const MarkPlace = "blobs.place"

// CopyProgress tells how far a backup or a restore is.
type CopyProgress struct {
	Blobs int64 // dealt with so far
	Bytes int64 // of them
}

// hoursBetween gives the UTC hours from one moment to another, both included, as moments.
func hoursBetween(from, to time.Time) []time.Time {
	var hours []time.Time
	for t := from.UTC().Truncate(time.Hour); !t.After(to); t = t.Add(time.Hour) {
		hours = append(hours, t)
	}
	return hours
}

// ended tells an error that only says that ctx is over from one that says that something is wrong.
func ended(ctx context.Context, err error) bool { return err != nil && ctx.Err() != nil }
