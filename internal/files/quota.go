package files

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/satchel-files/satchel"
	"github.com/satchel-files/satchel/internal/meta"
)

const (
	// reserveStep is how much an upload reserves at a time that has not said how long it is.
	reserveStep = 16 << 20
	// formAllowance is what a form may have around its files: an upload is refused by its Content-Length only if its files alone are surely too much.
	formAllowance = 1 << 20
	// leastStep is how small such a step becomes where little room is left, so that others find some, too.
	leastStep = 64 << 10
)

// ReservationTime is when the reservation of an upload lapses that has moved nothing; after half of it one that moves is renewed.
const ReservationTime = 15 * time.Minute

// reservation is room that an upload holds in what its organization and its workspace may use. It is used by one goroutine.
type reservation struct {
	service *Service
	scope   satchel.Scope
	placed  bool // the workspace is known; else it is a stand-in, and for the real one only Create's own look counts
	rules   satchel.Rules
	id      satchel.ReservationID
	held    satchel.Amount
	taken   satchel.Amount // by the files so far
	renewAt time.Time

	announced int64 // how long the upload says that it is; below 0: it does not
}

// reserve holds room for an upload of about announced bytes (below 0: not known); nil where nothing is limited. CodeQuotaExceeded if there is
// no room. What an idempotency key has made already takes none.
func (s *Service) reserve(ctx context.Context, scope satchel.Scope, announced int64, key string) (*reservation, error) {
	placed := scope.Workspace != ""
	scope.Workspace = cmp.Or(scope.Workspace, satchel.DefaultWorkspace)
	rules, err := s.store.Rules(ctx, scope)
	if !placed {
		rules.Workspace.Quota = satchel.Quota{}
	}
	if err != nil || rules.Unlimited() {
		return nil, err
	}
	if key != "" {
		_, err := s.store.IdempotentCreate(ctx, scope, key)
		if satchel.CodeOf(err) != satchel.CodeNotFound {
			return nil, err
		}
	}
	r := &reservation{service: s, scope: scope, placed: placed, rules: rules, id: reservationOf(scope, key, s.now()), announced: announced}
	least, want := r.first()
	return r, r.hold(ctx, least, want)
}

// reservationOf gives the id of a reservation. Attempts of one upload, which are those under one key, hold room once.
func reservationOf(scope satchel.Scope, key string, now time.Time) satchel.ReservationID {
	if key == "" {
		return satchel.NewReservationID(now)
	}
	sum := sha256.Sum256([]byte(string(scope.Org) + "\x00" + string(scope.User) + "\x00" + key))
	return satchel.ReservationID(hex.EncodeToString(sum[:16]))
}

// first gives what an upload surely needs by what it says of its length, and what it may.
func (r *reservation) first() (least, want satchel.Amount) {
	least = satchel.Amount{Files: 1, Bytes: max(r.announced-formAllowance, 0)}
	if r.announced < 0 {
		return least, least
	}
	return least, satchel.Amount{Files: 1, Bytes: r.announced}
}

// place makes the workspace known. If it has limits of its own, they hold for all that was taken so far, too.
func (r *reservation) place(ctx context.Context, ws satchel.WorkspaceID) error {
	r.scope.Workspace, r.placed = ws, true
	rules, err := r.service.store.Rules(ctx, r.scope)
	if err != nil || rules.Workspace.Quota.Unlimited() {
		return err
	}
	r.rules = rules
	least, want := r.first()
	return r.hold(ctx, satchel.Amount{Files: max(least.Files, r.taken.Files), Bytes: max(least.Bytes, r.taken.Bytes)}, want)
}

// hold makes the reservation as large as want, or as large as there is room, but not smaller than least: else it is CodeQuotaExceeded. An upload of
// which nobody knows how long it is holds a step more than it has taken.
func (r *reservation) hold(ctx context.Context, least, want satchel.Amount) error {
	return r.service.commit(ctx, func(ctx context.Context, tx meta.Tx) error {
		now, want := r.service.now(), want
		all, err := accounts(ctx, tx, r.scope, r.rules, r.id, now)
		if err != nil {
			return err
		}
		if err := all.check(least); err != nil {
			return err
		}
		if r.announced < 0 {
			want.Bytes = max(want.Bytes, least.Bytes+all.step(least.Bytes))
		}
		r.held, r.renewAt = all.most(want), now.Add(ReservationTime/2)
		held := meta.Reservation{ID: r.id, Org: r.scope.Org, Amount: r.held, ExpiresAt: now.Add(ReservationTime)}
		if r.placed {
			held.Workspace = r.scope.Workspace
		}
		return tx.PutReservation(ctx, held)
	})
}

