package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/satchel-files/satchel"
)

const (
	auditColumns = `org_id, id, user_id, token_id, address, request_id, action, object, last_object, workspace_id, code, count, first_at, last_at, details`
	insertAudit  = `INSERT INTO audit (` + auditColumns + `) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)`
	// The files of an upload have the ids from object to last_object, and nobody else has one between them; on a database that several processes
	// share, the entry of another upload of the same moment may be found, too.
	selectAudit = `SELECT ` + auditColumns + ` FROM audit WHERE org_id = $1 AND id >= $2 AND id < $3 AND ($4 = '' OR user_id = $4)
		AND ($5 = '' OR action = $5) AND ($6 = '' OR object = $6 OR last_object >= $6 AND object < $6) ORDER BY id DESC LIMIT $7`
)

// auditRow is where the columns of an entry go.
type auditRow struct {
	entry                  satchel.AuditEntry
	count, firstAt, lastAt integer
}

func (r *auditRow) dest() []any {
	e := &r.entry
	return []any{
		(*string)(&e.Org), (*string)(&e.ID), (*string)(&e.User), (*string)(&e.Token), &e.Address, &e.Request, &e.Action, &e.Object, &e.Last,
		(*string)(&e.Workspace), (*string)(&e.Code), &r.count, &r.firstAt, &r.lastAt, &e.Details,
	}
}

func (r *auditRow) read() satchel.AuditEntry {
	r.entry.Count, r.entry.FirstAt, r.entry.LastAt = int64(r.count), fromMicros(int64(r.firstAt)), fromMicros(int64(r.lastAt))
	return r.entry
}

// Audit implements meta.AuditReader.
func (r reader) Audit(ctx context.Context, org satchel.OrgID, q satchel.AuditQuery) ([]satchel.AuditEntry, error) {
	end := satchel.AuditID("b") // behind every id
	for _, limit := range []satchel.AuditID{q.Before, satchel.AuditIDAt(q.Until)} {
		if limit != "" {
			end = min(end, limit)
		}
	}
	return collect(ctx, r.q, func(found rows) (satchel.AuditEntry, error) {
		var row auditRow
		err := found.Scan(row.dest()...)
		return row.read(), err
	}, selectAudit, string(org), string(satchel.AuditIDAt(q.Since)), string(end), string(q.User), q.Action, q.Object, q.Limit)
}

// InsertAudit implements meta.AuditWriter.
func (t *transaction) InsertAudit(ctx context.Context, e satchel.AuditEntry) error {
	id := t.store.auditIDs.Next(t.store.now())
	return t.unit.later(ctx, isDone("recording "+e.Action), insertAudit, string(e.Org), string(id), string(e.User), string(e.Token), e.Address, e.Request, e.Action, e.Object, e.Last,
		string(e.Workspace), string(e.Code), e.Count, micros(e.FirstAt), micros(e.LastAt), e.Details)
}

const (
	firstAudit   = `SELECT id FROM audit WHERE org_id = $1 AND id < $2 LIMIT 1`
	nextAuditOrg = `SELECT org_id FROM audit WHERE org_id > $1 ORDER BY org_id LIMIT 1`
	forgetAudit  = `DELETE FROM audit WHERE org_id = $1 AND id IN (SELECT id FROM audit WHERE org_id = $1 AND id < $2 ORDER BY id LIMIT $3)`
)

// ForgetAudit implements meta.AuditRegister. It goes from organization to organization in the record itself: some are gone.
func (s *Store) ForgetAudit(ctx context.Context, before time.Time, limit int) (int, error) {
	end, total := string(satchel.AuditIDAt(before)), 0
	for org := ""; total < limit; {
		gone, err := s.forgetAuditOf(ctx, org, end, limit-total)
		total += gone
		if err == nil {
			err = s.q.get(ctx, []any{&org}, nextAuditOrg, org)
		}
		if errors.Is(err, sql.ErrNoRows) {
			return total, nil
		}
		if err != nil {
			return total, fmt.Errorf("forgetting old entries of the audit: %w", err)
		}
	}
	return total, nil
}

// forgetAuditOf starts no transaction where there is nothing to remove.
func (s *Store) forgetAuditOf(ctx context.Context, org, end string, limit int) (int, error) {
	var id string
	err := s.q.get(ctx, []any{&id}, firstAudit, org, end)
	if errors.Is(err, sql.ErrNoRows) {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	var gone int64
	err = s.change(ctx, func(ctx context.Context, tx *transaction) (err error) {
		gone, err = tx.q.exec(ctx, forgetAudit, org, end, limit)
		return err
	})
	return int(gone), err
}
