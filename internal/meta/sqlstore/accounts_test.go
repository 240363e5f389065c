package sqlstore

import (
	"context"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/satchel-files/satchel"
	"github.com/satchel-files/satchel/internal/meta"
)

// TestWrongCountsAreFoundAndMended changes what is counted behind the store's back.
func TestWrongCountsAreFoundAndMended(t *testing.T) {
	s := openTest(t, Options{})
	if err := s.InTx(t.Context(), insertOne(0, new(satchel.FileID))); err != nil {
		t.Fatal(err)
	}
	scope := testScope()
	org, _, err := s.Used(t.Context(), scope, "", s.now())
	if err != nil {
		t.Fatal(err)
	}
	right := org.Amount
	err = s.change(t.Context(), func(ctx context.Context, tx *transaction) error {
		_, err := tx.q.exec(ctx, `UPDATE usage SET bytes = bytes + 7 WHERE org_id = $1 AND workspace_id = $2`, string(scope.Org), string(scope.Workspace))
		if err == nil {
			_, err = tx.q.exec(ctx, `DELETE FROM usage WHERE org_id = $1 AND workspace_id = ''`, string(scope.Org))
		}
		if err == nil {
			err = tx.addUsage(ctx, satchel.Scope{Org: "org-ghost", Workspace: "w"}, 0, satchel.Amount{Files: 3}, satchel.Tokens{})
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	counted := right
	counted.Bytes += 7
	want := []meta.WrongUsage{
		{Org: scope.Org, Right: right}, {Org: scope.Org, Workspace: scope.Workspace, Counted: counted, Right: right},
		{Org: "org-ghost", Counted: satchel.Amount{Files: 3}}, {Org: "org-ghost", Workspace: "w", Counted: satchel.Amount{Files: 3}},
	}
	for _, repair := range []bool{false, true} {
		wrong, err := s.RecountUsage(t.Context(), repair)
		if diff := cmp.Diff(want, wrong); err != nil || diff != "" {
			t.Errorf("repair %v, %v:\n%s", repair, err, diff)
		}
	}
	if wrong, err := s.RecountUsage(t.Context(), false); err != nil || len(wrong) != 0 {
		t.Errorf("after the repair %+v are wrong, %v", wrong, err)
	}
}
