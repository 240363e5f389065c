package metatest

import (
	"context"
	"reflect"
	"testing"
	"time"

	"github.com/satchel-files/satchel"
	"github.com/satchel-files/satchel/internal/meta"
)

func testTenants(t *testing.T, open func(t *testing.T) Opened) {
	t.Run("organizations and users", func(t *testing.T) { orgsAndUsers(t, open(t).Store) })
	t.Run("members", func(t *testing.T) { members(t, open(t).Store) })
	t.Run("workspaces", func(t *testing.T) { workspaces(t, open(t).Store) })
	t.Run("tokens", func(t *testing.T) { tokens(t, open(t).Store) })
}

// inTx runs one method of a Tx.
func inTx(tb testing.TB, s meta.Store, fn func(ctx context.Context, tx meta.Tx) error) error {
	tb.Helper()
	return s.InTx(tb.Context(), fn)
}

func orgsAndUsers(t *testing.T, s meta.Store) {
	org := satchel.Org{ID: satchel.NewOrgID(now()), Name: "acme", CreatedAt: now()}
	user := satchel.User{ID: satchel.NewUserID(now()), Name: "ann", CreatedAt: now()}
	put := func(org satchel.Org) error {
		return inTx(t, s, func(ctx context.Context, tx meta.Tx) error { return tx.InsertOrg(ctx, org) })
	}
	putUser := func(user satchel.User) error {
		return inTx(t, s, func(ctx context.Context, tx meta.Tx) error { return tx.InsertUser(ctx, user) })
	}
	must(t, put(org))
	must(t, putUser(user))
	for _, name := range []string{string(org.ID), org.Name} {
		if got, err := s.Org(t.Context(), name); err != nil || *got != org {
			t.Errorf("organization %s: %+v, %v", name, got, err)
		}
	}
	for _, name := range []string{string(user.ID), user.Name} {
		if got, err := s.User(t.Context(), name); err != nil || *got != user {
			t.Errorf("user %s: %+v, %v", name, got, err)
		}
	}
	_, err := s.Org(t.Context(), "nobody")
	wantCode(t, "an unknown organization", err, satchel.CodeNotFound)
	_, err = s.User(t.Context(), "nobody")
	wantCode(t, "an unknown user", err, satchel.CodeNotFound)
	wantCode(t, "an organization's id again", put(satchel.Org{ID: org.ID, Name: "new"}), satchel.CodeConflict)
	wantCode(t, "an organization's name again", put(satchel.Org{ID: satchel.NewOrgID(now()), Name: org.Name}), satchel.CodeConflict)
	wantCode(t, "a user's id again", putUser(satchel.User{ID: user.ID, Name: "new"}), satchel.CodeConflict)
	wantCode(t, "a user's name again", putUser(satchel.User{ID: satchel.NewUserID(now()), Name: user.Name}), satchel.CodeConflict)
	// whoever is named like another one's id does not stand in its place
	must(t, put(satchel.Org{ID: satchel.NewOrgID(now()), Name: string(org.ID), CreatedAt: now()}))
	if got, err := s.Org(t.Context(), string(org.ID)); err != nil || *got != org {
		t.Errorf("an id that is a name, too: %+v, %v", got, err)
	}
}

func members(t *testing.T, s meta.Store) {
	m := meta.Member{Org: "org-a", User: "user-1", Role: satchel.RoleMember}
	put := func() {
		must(t, inTx(t, s, func(ctx context.Context, tx meta.Tx) error { return tx.PutMember(ctx, m) }))
	}
	_, err := s.Member(t.Context(), m.Org, m.User)
	wantCode(t, "no member", err, satchel.CodeNotFound)
	for _, m.Role = range []satchel.Role{satchel.RoleMember, satchel.RoleOwner} {
		put()
		if got, err := s.Member(t.Context(), m.Org, m.User); err != nil || *got != m {
			t.Errorf("member %+v, %v; want %+v", got, err, m)
		}
	}
	_, err = s.Member(t.Context(), "org-b", m.User)
	wantCode(t, "a member of another organization", err, satchel.CodeNotFound)
	_, err = s.Member(t.Context(), m.Org, "user-2")
	wantCode(t, "somebody else", err, satchel.CodeNotFound)
}

