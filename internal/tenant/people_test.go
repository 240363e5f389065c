package tenant_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/satchel-files/satchel"
	"github.com/satchel-files/satchel/internal/meta"
	"github.com/satchel-files/satchel/internal/meta/metatest"
	"github.com/satchel-files/satchel/internal/meta/sqlstore"
	"github.com/satchel-files/satchel/internal/tenant"
)

// team is an organization with somebody in every role, beside another one.
type team struct {
	*tenant.Service
	operator, owner, admin, member, confined, rival satchel.Caller

	store *sqlstore.SQLite
	clock *metatest.Clock
}

func newTeam(t testing.TB, changes ...func(*tenant.Config)) *team {
	t.Helper()
	store := newStore(t)
	s, clock, secret := newService(t, store, "", changes...)
	operator, err := s.Authenticate(t.Context(), secret)
	if err != nil {
		t.Fatal(err)
	}
	made := &team{Service: s, operator: operator, store: store, clock: clock}
	for _, c := range []struct {
		into *satchel.Caller
		r    tenant.TokenRequest
	}{
		{&made.owner, tenant.TokenRequest{Org: "acme", User: "olga", Role: "owner"}},
		{&made.admin, tenant.TokenRequest{Org: "acme", User: "adam", Role: "admin"}},
		{&made.member, tenant.TokenRequest{Org: "acme", User: "mary", Role: "member"}},
		{&made.confined, tenant.TokenRequest{Org: "acme", User: "vera", Role: "viewer", Workspaces: []string{"lab", "attic"}}},
		{&made.rival, tenant.TokenRequest{Org: "rival", User: "olga", Role: "owner"}},
	} {
		*c.into, _, _ = make1(t, s, operator, c.r)
	}
	return made
}

func text(s string) *string { return &s }

func named(name string) tenant.OrgRequest { return tenant.OrgRequest{Name: &name} }

// narrowed gives the caller with a token that is narrowed in one way or the other.
func narrowed(caller satchel.Caller) []satchel.Caller {
	some, none := caller, caller
	some.Workspaces, none.ReadOnly = []satchel.WorkspaceID{"lab"}, true
	return []satchel.Caller{some, none}
}

