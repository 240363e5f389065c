package metatest

import (
	"context"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/satchel-files/satchel"
	"github.com/satchel-files/satchel/internal/meta"
)

func testTenants(t *testing.T, open func(t *testing.T) Opened) {
	t.Run("organizations", func(t *testing.T) { organizations(t, open(t).Store) })
	t.Run("organizations that go", func(t *testing.T) { goneOrgs(t, open(t).Store) })
	t.Run("members", func(t *testing.T) { members(t, open(t).Store) })
	t.Run("identities of organizations", func(t *testing.T) { orgIdentities(t, open(t).Store) })
	t.Run("identities of members", func(t *testing.T) { memberIdentities(t, open(t).Store) })
	t.Run("departures", func(t *testing.T) { departures(t, open(t).Store) })
	t.Run("workspaces", func(t *testing.T) { workspaces(t, open(t).Store) })
	t.Run("places", func(t *testing.T) { places(t, open(t).Store) })
	t.Run("tokens", func(t *testing.T) { tokens(t, open(t).Store) })
	t.Run("tokens of workspaces that go", func(t *testing.T) { narrowedTokens(t, open(t).Store) })
}

// inTx runs one method of a Tx.
func inTx(tb testing.TB, s meta.Store, fn func(ctx context.Context, tx meta.Tx) error) error {
	tb.Helper()
	return s.InTx(tb.Context(), fn)
}

func organizations(t *testing.T, s meta.Store) {
	org := satchel.Org{ID: satchel.NewOrgID(now()), Name: "acme", CreatedAt: now()}
	put := func(org satchel.Org) error {
		return inTx(t, s, func(ctx context.Context, tx meta.Tx) error { return tx.InsertOrg(ctx, org) })
	}
	rename := func(id satchel.OrgID, name string) error {
		return inTx(t, s, func(ctx context.Context, tx meta.Tx) error { return tx.UpdateOrg(ctx, satchel.Org{ID: id, Name: name}) })
	}
	must(t, put(org))
	for _, name := range []string{string(org.ID), org.Name} {
		if got, err := s.Org(t.Context(), name); err != nil || *got != org {
			t.Errorf("organization %s: %+v, %v", name, got, err)
		}
	}
	_, err := s.Org(t.Context(), "nobody")
	wantCode(t, "an unknown organization", err, satchel.CodeNotFound)
	wantCode(t, "an organization's id again", put(satchel.Org{ID: org.ID, Name: "new"}), satchel.CodeConflict)
	wantCode(t, "an organization's name again", put(satchel.Org{ID: satchel.NewOrgID(now()), Name: org.Name}), satchel.CodeConflict)
	// whoever is named like another one's id does not stand in its place
	other := satchel.Org{ID: satchel.NewOrgID(now().Add(time.Second)), Name: string(org.ID), CreatedAt: now()}
	must(t, put(other))
	if got, err := s.Org(t.Context(), string(org.ID)); err != nil || *got != org {
		t.Errorf("an id that is a name, too: %+v, %v", got, err)
	}
	wantCode(t, "a name that another has", rename(other.ID, org.Name), satchel.CodeConflict)
	wantCode(t, "an unknown organization", rename("org-x", "new"), satchel.CodeNotFound)
	must(t, rename(other.ID, "umbrella"))
	other.Name = "umbrella"
	for after, want := range map[string][]satchel.Org{"": {org, other}, string(org.ID): {other}} {
		if got, err := s.Orgs(t.Context(), satchel.Slice{After: after, Limit: 10}); err != nil || !slices.Equal(got, want) {
			t.Errorf("organizations behind %q: %+v, %v", after, got, err)
		}
	}
	if got, err := s.Orgs(t.Context(), satchel.Slice{Limit: 1}); err != nil || len(got) != 1 {
		t.Errorf("one organization: %+v, %v", got, err)
	}
}

