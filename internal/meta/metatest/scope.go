package metatest

import (
	"context"
	"testing"
	"time"

	"github.com/satchel-files/satchel"
	"github.com/satchel-files/satchel/internal/meta"
)

// Tenant makes the default workspace of an organization in a store, and gives the scope of a user who writes there.
func Tenant(tb testing.TB, s meta.Store) satchel.Scope {
	tb.Helper()
	scope := satchel.Scope{Org: "org-1", Workspace: satchel.DefaultWorkspace, User: "user-1", Access: satchel.AccessWriter}
	err := s.InTx(tb.Context(), func(ctx context.Context, tx meta.Tx) error {
		if err := tx.InsertOrg(ctx, satchel.Org{ID: scope.Org, Name: "one", CreatedAt: time.Now()}); err != nil {
			return err
		}
		m := satchel.Member{Org: scope.Org, User: scope.User, Name: "ann", Role: satchel.RoleMember, CreatedAt: time.Now()}
		if err := tx.InsertMember(ctx, m); err != nil {
			return err
		}
		_, err := tx.InsertWorkspace(ctx, scope.Org, scope.Workspace, time.Now())
		return err
	})
	if err != nil {
		tb.Fatal(err)
	}
	return scope
}
