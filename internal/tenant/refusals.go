package tenant

import (
	"context"
	"sync"
	"time"

	"github.com/satchel-files/satchel"
	"github.com/satchel-files/satchel/internal/meta"
)

const (
	refusalInterval = 10 * time.Second // how often refused attempts are written
	refusalKinds    = 200              // told apart until then; what is more is summed by organization and code
	refusalShare    = 50               // of these for one organization, or for strangers: nobody hides what is tried elsewhere
	refusalSums     = 300              // with those by organization; what is more is summed by code alone
)

// Refused notes for the audit that an attempt was refused. It only counts: a flood of attempts becomes a few entries, and takes no part in the
// database's work. Without a good token the caller has only an Origin; no organization sees such attempts, only operators do.
func (s *Service) Refused(caller satchel.Caller, action string, code satchel.Code) {
	entry := caller.Did(action, "", nil)
	entry.Code, entry.FirstAt, entry.LastAt = code, s.now(), s.now()
	if entry.User == "" {
		entry.Address = caller.Origin.Network()
	}
	s.refused.add(entry)
}

// RecordRefusals writes what Refused has counted, every few seconds until ctx ends; then it returns nil. Close writes the rest.
func (s *Service) RecordRefusals(ctx context.Context) error {
	ticker := time.NewTicker(refusalInterval)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
			s.writeRefusals(context.WithoutCancel(ctx))
		}
	}
}

// writeRefusals writes what was counted until now. What could not be written is counted on.
func (s *Service) writeRefusals(ctx context.Context) {
	entries := s.refused.take()
	if len(entries) == 0 {
		return
	}
	err := s.store.InTx(ctx, func(ctx context.Context, tx meta.Tx) error {
		for _, e := range entries {
			if err := tx.InsertAudit(ctx, e); err != nil {
				return err
			}
		}
		return nil
	})
	if err == nil {
		return
	}
	s.logger.WarnContext(ctx, "refused attempts were not recorded; it will be tried again", "kinds", len(entries), "err", err)
	for _, e := range entries {
		s.refused.add(e)
	}
}

// refusals are sums of refused attempts, at most refusalSums and one for each code. The zero value is ready.
type refusals struct {
	mu   sync.Mutex
	sums map[refusal]satchel.AuditEntry
	of   map[satchel.OrgID]int // how many of them an organization has; "": strangers
}

// refusal is what the attempts of one sum have in common.
type refusal struct {
	org     satchel.OrgID
	user    satchel.UserID
	token   satchel.TokenID
	address string // without a user
	action  string
	code    satchel.Code
}

func (r *refusals) add(e satchel.AuditEntry) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.sums == nil {
		r.sums, r.of = map[refusal]satchel.AuditEntry{}, map[satchel.OrgID]int{}
	}
	kind, e := r.kindOf(e)
	if sum, known := r.sums[kind]; known {
		sum.Count += e.Count
		if e.FirstAt.Before(sum.FirstAt) {
			sum.FirstAt = e.FirstAt
		}
		if e.LastAt.After(sum.LastAt) {
			sum.LastAt = e.LastAt
		}
		e = sum
	} else {
		r.of[kind.org]++
	}
	r.sums[kind] = e
}

// kindOf gives the sum that an attempt goes into, and what the sum tells of it: less, the more kinds there are.
func (r *refusals) kindOf(e satchel.AuditEntry) (refusal, satchel.AuditEntry) {
	kind := refusal{org: e.Org, user: e.User, token: e.Token, action: e.Action, code: e.Code}
	if e.User == "" {
		kind.address = e.Address
	}
	if _, known := r.sums[kind]; known || len(r.sums) < refusalKinds && r.of[kind.org] < refusalShare {
		return kind, e
	}
	kind = refusal{org: e.Org, code: e.Code}
	e.User, e.Token, e.Address, e.Action = "", "", "", ""
	if _, known := r.sums[kind]; !known && len(r.sums) >= refusalSums {
		kind.org, e.Org = "", ""
	}
	return kind, e
}

func (r *refusals) take() []satchel.AuditEntry {
	r.mu.Lock()
	defer r.mu.Unlock()
	entries := make([]satchel.AuditEntry, 0, len(r.sums))
	for _, e := range r.sums {
		entries = append(entries, e)
	}
	clear(r.sums)
	clear(r.of)
	return entries
}
