package tenant_test

import (
	"slices"
	"testing"

	"github.com/satchel-files/satchel"
	"github.com/satchel-files/satchel/internal/tenant"
)

// team is an organization with somebody in every role, beside another one.
type team struct {
	*tenant.Service
	operator, owner, admin, member, confined, rival satchel.Caller
}

func newTeam(t *testing.T) *team {
	t.Helper()
	s, _, secret := newService(t, newStore(t), "")
	operator, err := s.Authenticate(t.Context(), secret)
	if err != nil {
		t.Fatal(err)
	}
	made := &team{Service: s, operator: operator}
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
			_, err := s.RenameOrg(t.Context(), by, "acme", "acme works")
			return err
		}, may, may, mayNot, mayNot, mayNot, missing},
		"delete the organization": {func(s *team, by satchel.Caller) error {
			_, err := s.DeleteOrg(t.Context(), by, "acme")
			return err
		}, may, may, mayNot, mayNot, mayNot, missing},
	} {
		for i, want := range []satchel.Code{c.operator, c.owner, c.admin, c.member, c.confined, c.rival} {
			s := newTeam(t)
			by := []satchel.Caller{s.operator, s.owner, s.admin, s.member, s.confined, s.rival}[i]
			for _, less := range narrowed(by) {
				if got := satchel.CodeOf(c.do(s, less)); got != mayNot && got != missing {
					t.Errorf("%s with a narrowed token: %q", name, got)
				}
			}
			if got := satchel.CodeOf(c.do(s, by)); got != want {
				t.Errorf("%s by %s: %q, want %q", name, []string{"operator", "owner", "admin", "member", "confined", "rival"}[i], got, want)
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
	if _, err := s.CreateWorkspace(t.Context(), s.member, "mine", "Mine"); err != nil {
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
		_, err := s.RenameWorkspace(t.Context(), by, "lab", "x")
		wantCode(t, err, satchel.CodeForbidden)
		_, err = s.DeleteWorkspace(t.Context(), by, "lab", true)
		wantCode(t, err, satchel.CodeForbidden)
		_, err = s.GiveAccess(t.Context(), by, "lab", "mary", satchel.AccessWriter)
		wantCode(t, err, satchel.CodeForbidden)
		_, err = s.WorkspaceUsers(t.Context(), by, "lab", satchel.Slice{Limit: 10})
		wantCode(t, err, satchel.CodeForbidden)
	}
	for _, by := range append(narrowed(s.member), s.confined) {
		_, err := s.CreateWorkspace(t.Context(), by, "new", "")
		wantCode(t, err, satchel.CodeForbidden)
	}
	_, err := s.RenameWorkspace(t.Context(), s.rival, "lab", "x")
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
	_, err = closed.CreateWorkspace(t.Context(), member, "new", "")
	wantCode(t, err, satchel.CodeForbidden)
	if _, err := closed.CreateWorkspace(t.Context(), owner, "new", ""); err != nil {
		t.Error(err)
	}
	if _, err := closed.Enter(t.Context(), owner, "new", satchel.AccessWriter); err != nil {
		t.Error(err)
	}
	_, err = closed.Enter(t.Context(), member, "new", satchel.AccessViewer)
	wantCode(t, err, satchel.CodeWorkspaceForbidden)
}