func TestWhoMayManagePeople(t *testing.T) {
	const may, mayNot, missing = satchel.Code(""), satchel.CodeForbidden, satchel.CodeNotFound
	admin, member := "admin", "member"
	for name, c := range map[string]struct {
		do                             func(*team, satchel.Caller) error
		operator, owner, admin, member satchel.Code // what they get
		confined, rival                satchel.Code
	}{
		"make a member": {func(s *team, by satchel.Caller) error {
			name := "new"
			_, err := s.CreateUser(t.Context(), by, tenant.UserRequest{Org: org(s, by), Name: &name})
			return err
		}, may, may, may, mayNot, mayNot, missing},
		"make an admin": {func(s *team, by satchel.Caller) error {
			name := "new"
			_, err := s.CreateUser(t.Context(), by, tenant.UserRequest{Org: org(s, by), Name: &name, Role: &admin})
			return err
		}, may, may, mayNot, mayNot, mayNot, missing},
		"raise a member": {func(s *team, by satchel.Caller) error {
			_, err := s.UpdateUser(t.Context(), by, "mary", tenant.UserRequest{Org: org(s, by), Role: &admin})
			return err
		}, may, may, mayNot, mayNot, mayNot, missing},
		"lower an admin": {func(s *team, by satchel.Caller) error {
			_, err := s.UpdateUser(t.Context(), by, "adam", tenant.UserRequest{Org: org(s, by), Role: &member})
			return err
		}, may, may, mayNot, mayNot, mayNot, missing},
		"take a member out": {func(s *team, by satchel.Caller) error {
			_, err := s.DeleteUser(t.Context(), by, org(s, by), "mary")
			return err
		}, may, may, may, mayNot, mayNot, missing},
		"take the only owner out": {func(s *team, by satchel.Caller) error {
			_, err := s.DeleteUser(t.Context(), by, org(s, by), "olga")
			return err
		}, satchel.CodeLastOwner, satchel.CodeLastOwner, mayNot, mayNot, mayNot, missing},
		"make a member's token": {func(s *team, by satchel.Caller) error {
			_, _, err := s.CreateToken(t.Context(), by, tenant.TokenRequest{Org: org(s, by), User: "mary", Role: "member"})
			return err
		}, may, may, may, mayNot, mayNot, missing},
		"make an owner's token": {func(s *team, by satchel.Caller) error {
			_, _, err := s.CreateToken(t.Context(), by, tenant.TokenRequest{Org: org(s, by), User: "olga", Role: "member"})
			return err
		}, may, may, mayNot, mayNot, mayNot, missing},
		"rename the organization": {func(s *team, by satchel.Caller) error {
			_, err := s.UpdateOrg(t.Context(), by, "acme", named("acme works"))
			return err
		}, may, may, mayNot, mayNot, mayNot, missing},
		"limit the organization": {func(s *team, by satchel.Caller) error {
			_, err := s.UpdateOrg(t.Context(), by, "acme", tenant.OrgRequest{Quota: satchel.QuotaPatch{Files: satchel.LimitPatch{Set: true}}})
			return err
		}, may, mayNot, mayNot, mayNot, mayNot, missing},
		"see what is used": {func(s *team, by satchel.Caller) error {
			_, err := s.Usage(t.Context(), by, org(s, by), 1, satchel.Slice{Limit: 10})
			return err
		}, may, may, may, mayNot, mayNot, missing},
		"delete the organization": {func(s *team, by satchel.Caller) error {
			_, err := s.DeleteOrg(t.Context(), by, "acme")
			return err
		}, may, may, mayNot, mayNot, mayNot, missing},
	} {
		s := newTeam(t)
		wanted := []satchel.Code{c.rival, c.confined, c.member, c.admin, c.owner, c.operator} // whoever may not first: nothing has changed after them
		for i, want := range wanted {
			if i > 0 && wanted[i-1] == may {
				s = newTeam(t)
			}
			by := []satchel.Caller{s.rival, s.confined, s.member, s.admin, s.owner, s.operator}[i]
			for _, less := range narrowed(by) {
				if name == "see what is used" && less.ReadOnly && len(less.Workspaces) == 0 {
					continue // below
				}
				if got := satchel.CodeOf(c.do(s, less)); got != mayNot && got != missing {
					t.Errorf("%s with a narrowed token: %q", name, got)
				}
			}
			if got := satchel.CodeOf(c.do(s, by)); got != want {
				t.Errorf("%s by %s: %q, want %q", name, []string{"rival", "confined", "member", "admin", "owner", "operator"}[i], got, want)
			}
		}
	}
}

// org names the organization where the caller has to.
func org(s *team, by satchel.Caller) string {
	if by.Org == s.owner.Org {
		return ""
	}
	return "acme"
}

func TestWorkspacesOfEachRole(t *testing.T) {
	s := newTeam(t)
	if _, err := s.CreateWorkspace(t.Context(), s.member, "mine", tenant.WorkspaceRequest{Name: text("Mine")}); err != nil {
		t.Fatal(err)
	}
	both := s.member
	both.Workspaces = []satchel.WorkspaceID{"attic", "mine"}
	for name, c := range map[string]struct {
		by   satchel.Caller
		want []satchel.WorkspaceID
	}{
		"owner": {s.owner, []satchel.WorkspaceID{"attic", "default", "lab", "mine"}}, "admin": {s.admin, []satchel.WorkspaceID{"attic", "default", "lab", "mine"}},
		"member": {s.member, []satchel.WorkspaceID{"default", "mine"}}, "narrowed": {both, []satchel.WorkspaceID{"mine"}},
		"confined": {s.confined, []satchel.WorkspaceID{"attic", "lab"}}, "rival": {s.rival, []satchel.WorkspaceID{"default"}},
	} {
		for _, limit := range []int{1, 2, 100} {
			if got := walk(t, s, c.by, limit); !slices.Equal(got, c.want) {
				t.Errorf("%s, by %d: %v, want %v", name, limit, got, c.want)
			}
		}
	}
}

