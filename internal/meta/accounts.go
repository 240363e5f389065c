package meta

import (
	"context"
	"time"

	"github.com/satchel-files/satchel"
)

// AccountReader reads what organizations and workspaces may use, and what they do. Contents count from the transaction that inserts their file to
// the one that forgets their blob; derived texts do not.
type AccountReader interface {
	// Rules gives what holds in the scope's workspace; for one that does not exist, what its organization may use.
	Rules(ctx context.Context, scope satchel.Scope) (satchel.Rules, error)

	// Used gives what the scope's organization and its workspace use at the moment now, with what living reservations hold, except one.
	Used(ctx context.Context, scope satchel.Scope, except satchel.ReservationID, now time.Time) (org, workspace satchel.Usage, err error)

	// Usage gives what the workspaces of an organization use, by id, and what it uses as a whole. Workspaces that are gone are there as long as
	// tokens of theirs are. Tokens are those of the days from since on; reservations do not count.
	Usage(ctx context.Context, org satchel.OrgID, since, now time.Time, page satchel.Slice) (total satchel.Usage, workspaces []satchel.Usage, err error)
}

// AccountWriter holds room for what is coming, and counts what no row of a run can. Its methods belong to a Tx. What is used is counted by the store
// itself, in the transactions that insert, delete and forget, and that update runs.
type AccountWriter interface {
	// CountTokens adds what a model has read and written on the day of at for the scope's workspace, in no run that is still there to be updated.
	CountTokens(ctx context.Context, scope satchel.Scope, spent satchel.Tokens, at time.Time) error

	// PutReservation stores a reservation in the place of the one with its id, if there is one; the organization stays.
	PutReservation(ctx context.Context, r Reservation) error

	// DeleteReservation gives one of the organization back. One that is not there is no error: it has lapsed.
	DeleteReservation(ctx context.Context, org satchel.OrgID, id satchel.ReservationID) error
}

// Reservation is room that an upload holds while it streams.
type Reservation struct {
	ID        satchel.ReservationID
	Org       satchel.OrgID
	Workspace satchel.WorkspaceID // empty: not known yet
	Amount    satchel.Amount
	ExpiresAt time.Time // it counts no more then
}

// UsageRegister is what the rows know of all tenants' use. It is for the sweep and for checking.
type UsageRegister interface {
	// ForgetReservations removes those that lapsed before a moment, and says how many.
	ForgetReservations(ctx context.Context, before time.Time) (int, error)

	// RecountUsage compares what is counted with the rows themselves, mends the counts if repair says so, and gives the places where they were wrong.
	RecountUsage(ctx context.Context, repair bool) ([]WrongUsage, error)
}

// WrongUsage is a count that was not what the rows say.
type WrongUsage struct {
	Org       satchel.OrgID
	Workspace satchel.WorkspaceID // empty: the organization as a whole
	Counted   satchel.Amount
	Right     satchel.Amount
}