// goneOrgs deletes an organization beside another one in which one of its users is, too.
func goneOrgs(t *testing.T, s meta.Store) {
	must(t, inTx(t, s, func(ctx context.Context, tx meta.Tx) error {
		for i, org := range []satchel.OrgID{"org-a", "org-b"} {
			must(t, tx.InsertOrg(ctx, satchel.Org{ID: org, Name: string(org), CreatedAt: now()}))
			must(t, tx.InsertMember(ctx, satchel.Member{Org: org, User: "user-1", Name: "ann", Role: satchel.RoleOwner, CreatedAt: now()}))
			_, err := tx.InsertWorkspace(ctx, org, "lab", now())
			must(t, err)
			must(t, tx.PutWorkspaceAccess(ctx, org, "lab", "user-1", satchel.AccessWriter))
			must(t, tx.InsertToken(ctx, satchel.Token{ID: satchel.NewTokenID(now()), Hash: [32]byte{byte(i)}, Org: org, User: "user-1", Role: satchel.RoleOwner, CreatedAt: now()}))
		}
		return nil
	}))
	remove := func() error {
		return inTx(t, s, func(ctx context.Context, tx meta.Tx) error { return tx.DeleteOrg(ctx, "org-a") })
	}
	must(t, remove())
	wantCode(t, "again", remove(), satchel.CodeNotFound)
	_, _, err := s.TokenByHash(t.Context(), [32]byte{0})
	wantCode(t, "its token", err, satchel.CodeNotFound)
	_, err = s.Member(t.Context(), "org-a", "user-1")
	wantCode(t, "its member", err, satchel.CodeNotFound)
	_, err = s.Workspace(t.Context(), "org-a", "lab")
	wantCode(t, "its workspace", err, satchel.CodeNotFound)
	if _, m, err := s.TokenByHash(t.Context(), [32]byte{1}); err != nil || m.User != "user-1" {
		t.Errorf("the other organization's token: %+v, %v", m, err)
	}
}

func members(t *testing.T, s meta.Store) {
	ann := satchel.Member{Org: "org-a", User: "user-1", Name: "ann", Role: satchel.RoleMember, Confined: true, CreatedAt: now()}
	bob := satchel.Member{Org: "org-a", User: "user-2", Name: "bob", Role: satchel.RoleOwner, CreatedAt: now()}
	elsewhere := satchel.Member{Org: "org-b", User: "user-1", Name: "bob", Role: satchel.RoleOwner, CreatedAt: now()}
	put := func(m satchel.Member) error {
		return inTx(t, s, func(ctx context.Context, tx meta.Tx) error { return tx.InsertMember(ctx, m) })
	}
	update := func(m satchel.Member) error {
		return inTx(t, s, func(ctx context.Context, tx meta.Tx) error { return tx.UpdateMember(ctx, m) })
	}
	remove := func(org satchel.OrgID, user satchel.UserID) error {
		return inTx(t, s, func(ctx context.Context, tx meta.Tx) error { return tx.DeleteMember(ctx, org, user) })
	}
	_, err := s.Member(t.Context(), ann.Org, string(ann.User))
	wantCode(t, "no member", err, satchel.CodeNotFound)
	for _, m := range []satchel.Member{ann, bob, elsewhere} {
		must(t, put(m))
		for _, name := range []string{string(m.User), m.Name} {
			if got, err := s.Member(t.Context(), m.Org, name); err != nil || *got != m {
				t.Errorf("member %s of %s: %+v, %v", name, m.Org, got, err)
			}
		}
	}
	wantCode(t, "a member again", put(ann), satchel.CodeConflict)
	wantCode(t, "a name again", put(satchel.Member{Org: "org-a", User: "user-3", Name: "ann", CreatedAt: now()}), satchel.CodeConflict)
	ann.Name, ann.Role, ann.Confined = "anna", satchel.RoleAdmin, false
	must(t, update(ann))
	if got, err := s.Members(t.Context(), "org-a", satchel.Slice{Limit: 5}); err != nil || !slices.Equal(got, []satchel.Member{ann, bob}) {
		t.Errorf("members %+v, %v", got, err)
	}
	if got, err := s.Members(t.Context(), "org-a", satchel.Slice{After: "user-1", Limit: 5}); err != nil || !slices.Equal(got, []satchel.Member{bob}) {
		t.Errorf("members behind the first %+v, %v", got, err)
	}
	ann.Name = "bob"
	wantCode(t, "another one's name", update(ann), satchel.CodeConflict)
	wantCode(t, "a change of nobody", update(satchel.Member{Org: "org-b", User: "user-2", Name: "x"}), satchel.CodeNotFound)
	if n, err := s.CountOwners(t.Context(), "org-a"); err != nil || n != 1 {
		t.Errorf("%d owners, %v", n, err)
	}
	must(t, remove("org-a", "user-1"))
	wantCode(t, "the member again", remove("org-a", "user-1"), satchel.CodeNotFound)
	if got, err := s.Member(t.Context(), "org-b", "user-1"); err != nil || *got != elsewhere {
		t.Errorf("the other membership: %+v, %v", got, err)
	}
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
	changeWorkspaces(t, s)
}

