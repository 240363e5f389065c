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
		_, err := tx.InsertWorkspace(ctx, scope.Org, scope.Workspace, time.Now())
		return err
	})
	if err != nil {
		tb.Fatal(err)
	}
	return scope
}
