package files

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/satchel-files/satchel"
	"github.com/satchel-files/satchel/internal/meta"
)

// expireAtOnce is how many files one transaction removes: few enough that others do not wait long for it.
const expireAtOnce = 100

// Expire removes every file that is over, and says how many. It holds the one way past tenants that this package has.
func (s *Service) Expire(ctx context.Context, system meta.System) (removed int, err error) {
	for {
		now := s.now()
		over, err := system.Expired(ctx, now, expireAtOnce)
		if err != nil {
			return removed, fmt.Errorf("find expired files: %w", err)
		}
		err = s.commit(ctx, func(ctx context.Context, tx meta.Tx) error {
			for _, owned := range over {
				if err := s.expireOne(ctx, tx, owned); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return removed, fmt.Errorf("remove expired files: %w", err)
		}
		removed += len(over)
		if len(over) < expireAtOnce {
			return removed, nil
		}
	}
}

// expireOne looks again before it removes: the file may have been deleted, or its expiry moved, since it was listed.
func (s *Service) expireOne(ctx context.Context, tx meta.Tx, owned meta.OwnedFile) error {
	file, err := tx.File(ctx, owned.Scope, owned.ID)
	if satchel.CodeOf(err) == satchel.CodeNotFound {
		return nil
	}
	if err != nil {
		return err
	}
	now := s.now()
	if !file.Expired(now) {
		return nil
	}
	err = tx.DeleteFile(ctx, owned.Scope, owned.ID, now)
	if errors.Is(err, meta.ErrChanged) {
		return nil
	}
	if err != nil {
		return err
	}
	return tx.InsertAudit(ctx, byItself(owned.Scope).Did("expireFile", string(owned.ID), nil))
}

// byItself is the scope of what the server does without being asked.
func byItself(scope satchel.Scope) satchel.Scope {
	scope.User, scope.Token, scope.Origin = "", "", satchel.Origin{Address: satchel.AddressServer}
	return scope
}

// Clear removes the files of workspaces that are being deleted, and then the workspaces, and says how many files it removed.
func (s *Service) Clear(ctx context.Context, system meta.System) (removed int, err error) {
	doomed, err := system.DoomedWorkspaces(ctx)
	if err != nil {
		return 0, fmt.Errorf("find workspaces to delete: %w", err)
	}
	for _, scope := range doomed {
		n, err := s.clearOne(ctx, scope)
		removed += n
		if err != nil {
			return removed, fmt.Errorf("delete workspace %s: %w", scope.Workspace, err)
		}
	}
	return removed, nil
}

func (s *Service) clearOne(ctx context.Context, scope satchel.Scope) (removed int, err error) {
	for {
		n := 0
		err := s.commit(ctx, func(ctx context.Context, tx meta.Tx) (err error) {
			n, err = s.clearSome(ctx, tx, scope)
			return err
		})
		if satchel.CodeOf(err) == satchel.CodeNotFound {
			return removed, nil // another process was faster
		}
		if err != nil {
			return removed, err
		}
		if removed += n; n == 0 {
			return removed, nil
		}
	}
}

// clearSome removes some files of a workspace, or, when none is left, the workspace. Each step is recorded by itself: the next one may be another
// process's, after a crash.
func (s *Service) clearSome(ctx context.Context, tx meta.Tx, scope satchel.Scope) (n int, err error) {
	some, err := tx.Files(ctx, scope, satchel.Query{Limit: expireAtOnce}, time.Unix(0, 0)) // a moment at which none was over
	if err != nil {
		return 0, err
	}
	if len(some.Files) == 0 {
		if err := tx.Alone(ctx); err != nil {
			return 0, err
		}
		if err := tx.DeleteWorkspace(ctx, scope.Org, scope.Workspace); err != nil {
			return 0, err
		}
		return 0, tx.InsertAudit(ctx, cleared(scope, map[string]any{"gone": true}))
	}
	for _, file := range some.Files {
		if err := tx.DeleteFile(ctx, scope, file.ID, s.now()); err != nil {
			return 0, err
		}
	}
	n = len(some.Files)
	return n, tx.InsertAudit(ctx, cleared(scope, map[string]any{"files": n}))
}

// cleared is what the audit has of a step of clearing a workspace.
func cleared(scope satchel.Scope, details map[string]any) satchel.AuditEntry {
	return byItself(scope).Did("clearWorkspace", string(scope.Workspace), details)
}