// walk gives all workspaces of a caller, so many at a time.
func walk(t *testing.T, s *team, by satchel.Caller, limit int) (ids []satchel.WorkspaceID) {
	t.Helper()
	page := satchel.Slice{Limit: limit}
	for {
		some, err := s.Workspaces(t.Context(), by, page)
		if err != nil || len(some) > limit {
			t.Fatalf("%d, %v", len(some), err)
		}
		for _, p := range some {
			ids = append(ids, p.ID)
		}
		if len(some) < limit {
			return ids
		}
		page.After = string(ids[len(ids)-1])
	}
}

func TestWhoMayManageWorkspaces(t *testing.T) {
	s := newTeam(t)
	for _, by := range append(narrowed(s.owner), s.member, s.confined) {
		_, err := s.UpdateWorkspace(t.Context(), by, "lab", tenant.WorkspaceRequest{Name: text("x")})
		wantCode(t, err, satchel.CodeForbidden)
		_, err = s.DeleteWorkspace(t.Context(), by, "lab", true)
		wantCode(t, err, satchel.CodeForbidden)
		_, err = s.GiveAccess(t.Context(), by, "lab", "mary", satchel.AccessWriter)
		wantCode(t, err, satchel.CodeForbidden)
		_, err = s.WorkspaceUsers(t.Context(), by, "lab", satchel.Slice{Limit: 10})
		wantCode(t, err, satchel.CodeForbidden)
	}
	for _, by := range append(narrowed(s.member), s.confined) {
		want := satchel.CodeForbidden
		if by.ReadOnly {
			want = satchel.CodeReadOnly
		}
		_, err := s.CreateWorkspace(t.Context(), by, "new", tenant.WorkspaceRequest{})
		wantCode(t, err, want)
	}
	_, err := s.UpdateWorkspace(t.Context(), s.rival, "lab", tenant.WorkspaceRequest{Name: text("x")})
	wantCode(t, err, satchel.CodeNotFound)
	if given, err := s.GiveAccess(t.Context(), s.admin, "lab", "mary", satchel.AccessViewer); err != nil || given.Name != "mary" {
		t.Errorf("%+v, %v", given, err)
	}
	_, err = s.Enter(t.Context(), s.member, "lab", satchel.AccessWriter)
	wantCode(t, err, satchel.CodeReadOnly)
	if gone, err := s.DeleteWorkspace(t.Context(), s.admin, "lab", false); err != nil || !gone {
		t.Errorf("%v, %v", gone, err)
	}
	_, err = s.Enter(t.Context(), s.confined, "lab", satchel.AccessViewer)
	wantCode(t, err, satchel.CodeWorkspaceForbidden)
}

// A token makes nobody less confined, unless it is for a role that cannot be.
func TestATokenLeavesAUserConfined(t *testing.T) {
	s := newTeam(t)
	for role, want := range map[string]bool{"member": true, "writer": true, "admin": false} {
		caller, _, _ := make1(t, s.Service, s.owner, tenant.TokenRequest{User: "vera", Role: role})
		if caller.Confined != want {
			t.Errorf("a token of role %s: confined %v", role, caller.Confined)
		}
		if role == "admin" {
			member, confined := "member", true
			if _, err := s.UpdateUser(t.Context(), s.owner, "vera", tenant.UserRequest{Role: &member, Confined: &confined}); err != nil {
				t.Fatal(err)
			}
		}
	}
}

