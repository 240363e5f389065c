package sqlstore

import "hash/fnv"

// On a database that several processes share, transactions run beside each other, and each statement sees what was committed before it
// began. Whoever decides by what was read holds a lock, from before the reading to the commit, that everybody who could change it asks for:
//
//   - a file, with its runs, pages and versions: its row, which every transaction that reads it may be about to change (transaction.File);
//   - who may be where: lockPlaces, which those who put files into workspaces share, and which those who change organizations, people,
//     workspaces or tokens have for themselves (meta.TenantWriter.Alone);
//   - what is used: lockUsage of the organization, for those who look whether something fits (transaction.Used);
//   - an idempotency key: lockKey, for those who look whether it was used (transaction.IdempotentCreate).
//
// They are asked for in the order key, places, file, usage, so that nobody waits in a circle; whoever does nevertheless is told so by the
// database, and runs again.

// topic is what a lock is about.
type topic int32

const (
	lockPlaces topic = 0x5a7c0001 + iota
	lockUsage
	lockKey
	lockMigration
	lockTurn
)

// lock names something that one transaction has for itself, or several share.
type lock struct {
	topic  topic
	name   string
	shared bool
}

// number gives what the database knows the name by. Two names with one number only wait for each other without need.
func (l lock) number() int32 {
	sum := fnv.New32a()
	_, _ = sum.Write([]byte(l.name)) // cannot fail
	return int32(sum.Sum32())        //nolint:gosec // any 32 bits will do
}
