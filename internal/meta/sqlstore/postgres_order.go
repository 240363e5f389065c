package sqlstore

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/satchel-files/satchel"
)

const (
	// recent is how long ago a file must have got its id for every file with a lower one to be committed, or never to be: longer than any
	// transaction.
	recent = time.Minute
	// skew is by how much the clocks of servers may differ without a walker missing anything.
	skew = 100 * time.Millisecond
)

// commitOrder lets whoever walks in the order of the ids miss nothing. Transactions that mint ids at the same moment may be committed in another
// order than that of their ids, and the walker, who goes on behind the last id that it saw, would pass over those that come late. So a page
// that ends with a recent id is read again when nobody mints a lower one any more, and all transactions are over that may hold one.
type commitOrder struct {
	pool *pgxpool.Pool
	now  func() time.Time
}

// needed reports whether a page must be read again.
func (o *commitOrder) needed(page satchel.Page) bool {
	return o != nil && len(page.Files) > 0 && page.Files[len(page.Files)-1].ID.Time().After(o.now().Add(-recent))
}

// minters are the transactions that hold lockPlaces, as everybody does who mints an id.
const minters = `SELECT DISTINCT virtualtransaction FROM pg_locks WHERE locktype = 'advisory' AND classid = $1 AND objid = $2 AND objsubid = 2
	AND granted AND database = (SELECT oid FROM pg_database WHERE datname = current_database())`

// settle waits until the clocks of all servers are beyond an id, and then until every transaction is over that may have minted one until then.
func (o *commitOrder) settle(ctx context.Context, last satchel.FileID) error {
	if err := pause(ctx, min(last.Time().Add(skew).Sub(o.now()), 2*skew)); err != nil { // one of a clock that is far ahead is not waited for
		return err
	}
	return o.wait(ctx)
}

func (o *commitOrder) wait(ctx context.Context) error {
	const look = 2 * time.Millisecond
	l := lock{topic: lockPlaces}
	q := pooled{o.pool}
	before, err := o.holders(ctx, q, l)
	for err == nil && len(before) > 0 {
		if err := pause(ctx, look); err != nil {
			return err
		}
		var now map[string]bool
		if now, err = o.holders(ctx, q, l); err == nil {
			for held := range before {
				if !now[held] {
					delete(before, held)
				}
			}
		}
	}
	if err != nil {
		return fmt.Errorf("waiting for transactions under way: %w", err)
	}
	return nil
}

func (o *commitOrder) holders(ctx context.Context, q querier, l lock) (map[string]bool, error) {
	all, err := collect(ctx, q, scanOne[string], minters, int64(l.topic), int64(uint32(l.number()))) //nolint:gosec // as pg_locks shows it
	held := make(map[string]bool, len(all))
	for _, one := range all {
		held[one] = true
	}
	return held, err
}

// pause waits for a time, or for the end of ctx.
func pause(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(d):
		return nil
	}
}

// upTo cuts a page behind an id: what comes later need not be in its order yet.
func upTo(page satchel.Page, last satchel.FileID) satchel.Page {
	for i, f := range page.Files {
		if f.ID > last {
			page.Files, page.More = page.Files[:i], true
			break
		}
	}
	return page
}