// take counts a file, or some of its bytes, and holds more room where what is held is used up.
func (r *reservation) take(ctx context.Context, more satchel.Amount) error {
	r.taken = r.taken.Add(more)
	if r.taken.Bytes <= r.held.Bytes && r.taken.Files <= r.held.Files && r.service.now().Before(r.renewAt) {
		return nil
	}
	return r.hold(ctx, r.taken, satchel.Amount{Files: r.taken.Files, Bytes: max(r.taken.Bytes, r.held.Bytes)})
}

// release gives back what is still held. If it cannot be given back, it lapses.
func (r *reservation) release(ctx context.Context) error {
	if r == nil || r.held == (satchel.Amount{}) {
		return nil
	}
	r.held = satchel.Amount{}
	return r.service.commit(context.WithoutCancel(ctx), func(ctx context.Context, tx meta.Tx) error { return tx.DeleteReservation(ctx, r.scope.Org, r.id) })
}

// reader has what is read of one file counted.
func (r *reservation) reader(ctx context.Context, content io.Reader) (io.Reader, error) {
	if r == nil {
		return content, nil
	}
	return &countedReader{Reader: content, ctx: ctx, room: r}, r.take(ctx, satchel.Amount{Files: 1})
}

// countedReader takes room for what is read through it.
type countedReader struct {
	io.Reader
	ctx  context.Context //nolint:containedctx // of the one call of Add that reads through it
	room *reservation
	size int64
}

func (c *countedReader) Read(b []byte) (int, error) {
	n, err := c.Reader.Read(b)
	c.size += int64(n)
	if n == 0 {
		return n, err
	}
	if refused := checkFileBytes(c.room.rules, c.room.scope, c.size); refused != nil {
		return n, refused
	}
	if refused := c.room.take(c.ctx, satchel.Amount{Bytes: int64(n)}); refused != nil {
		return n, refused
	}
	return n, err
}

// account is a quota with what is used of it.
type account struct {
	whose string // for people: the organization, or workspace "x"
	quota satchel.Quota
	used  satchel.Usage
}

// limits are the accounts that an upload must fit into, all of them.
type limits []account

// accounts reads both accounts of a scope, without one reservation.
func accounts(ctx context.Context, reader meta.AccountReader, scope satchel.Scope, rules satchel.Rules, except satchel.ReservationID, now time.Time) (limits, error) {
	org, workspace, err := reader.Used(ctx, scope, except, now)
	return limits{
		{"the organization", rules.Org, org},
		{fmt.Sprintf("workspace %q", scope.Workspace), rules.Workspace.Quota, workspace},
	}, err
}

// check refuses what does not fit: CodeQuotaExceeded.
func (l limits) check(more satchel.Amount) error {
	for _, a := range l {
		switch most := a.quota; {
		case most.Files != nil && a.used.Files+more.Files > *most.Files:
			return exceeded("%s may have %d files and has %d, with those that are being uploaded: there is no room for this upload", a.whose, *most.Files, a.used.Files)
		case most.Bytes != nil && a.used.Bytes+more.Bytes > *most.Bytes:
			return exceeded("%s may have %d bytes in its files and has %d, with what is being uploaded or was deleted in the last minute: there is no room for this upload",
				a.whose, *most.Bytes, a.used.Bytes)
		}
	}
	return nil
}

// most gives as much of want as there is room for.
func (l limits) most(want satchel.Amount) satchel.Amount {
	for _, a := range l {
		want.Files = least(want.Files, a.quota.Files, a.used.Files)
		want.Bytes = least(want.Bytes, a.quota.Bytes, a.used.Bytes)
	}
	return want
}

