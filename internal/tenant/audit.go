package tenant

import (
	"cmp"
	"context"

	"github.com/satchel-files/satchel"
	"github.com/satchel-files/satchel/internal/meta"
)

// change is a transaction that somebody asked for. fn gives the entry that it leaves in the audit, so that nothing is changed without one;
// the zero entry is for what has changed nothing.
func (s *Service) change(ctx context.Context, fn func(ctx context.Context, tx meta.Tx) (satchel.AuditEntry, error)) error {
	return s.store.InTx(ctx, func(ctx context.Context, tx meta.Tx) error {
		if err := tx.Alone(ctx); err != nil {
			return err
		}
		entry, err := fn(ctx, tx)
		if err != nil || entry.Action == "" {
			return err
		}
		return tx.InsertAudit(ctx, entry)
	})
}

// didIn gives the entry for what a caller did to a workspace of its organization.
func didIn(caller satchel.Caller, ws satchel.WorkspaceID, action, object string, details map[string]any) satchel.AuditEntry {
	entry := caller.Did(action, object, details)
	entry.Workspace = ws
	return entry
}

// noteOf tells which parts of something were changed: its name, and others under key.
func noteOf(name *string, key string, parts []string) map[string]any {
	note := map[string]any{}
	if name != nil {
		note["name"] = true
	}
	if len(parts) > 0 {
		note[key] = parts
	}
	return note
}

// AuditRequest says which entries of the audit are wanted.
type AuditRequest struct {
	Org          string // name or id; empty: the caller's own. An operator reads that of one that is gone, by its id
	Installation bool   // what belongs to no organization; for operators
	User         string // name or id; empty: everybody
	satchel.AuditQuery
}

// NamedEntry is an entry with the name of its user, empty for somebody who is no member now.
type NamedEntry struct {
	satchel.AuditEntry
	UserName string
}

// Audit gives entries of an organization's record, newest first. It is for admins. What this process has refused until now is in it.
func (s *Service) Audit(ctx context.Context, caller satchel.Caller, r AuditRequest) ([]NamedEntry, error) {
	org, err := s.recordOf(ctx, caller, r)
	if err != nil {
		return nil, err
	}
	if r.Before == "" { // else it is a further page
		s.writeRefusals(context.WithoutCancel(ctx)) // whoever asks may leave
	}
	people := cmp.Or(org, caller.Org) // operators are users of an organization, too
	if r.AuditQuery.User, err = s.userOf(ctx, caller, people, r.User); err != nil {
		return nil, err
	}
	entries, err := s.store.Audit(ctx, org, r.AuditQuery)
	if err != nil {
		return nil, err
	}
	return s.nameAll(ctx, people, entries)
}

// recordOf gives the organization whose record the caller may read; none is the installation's own.
func (s *Service) recordOf(ctx context.Context, caller satchel.Caller, r AuditRequest) (satchel.OrgID, error) {
	if r.Installation {
		return "", mayOperate(caller)
	}
	acting, _, err := actIn(ctx, s.store, caller, r.Org, place{satchel.InQuery, "org"})
	if satchel.CodeOf(err) == satchel.CodeNotFound && mayOperate(caller) == nil {
		gone := satchel.OrgID(r.Org)
		left, errRead := s.store.Audit(ctx, gone, satchel.AuditQuery{Limit: 1})
		if errRead == nil && len(left) > 0 {
			return gone, nil
		}
	}
	if err != nil {
		return "", err
	}
	return acting.Org, mayInspect(acting)
}

// userOf finds the user whom a request means. Whoever left the organization is known by id alone.
func (s *Service) userOf(ctx context.Context, caller satchel.Caller, org satchel.OrgID, idOrName string) (satchel.UserID, error) {
	switch idOrName {
	case "":
		return "", nil
	case me:
		return caller.User, nil
	}
	found, err := memberCalled(ctx, s.store, org, idOrName)
	switch {
	case err == nil:
		return found.User, nil
	case satchel.CodeOf(err) == satchel.CodeNotFound && satchel.LooksLikeID(idOrName):
		return satchel.UserID(idOrName), nil
	}
	return "", place{satchel.InQuery, "user"}.at(err, "User", idOrName)
}

func (s *Service) nameAll(ctx context.Context, org satchel.OrgID, entries []satchel.AuditEntry) ([]NamedEntry, error) {
	names := map[satchel.UserID]string{"": ""}
	named := make([]NamedEntry, 0, len(entries))
	for _, e := range entries {
		if _, known := names[e.User]; !known {
			user, err := s.store.Member(ctx, org, string(e.User))
			if err != nil && satchel.CodeOf(err) != satchel.CodeNotFound {
				return nil, err
			}
			names[e.User] = ""
			if err == nil {
				names[e.User] = user.Name
			}
		}
		named = append(named, NamedEntry{e, names[e.User]})
	}
	return named, nil
}