func TestAClosedInstallation(t *testing.T) {
	store := newStore(t)
	open, _, secret := newService(t, store, "")
	owner, err := open.Authenticate(t.Context(), secret)
	if err != nil {
		t.Fatal(err)
	}
	member, _, _ := make1(t, open, owner, tenant.TokenRequest{User: "mary", Role: "member"})
	closed := tenant.New(tenant.Config{Store: store, Closed: true})
	t.Cleanup(closed.Close)
	for _, by := range []satchel.Caller{owner, member} {
		_, err = closed.Enter(t.Context(), by, "new", satchel.AccessViewer)
		wantCode(t, err, satchel.CodeNotFound)
	}
	_, err = closed.CreateWorkspace(t.Context(), member, "new", tenant.WorkspaceRequest{})
	wantCode(t, err, satchel.CodeForbidden)
	if _, err := closed.CreateWorkspace(t.Context(), owner, "new", tenant.WorkspaceRequest{}); err != nil {
		t.Error(err)
	}
	if _, err := closed.Enter(t.Context(), owner, "new", satchel.AccessWriter); err != nil {
		t.Error(err)
	}
	_, err = closed.Enter(t.Context(), member, "new", satchel.AccessViewer)
	wantCode(t, err, satchel.CodeWorkspaceForbidden)
}

// doom begins the deletion of a workspace as if it had files.
func (s *team) doom(t *testing.T, id satchel.WorkspaceID) {
	t.Helper()
	err := s.store.InTx(t.Context(), func(ctx context.Context, tx meta.Tx) error {
		return tx.UpdateWorkspace(ctx, satchel.Workspace{Org: s.owner.Org, ID: id, Doomed: s.clock.Now()})
	})
	if err != nil {
		t.Fatal(err)
	}
}

// TestAWorkspaceThatIsBeingDeleted still has files: whoever had no part in it must not get at them as if it were a new one.
func TestAWorkspaceThatIsBeingDeleted(t *testing.T) {
	s := newTeam(t)
	s.doom(t, "lab")
	for name, c := range map[string]struct {
		by          satchel.Caller
		enter, look satchel.Code
		access      satchel.Access
	}{
		"owner":    {s.owner, satchel.CodeNotFound, "", satchel.AccessWriter},
		"admin":    {s.admin, satchel.CodeNotFound, "", satchel.AccessWriter},
		"confined": {s.confined, satchel.CodeNotFound, "", satchel.AccessViewer},
		"member":   {s.member, satchel.CodeWorkspaceForbidden, satchel.CodeWorkspaceForbidden, satchel.AccessNone},
		"rival":    {s.rival, "", satchel.CodeNotFound, satchel.AccessNone},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := s.Enter(t.Context(), c.by, "lab", satchel.AccessViewer)
			wantCode(t, err, c.enter)
			place, err := s.Workspace(t.Context(), c.by, "lab")
			wantCode(t, err, c.look)
			if err == nil && (place.Doomed.IsZero() || place.Access != c.access) {
				t.Errorf("%+v", place)
			}
			listed := slices.Contains(walk(t, s, c.by, 100), "lab")
			if listed != (c.look == "") {
				t.Errorf("in the list: %v", listed)
			}
		})
	}
	_, err := s.CreateWorkspace(t.Context(), s.owner, "lab", tenant.WorkspaceRequest{})
	wantCode(t, err, satchel.CodeExists)
}

// TestTheDefaultWorkspaceBehindOthers is found by a token that leaves out the workspaces before and behind it.
func TestTheDefaultWorkspaceBehindOthers(t *testing.T) {
	s := newTeam(t)
	for _, id := range []satchel.WorkspaceID{"a1", "a2", "a3", "z1", "z2", "z3"} {
		if _, err := s.CreateWorkspace(t.Context(), s.member, id, tenant.WorkspaceRequest{}); err != nil {
			t.Fatal(err)
		}
	}
	only := s.member
	only.Workspaces = []satchel.WorkspaceID{"default"}
	with := s.member
	with.Workspaces = []satchel.WorkspaceID{"a3", "default", "z3"}
	for limit := 1; limit <= 8; limit++ {
		if got := walk(t, s, only, limit); !slices.Equal(got, only.Workspaces) {
			t.Errorf("by %d: %v", limit, got)
		}
		if got := walk(t, s, with, limit); !slices.Equal(got, with.Workspaces) {
			t.Errorf("by %d: %v", limit, got)
		}
	}
}