// step gives how much more an upload holds that has taken so much, and does not say how long it is: an eighth of what is left, within bounds.
func (l limits) step(taken int64) int64 {
	left := l.most(satchel.Amount{Bytes: taken + 8*reserveStep}).Bytes - taken
	return max(min(left/8, reserveStep), leastStep)
}

func least(want int64, limit *int64, used int64) int64 {
	if limit == nil {
		return want
	}
	return max(min(want, *limit-used), 0)
}

// checkFileBytes refuses a file that is larger than one may be.
func checkFileBytes(rules satchel.Rules, scope satchel.Scope, size int64) error {
	switch org, ws := rules.Org.FileBytes, rules.Workspace.Quota.FileBytes; {
	case org != nil && size > *org:
		return exceeded("a file of the organization may have %d bytes; this one has more", *org)
	case ws != nil && size > *ws:
		return exceeded("a file in workspace %q may have %d bytes; this one has more", scope.Workspace, *ws)
	}
	return nil
}

func exceeded(format string, args ...any) error {
	return satchel.Errorf(satchel.CodeQuotaExceeded, format, args...)
}

// settle is the last look, in the transaction of the files themselves, whether they fit. Room that was held for them is given back, for from now on they
// count themselves.
func (c *creation) settle(ctx context.Context, tx meta.Tx) error {
	var held satchel.ReservationID
	if room := c.upload.room; room != nil {
		held = room.id
		if err := tx.DeleteReservation(ctx, c.scope.Org, held); err != nil {
			return err
		}
	}
	if c.rules.Unlimited() {
		return nil
	}
	var all satchel.Amount
	for _, p := range c.upload.parts {
		if err := checkFileBytes(c.rules, c.scope, p.blob().Size); err != nil {
			return err
		}
		all = all.Add(satchel.Amount{Files: 1, Bytes: p.blob().Size})
	}
	into, err := accounts(ctx, tx, c.scope, c.rules, held, c.now())
	if err != nil {
		return err
	}
	return into.check(all)
}

// MayAsk gives the reason for which no language model may be asked about the work's file now; nil: it may.
func (w *Work) MayAsk(ctx context.Context) (*satchel.Failure, error) {
	err := w.service.mayAsk(ctx, w.service.store, w.scope)
	if fault, ok := errors.AsType[*satchel.Error](err); ok && (fault.Code == satchel.CodeAIDisabled || fault.Code == satchel.CodeQuotaExceeded) {
		return &satchel.Failure{Code: fault.Code, Message: fault.Message}, nil
	}
	return nil, err
}

// CountLost counts what a model has said for a run that was cancelled, or whose file has gone, before that could be written into it.
func (w *Work) CountLost(ctx context.Context, spent satchel.Tokens) error {
	if spent == (satchel.Tokens{}) {
		return nil
	}
	s := w.service
	return s.commit(ctx, func(ctx context.Context, tx meta.Tx) error { return tx.CountTokens(ctx, w.scope, spent, s.now()) })
}

// mayAsk refuses to have a model asked about files of a workspace whose settings forbid it, CodeAIDisabled, or when the day's tokens are
// used up, CodeQuotaExceeded.
func (s *Service) mayAsk(ctx context.Context, reader meta.AccountReader, scope satchel.Scope) error {
	rules, err := reader.Rules(ctx, scope)
	switch {
	case err != nil:
		return err
	case rules.Workspace.NoAI:
		return satchel.BodyFault(satchel.CodeAIDisabled, "instructions", nil,
			"instructions were not carried out: AI is off in workspace %q, and no document of it goes to a language model", scope.Workspace)
	case rules.Org.TokensPerDay == nil && rules.Workspace.Quota.TokensPerDay == nil:
		return nil
	}
	all, err := accounts(ctx, reader, scope, rules, "", s.now())
	if err != nil {
		return err
	}
	for _, a := range all {
		if most := a.quota.TokensPerDay; most != nil && a.used.Today.Total() >= *most {
			return exceeded("%s may use %d tokens of the language model a day and has used %d today; more can be used from midnight UTC on",
				a.whose, *most, a.used.Today.Total())
		}
	}
	return nil
}