// places reads what decides about an upload as it becomes, piece by piece.
func places(t *testing.T, s meta.Store) {
	lab := satchel.Scope{Org: "org-a", Workspace: "lab", User: "user-1"}
	elsewhere, other := lab, lab
	elsewhere.Org, other.User = "org-b", "user-2"
	want := meta.Place{}
	step := func(what string, change func(ctx context.Context, tx meta.Tx) error) {
		t.Helper()
		must(t, inTx(t, s, change))
		for scope, want := range map[satchel.Scope]meta.Place{lab: want, other: {Exists: want.Exists, Rules: want.Rules}, elsewhere: {}} {
			must(t, inTx(t, s, func(ctx context.Context, tx meta.Tx) error {
				got, err := tx.Place(ctx, scope)
				if !reflect.DeepEqual(got, want) {
					t.Errorf("%s, for %s of %s: %+v, want %+v", what, scope.User, scope.Org, got, want)
				}
				return err
			}))
		}
	}
	step("nothing", func(context.Context, meta.Tx) error { return nil })
	org := satchel.Org{ID: "org-a", Name: "a", CreatedAt: now(), Quota: satchel.Quota{Files: limit(3)}}
	want.Rules.Org = org.Quota
	step("an organization", func(ctx context.Context, tx meta.Tx) error { return tx.InsertOrg(ctx, org) })
	want.Role, want.Confined = satchel.RoleMember, true
	step("a member", func(ctx context.Context, tx meta.Tx) error {
		return tx.InsertMember(ctx, satchel.Member{Org: "org-a", User: "user-1", Name: "ann", Role: satchel.RoleMember, Confined: true, CreatedAt: now()})
	})
	want.Exists = true
	step("a workspace", func(ctx context.Context, tx meta.Tx) error {
		_, err := tx.InsertWorkspace(ctx, "org-a", "lab", now())
		return err
	})
	want.Access = satchel.AccessViewer
	step("access", func(ctx context.Context, tx meta.Tx) error {
		return tx.PutWorkspaceAccess(ctx, "org-a", "lab", "user-1", satchel.AccessViewer)
	})
	w := satchel.Workspace{Org: "org-a", ID: "lab", CreatedAt: now(), Settings: satchel.WorkspaceSettings{NoAI: true}}
	want.Rules.Workspace = w.Settings
	step("settings", func(ctx context.Context, tx meta.Tx) error { return tx.UpdateWorkspace(ctx, w) })
	w.Doomed, want.Exists = now(), false
	step("on its way out", func(ctx context.Context, tx meta.Tx) error { return tx.UpdateWorkspace(ctx, w) })
	if err := inTx(t, s, func(ctx context.Context, tx meta.Tx) error {
		_, err := tx.Place(ctx, satchel.Scope{})
		return err
	}); err == nil {
		t.Error("a place without a scope")
	}
}

func changeWorkspaces(t *testing.T, s meta.Store) {
	do := func(change func(ctx context.Context, tx meta.Tx) error) error { return inTx(t, s, change) }
	lab := satchel.Workspace{Org: "org-a", ID: "lab", Name: "The lab", CreatedAt: now()}
	lobby := satchel.Workspace{Org: "org-a", ID: "lobby", CreatedAt: now()}
	must(t, do(func(ctx context.Context, tx meta.Tx) error {
		_, err := tx.InsertWorkspace(ctx, "org-a", "lobby", now())
		must(t, err)
		must(t, tx.InsertMember(ctx, satchel.Member{Org: "org-a", User: "user-1", Name: "ann", CreatedAt: now()}))
		return tx.UpdateWorkspace(ctx, lab)
	}))
	for user, want := range map[satchel.UserID][]satchel.Workspace{"": {lab, lobby}, "user-1": {lab}, "user-2": nil} {
		if got, err := s.Workspaces(t.Context(), "org-a", user, satchel.Slice{Limit: 10}); err != nil || !slices.Equal(got, want) {
			t.Errorf("workspaces of %q: %+v, %v", user, got, err)
		}
	}
	if got, err := s.Workspaces(t.Context(), "org-a", "", satchel.Slice{After: "lab", Limit: 1}); err != nil || !slices.Equal(got, []satchel.Workspace{lobby}) {
		t.Errorf("workspaces behind the first: %+v, %v", got, err)
	}
	given := []satchel.WorkspaceUser{{User: "user-1", Name: "ann", Access: satchel.AccessWriter}}
	if got, err := s.WorkspaceUsers(t.Context(), "org-a", "lab", satchel.Slice{Limit: 10}); err != nil || !slices.Equal(got, given) {
		t.Errorf("users of the workspace: %+v, %v", got, err)
	}
	lab.Doomed = now()
	must(t, do(func(ctx context.Context, tx meta.Tx) error { return tx.UpdateWorkspace(ctx, lab) }))
	if exists, _, err := s.WorkspaceAccess(t.Context(), "org-a", "lab", "user-1"); err != nil || exists {
		t.Errorf("a workspace on its way out exists: %v, %v", exists, err)
	}
	if got, err := s.Workspace(t.Context(), "org-a", "lab"); err != nil || *got != lab {
		t.Errorf("a workspace on its way out: %+v, %v", got, err)
	}
	remove := func(ctx context.Context, tx meta.Tx) error { return tx.DeleteWorkspace(ctx, "org-a", "lab") }
	must(t, do(remove))
	wantCode(t, "deleting it again", do(remove), satchel.CodeNotFound)
	wantCode(t, "changing what is gone", do(func(ctx context.Context, tx meta.Tx) error { return tx.UpdateWorkspace(ctx, lab) }), satchel.CodeNotFound)
	if got, err := s.WorkspaceUsers(t.Context(), "org-a", "lab", satchel.Slice{Limit: 10}); err != nil || len(got) > 0 {
		t.Errorf("users of what is gone: %+v, %v", got, err)
	}
}