func workspaces(t *testing.T, s meta.Store) {
	want := func(what string, org satchel.OrgID, ws satchel.WorkspaceID, user satchel.UserID, exists bool, access satchel.Access) {
		t.Helper()
		gotExists, gotAccess, err := s.WorkspaceAccess(t.Context(), org, ws, user)
		if err != nil || gotExists != exists || gotAccess != access {
			t.Errorf("%s: exists %v, access %q, %v; want %v, %q", what, gotExists, gotAccess, err, exists, access)
		}
	}
	insert := func() (made bool) {
		must(t, inTx(t, s, func(ctx context.Context, tx meta.Tx) (err error) {
			made, err = tx.InsertWorkspace(ctx, "org-a", "lab", now())
			return err
		}))
		return made
	}
	want("before", "org-a", "lab", "user-1", false, satchel.AccessNone)
	if first, second := insert(), insert(); !first || second {
		t.Errorf("made by the first: %v, by the second: %v", first, second)
	}
	want("nobody in it", "org-a", "lab", "user-1", true, satchel.AccessNone)
	for _, access := range []satchel.Access{satchel.AccessViewer, satchel.AccessWriter, satchel.AccessNone, satchel.AccessWriter} {
		must(t, inTx(t, s, func(ctx context.Context, tx meta.Tx) error {
			return tx.PutWorkspaceAccess(ctx, "org-a", "lab", "user-1", access)
		}))
		want("after a change", "org-a", "lab", "user-1", true, access)
	}
	want("somebody else", "org-a", "lab", "user-2", true, satchel.AccessNone)
	want("another organization", "org-b", "lab", "user-1", false, satchel.AccessNone)
	want("another workspace", "org-a", "other", "user-1", false, satchel.AccessNone)
}

func tokens(t *testing.T, s meta.Store) {
	full := satchel.Token{
		ID: satchel.NewTokenID(now()), Hash: [32]byte{1}, Org: "org-a", User: "user-1", Role: satchel.RoleMember, Operator: true, Workspace: "lab",
		Access: satchel.AccessViewer, CreatedAt: now(), ExpiresAt: now().Add(time.Hour),
	}
	bare := satchel.Token{ID: satchel.NewTokenID(now().Add(time.Second)), Hash: [32]byte{2}, Org: "org-a", User: "user-1", Role: satchel.RoleOwner, CreatedAt: now()}
	put := func(token satchel.Token) error {
		return inTx(t, s, func(ctx context.Context, tx meta.Tx) error { return tx.InsertToken(ctx, token) })
	}
	must(t, put(bare))
	must(t, put(full))
	_, _, err := s.TokenByHash(t.Context(), full.Hash)
	wantCode(t, "the token of nobody", err, satchel.CodeNotFound)
	must(t, inTx(t, s, func(ctx context.Context, tx meta.Tx) error {
		return tx.PutMember(ctx, meta.Member{Org: "org-a", User: "user-1", Role: satchel.RoleAdmin})
	}))
	for _, want := range []satchel.Token{full, bare} {
		got, role, err := s.TokenByHash(t.Context(), want.Hash)
		must(t, err)
		if *got != want || role != satchel.RoleAdmin {
			t.Errorf("token %+v of a %s, want %+v of an admin", *got, role, want)
		}
		if org, err := s.TokenOrg(t.Context(), want.ID); err != nil || org != want.Org {
			t.Errorf("organization %s, %v", org, err)
		}
	}
	_, _, err = s.TokenByHash(t.Context(), [32]byte{3})
	wantCode(t, "an unknown token", err, satchel.CodeNotFound)
	_, err = s.TokenOrg(t.Context(), "tok-x")
	wantCode(t, "the organization of an unknown token", err, satchel.CodeNotFound)
	again := full
	again.Hash = [32]byte{4}
	wantCode(t, "an id again", put(again), satchel.CodeConflict)
	again.ID, again.Hash = satchel.NewTokenID(now()), full.Hash
	wantCode(t, "a hash again", put(again), satchel.CodeConflict)
	changeTokens(t, s, full, bare)
}

func changeTokens(t *testing.T, s meta.Store, full, bare satchel.Token) {
	full.LastUsed = now().Add(time.Minute)
	must(t, inTx(t, s, func(ctx context.Context, tx meta.Tx) error { return tx.TouchToken(ctx, full.ID, full.LastUsed) }))
	wantTokens := func(org satchel.OrgID, want ...*satchel.Token) {
		t.Helper()
		if got, err := s.Tokens(t.Context(), org); err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("tokens of %s: %+v, %v", org, got, err)
		}
	}
	wantTokens("org-a", &full, &bare)
	wantTokens("org-b")
	remove := func(org satchel.OrgID) error {
		return inTx(t, s, func(ctx context.Context, tx meta.Tx) error { return tx.DeleteToken(ctx, org, full.ID) })
	}
	wantCode(t, "deleting another organization's token", remove("org-b"), satchel.CodeNotFound)
	must(t, remove("org-a"))
	wantCode(t, "deleting it again", remove("org-a"), satchel.CodeNotFound)
	_, _, err := s.TokenByHash(t.Context(), full.Hash)
	wantCode(t, "a deleted token", err, satchel.CodeNotFound)
	wantTokens("org-a", &bare)
}