// TestConfinementStays where a token is made for a member; only more than that, or an admin in so many words, lifts it.
func TestConfinementStays(t *testing.T) {
	s := newTeam(t)
	caller, _, _ := make1(t, s.Service, s.owner, tenant.TokenRequest{User: "vera", Role: "member"})
	if !caller.Confined {
		t.Error("a member's token has lifted the confinement")
	}
	_, err := s.Enter(t.Context(), caller, satchel.DefaultWorkspace, satchel.AccessViewer)
	wantCode(t, err, satchel.CodeWorkspaceForbidden)
	_, err = s.Enter(t.Context(), caller, "lab", satchel.AccessViewer)
	wantCode(t, err, "")
	free := false
	if _, err := s.UpdateUser(t.Context(), s.admin, "vera", tenant.UserRequest{Confined: &free}); err != nil {
		t.Fatal(err)
	}
	member, _, _ := make1(t, s.Service, s.owner, tenant.TokenRequest{User: "vera", Role: "member"})
	_, err = s.Enter(t.Context(), member, satchel.DefaultWorkspace, satchel.AccessWriter)
	wantCode(t, err, "")
	if admin, _, _ := make1(t, s.Service, s.owner, tenant.TokenRequest{User: "vera", Role: "admin"}); admin.Role != satchel.RoleAdmin || admin.Confined {
		t.Errorf("%+v", admin)
	}
}

// TestTokensOfSeveralWorkspaces reach what their user has there, and no more.
func TestTokensOfSeveralWorkspaces(t *testing.T) {
	s := newTeam(t)
	caller, token, _ := make1(t, s.Service, s.admin, tenant.TokenRequest{User: "nina", Role: "writer", Workspaces: []string{"wing", "attic", "wing"}})
	if want := []satchel.WorkspaceID{"attic", "wing"}; !slices.Equal(token.Workspaces, want) || !caller.Confined || token.Grant() != "writer" {
		t.Errorf("%+v, %+v", token, caller)
	}
	reads, _, _ := make1(t, s.Service, s.admin, tenant.TokenRequest{User: "nina", Role: "viewer", Workspaces: []string{"wing"}})
	more, _, _ := make1(t, s.Service, s.admin, tenant.TokenRequest{User: "nina", Role: "member", Workspaces: []string{"attic", "lab"}})
	for _, c := range []struct {
		by   satchel.Caller
		ws   satchel.WorkspaceID
		want satchel.Code
	}{
		{caller, "attic", ""},
		{caller, "wing", ""},
		{caller, "lab", satchel.CodeWorkspaceForbidden},
		{caller, "default", satchel.CodeWorkspaceForbidden},
		{reads, "wing", satchel.CodeReadOnly},
		{reads, "attic", satchel.CodeWorkspaceForbidden},
		{more, "attic", ""},
		{more, "lab", satchel.CodeWorkspaceForbidden}, // the token names it, but its user has nothing there
	} {
		if _, err := s.Enter(t.Context(), c.by, c.ws, satchel.AccessWriter); satchel.CodeOf(err) != c.want {
			t.Errorf("%v in %s: %v, want %q", c.by.Workspaces, c.ws, err, c.want)
		}
	}
}

// TestANarrowedTokenMakesNoWorkspace, and least of all one anew that was deleted, with its settings.
func TestANarrowedTokenMakesNoWorkspace(t *testing.T) {
	s := newTeam(t)
	for _, role := range []string{"owner", "member"} {
		by, _, secret := make1(t, s.Service, s.owner, tenant.TokenRequest{User: role, Role: role, Workspaces: []string{"lab", "x_b", "xab"}})
		_, err := s.Enter(t.Context(), by, "x_b", satchel.AccessWriter)
		wantCode(t, err, satchel.CodeWorkspaceForbidden)
		for range 2 {
			if _, err := s.CreateWorkspace(t.Context(), s.owner, "x_b", tenant.WorkspaceRequest{}); err != nil {
				t.Fatal(err)
			}
			if _, err := s.DeleteWorkspace(t.Context(), s.owner, "x_b", false); err != nil {
				t.Fatal(err)
			}
		}
		again, err := s.Authenticate(t.Context(), secret)
		if want := []satchel.WorkspaceID{"lab", "xab"}; err != nil || !slices.Equal(again.Workspaces, want) {
			t.Errorf("%s: narrowed to %v, %v", role, again.Workspaces, err)
		}
	}
}