func tokens(t *testing.T, s meta.Store) {
	full := satchel.Token{
		ID: satchel.NewTokenID(now()), Hash: [32]byte{1}, Org: "org-a", User: "user-1", Role: satchel.RoleMember, Operator: true,
		Workspaces: []satchel.WorkspaceID{"lab", "yard"}, ReadOnly: true, CreatedAt: now(), ExpiresAt: now().Add(time.Hour),
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
		return tx.InsertMember(ctx, satchel.Member{Org: "org-a", User: "user-1", Name: "ann", Role: satchel.RoleAdmin, CreatedAt: now()})
	}))
	for _, want := range []satchel.Token{full, bare} {
		got, member, err := s.TokenByHash(t.Context(), want.Hash)
		must(t, err)
		if !reflect.DeepEqual(*got, want) || member.Role != satchel.RoleAdmin || member.Name != "ann" {
			t.Errorf("token %+v of %+v, want %+v of an admin", *got, member, want)
		}
		if got, err := s.Token(t.Context(), want.ID); err != nil || !reflect.DeepEqual(*got, want) {
			t.Errorf("token %+v, %v", got, err)
		}
	}
	_, _, err = s.TokenByHash(t.Context(), [32]byte{3})
	wantCode(t, "an unknown token", err, satchel.CodeNotFound)
	_, err = s.Token(t.Context(), "tok-x")
	wantCode(t, "an unknown id of a token", err, satchel.CodeNotFound)
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

// narrowedTokens loses workspaces to which tokens are narrowed: a token to one alone goes with it, others know it no more.
func narrowedTokens(t *testing.T, s meta.Store) {
	before := [][]satchel.WorkspaceID{{"x_b"}, {"lab", "x_b"}, {"x_b", "xab"}, {"lab", "x_b", "xab"}, {"x_b-c", "xx_b"}, nil}
	after := [][]satchel.WorkspaceID{{"lab"}, {"xab"}, {"lab", "xab"}, {"x_b-c", "xx_b"}, nil}
	must(t, inTx(t, s, func(ctx context.Context, tx meta.Tx) error {
		for _, org := range []satchel.OrgID{"org-a", "org-b"} {
			if _, err := tx.InsertWorkspace(ctx, org, "x_b", now()); err != nil {
				return err
			}
			for i, narrowed := range before {
				at := now().Add(time.Duration(i) * time.Second)
				token := satchel.Token{ID: satchel.NewTokenID(at), Org: org, User: "user-1", Role: satchel.RoleMember, Workspaces: narrowed, CreatedAt: at}
				copy(token.Hash[:], token.ID)
				if err := tx.InsertToken(ctx, token); err != nil {
					return err
				}
			}
		}
		return nil
	}))
	must(t, inTx(t, s, func(ctx context.Context, tx meta.Tx) error { return tx.DeleteWorkspace(ctx, "org-a", "x_b") }))
	for org, want := range map[satchel.OrgID][][]satchel.WorkspaceID{"org-a": after, "org-b": before} {
		tokens, err := s.Tokens(t.Context(), org)
		must(t, err)
		var got [][]satchel.WorkspaceID
		for _, token := range tokens {
			got = append(got, token.Workspaces)
		}
		if !reflect.DeepEqual(got, want) {
			t.Errorf("tokens of %s are narrowed to %v, want %v", org, got, want)
		}
	}
}