// TestWhoseRoleATokenRaises says so.
func TestWhoseRoleATokenRaises(t *testing.T) {
	s := newTeam(t)
	token, _, err := s.CreateToken(t.Context(), s.owner, tenant.TokenRequest{User: "vera", Role: "owner"})
	if err != nil || token.Raised == nil || token.Raised.Role != satchel.RoleMember || !token.Raised.Confined {
		t.Errorf("%+v, %v", token.Raised, err)
	}
	token, _, err = s.CreateToken(t.Context(), s.owner, tenant.TokenRequest{User: "vera", Role: "admin"})
	if err != nil || token.Raised != nil {
		t.Errorf("%+v, %v", token.Raised, err)
	}
}

func TestWrongTokenRequests(t *testing.T) {
	s := newTeam(t)
	many := make([]string, 101)
	for i := range many {
		many[i] = "w"
	}
	for name, c := range map[string]struct {
		r     tenant.TokenRequest
		code  satchel.Code
		param string
	}{
		"no user":                {tenant.TokenRequest{Role: "member"}, satchel.CodeMissing, "user"},
		"no role":                {tenant.TokenRequest{User: "x"}, satchel.CodeMissing, "role"},
		"no such role":           {tenant.TokenRequest{User: "x", Role: "king"}, satchel.CodeInvalidValue, "role"},
		"a name of no workspace": {tenant.TokenRequest{User: "x", Role: "viewer", Workspace: "No"}, satchel.CodeInvalidValue, "workspace"},
		"one of them":            {tenant.TokenRequest{User: "x", Role: "viewer", Workspaces: []string{"a", "No"}}, satchel.CodeInvalidValue, "workspaces"},
		"two ways":               {tenant.TokenRequest{User: "x", Role: "viewer", Workspace: "a", Workspaces: []string{"b"}}, satchel.CodeContradiction, "workspace"},
		"too many":               {tenant.TokenRequest{User: "x", Role: "viewer", Workspaces: many}, satchel.CodeTooMany, "workspaces"},
		"over already":           {tenant.TokenRequest{User: "x", Role: "member", ExpiresAt: s.clock.Now()}, satchel.CodeOutOfRange, "expires_at"},
	} {
		_, _, err := s.CreateToken(t.Context(), s.owner, c.r)
		faults, ok := errors.AsType[satchel.Faults](err)
		if !ok || len(faults) != 1 || faults[0].Code != c.code || faults[0].Param != c.param {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestNamesAreNoIDs: nobody and nothing can be called like an id, so that no id in the audit, and none that a request names, is somebody else's name.
func TestNamesAreNoIDs(t *testing.T) {
	s := newTeam(t)
	gone := "user-06h0hf164mqe3d62f984lhg1k"
	orgID := "org-06h0hf164lphndrrrqm3a7gf1"
	for what, do := range map[string]func() error{
		"a new user": func() error {
			_, err := s.CreateUser(t.Context(), s.admin, tenant.UserRequest{Name: &gone})
			return err
		},
		"a renamed user": func() error {
			_, err := s.UpdateUser(t.Context(), s.admin, "mary", tenant.UserRequest{Name: &gone})
			return err
		},
		"a user with an organization's": func() error {
			_, err := s.CreateUser(t.Context(), s.admin, tenant.UserRequest{Name: &orgID})
			return err
		},
		"a renamed organization": func() error { _, err := s.UpdateOrg(t.Context(), s.owner, "acme", named(orgID)); return err },
		"a new organization":     func() error { _, err := s.CreateOrg(t.Context(), s.operator, named(orgID)); return err },
		"the owner of a new organization": func() error {
			_, err := s.CreateOrg(t.Context(), s.operator, tenant.OrgRequest{Name: text("new"), Owner: gone})
			return err
		},
	} {
		if err := do(); satchel.CodeOf(err) != satchel.CodeInvalidValue {
			t.Errorf("%s: %v", what, err)
		}
	}
	_, _, err := s.CreateToken(t.Context(), s.owner, tenant.TokenRequest{User: gone, Role: "member"})
	wantCode(t, err, satchel.CodeNotFound)
	_, _, err = s.CreateToken(t.Context(), s.operator, tenant.TokenRequest{Org: orgID, User: "ada", Role: "member"})
	wantCode(t, err, satchel.CodeNotFound)
}

// TestATokenIsForgottenAtItsEnd, and not when the memory of it would be.
func TestATokenIsForgottenAtItsEnd(t *testing.T) {
	s := newTeam(t)
	_, secret, err := s.CreateToken(t.Context(), s.owner, tenant.TokenRequest{User: "mary", Role: "member", ExpiresAt: s.clock.Now().Add(time.Hour)})
	if err != nil {
		t.Fatal(err)
	}
	s.clock.Advance(time.Hour - 100*time.Millisecond)
	_, err = s.Authenticate(t.Context(), secret)
	wantCode(t, err, "")
	s.clock.Advance(200 * time.Millisecond)
	_, err = s.Authenticate(t.Context(), secret)
	wantCode(t, err, satchel.CodeInvalidToken)
}

// TestTheFirstOrganizationKeepsItsName: a start that did not find it would make another one, whoever took the name would have its root token.
func TestTheFirstOrganizationKeepsItsName(t *testing.T) {
	s := newTeam(t)
	_, err := s.UpdateOrg(t.Context(), s.operator, satchel.DefaultOrg, named("headquarters"))
	wantCode(t, err, satchel.CodeForbidden)
	if _, err := s.UpdateOrg(t.Context(), s.operator, satchel.DefaultOrg, named(satchel.DefaultOrg)); err != nil {
		t.Error(err)
	}
	_, err = s.DeleteOrg(t.Context(), s.operator, satchel.DefaultOrg)
	wantCode(t, err, satchel.CodeForbidden)
	_, err = s.DeleteUser(t.Context(), s.operator, "", "owner")
	wantCode(t, err, satchel.CodeLastOwner)
}

func TestOperatorsAndOrganizations(t *testing.T) {
	s := newTeam(t)
	org, err := s.CreateOrg(t.Context(), s.operator, tenant.OrgRequest{Name: new("initech"), Owner: "bill"})
	if err != nil {
		t.Fatal(err)
	}
	if bill, err := s.User(t.Context(), s.operator, "initech", "bill"); err != nil || bill.Role != satchel.RoleOwner || bill.Org != org.ID {
		t.Errorf("%+v, %v", bill, err)
	}
	_, err = s.CreateOrg(t.Context(), s.operator, named("acme"))
	wantCode(t, err, satchel.CodeExists)
	_, err = s.CreateOrg(t.Context(), s.operator, tenant.OrgRequest{Owner: "me"})
	if faults, ok := errors.AsType[satchel.Faults](err); !ok || len(faults) != 2 {
		t.Errorf("%v", err)
	}
	for _, by := range append(narrowed(s.operator), s.owner, s.admin, s.member) {
		_, err = s.CreateOrg(t.Context(), by, named("mine"))
		wantCode(t, err, satchel.CodeForbidden)
	}
	for name, c := range map[string]struct {
		by   satchel.Caller
		want int
	}{"operator": {s.operator, 4}, "owner": {s.owner, 1}, "member": {s.member, 1}, "rival": {s.rival, 1}} {
		orgs, err := s.Orgs(t.Context(), c.by, satchel.Slice{Limit: 100})
		if err != nil || len(orgs) != c.want || c.want == 1 && orgs[0].ID != c.by.Org {
			t.Errorf("%s: %v, %v", name, orgs, err)
		}
	}
	scope, err := s.Enter(t.Context(), s.operator, satchel.DefaultWorkspace, satchel.AccessViewer)
	if err != nil || scope.Org != s.operator.Org { // it manages everywhere, and reads files at home alone
		t.Errorf("%+v, %v", scope, err)
	}
}
