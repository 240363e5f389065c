package tenant_test

import (
	"context"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/satchel-files/satchel"
	"github.com/satchel-files/satchel/internal/meta"
	"github.com/satchel-files/satchel/internal/meta/metatest"
	"github.com/satchel-files/satchel/internal/meta/sqlstore"
	"github.com/satchel-files/satchel/internal/tenant"
)

const rootToken = "0123456789-0123456789-0123456789"

func newStore(t testing.TB) *sqlstore.SQLite {
	t.Helper()
	store, err := sqlstore.OpenSQLite(t.Context(), sqlstore.Options{Path: metatest.Fresh(t, sqlstore.Create)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = store.Close() })
	return store
}

// newService gives a service on an installation, and the secret that Bootstrap made.
func newService(t testing.TB, store *sqlstore.SQLite, root string, changes ...func(*tenant.Config)) (*tenant.Service, *metatest.Clock, string) {
	t.Helper()
	c := metatest.NewClock()
	config := tenant.Config{Store: store, RootToken: root, Now: c.Now}
	for _, change := range changes {
		change(&config)
	}
	s := tenant.New(config)
	t.Cleanup(s.Close)
	secret, err := s.Bootstrap(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return s, c, secret
}

func make1(t testing.TB, s *tenant.Service, by satchel.Caller, r tenant.TokenRequest) (satchel.Caller, tenant.NamedToken, string) {
	t.Helper()
	token, secret, err := s.CreateToken(t.Context(), by, r)
	if err != nil {
		t.Fatal(err)
	}
	caller, err := s.Authenticate(t.Context(), secret)
	if err != nil {
		t.Fatal(err)
	}
	return caller, token, secret
}

func wantCode(t testing.TB, err error, code satchel.Code) {
	t.Helper()
	if got := satchel.CodeOf(err); got != code {
		t.Errorf("code %q, want %q (%v)", got, code, err)
	}
}

func TestTheFirstStartMakesOneOwner(t *testing.T) {
	store := newStore(t)
	s, _, secret := newService(t, store, "")
	caller, err := s.Authenticate(t.Context(), secret)
	if err != nil || caller.Role != satchel.RoleOwner || !caller.Operator || caller.Org == "" {
		t.Fatalf("%+v, %v", caller, err)
	}
	if _, _, again := newService(t, store, ""); again != "" {
		t.Error("the second start made a token, too")
	}
	if _, _, withRoot := newService(t, newStore(t), rootToken); withRoot != "" {
		t.Error("a token was made beside the root token")
	}
}

func TestTheRootTokenWorksWhileItIsSet(t *testing.T) {
	store := newStore(t)
	with, _, _ := newService(t, store, rootToken)
	caller, err := with.Authenticate(t.Context(), rootToken)
	if err != nil || !caller.Operator || caller.Role != satchel.RoleOwner {
		t.Fatalf("%+v, %v", caller, err)
	}
	without, _, _ := newService(t, store, "")
	_, err = without.Authenticate(t.Context(), rootToken)
	wantCode(t, err, satchel.CodeInvalidToken)
}

func TestSecretsThatAreNone(t *testing.T) {
	s, _, secret := newService(t, newStore(t), "")
	mistyped := strings.Replace(secret, secret[10:11], map[bool]string{true: "b", false: "a"}[secret[10] == 'a'], 1)
	for _, bad := range []string{"x", "sat_", mistyped, secret + "a", secret[:len(secret)-1], strings.ToUpper(secret), rootToken} {
		_, err := s.Authenticate(t.Context(), bad)
		wantCode(t, err, satchel.CodeInvalidToken)
	}
	_, err := s.Authenticate(t.Context(), "")
	wantCode(t, err, satchel.CodeMissingToken)
}

func TestARevokedTokenIsRefused(t *testing.T) {
	store := newStore(t)
	s, c, secret := newService(t, store, "")
	owner, err := s.Authenticate(t.Context(), secret)
	if err != nil {
		t.Fatal(err)
	}
	_, token, revoked := make1(t, s, owner, tenant.TokenRequest{User: "ada", Role: "member"})
	elsewhere, _, _ := newService(t, store, "")
	if _, err := elsewhere.Authenticate(t.Context(), revoked); err != nil {
		t.Fatal(err)
	}
	if err := s.DeleteToken(t.Context(), owner, string(token.ID)); err != nil {
		t.Fatal(err)
	}
	_, err = s.Authenticate(t.Context(), revoked)
	wantCode(t, err, satchel.CodeInvalidToken)
	wantCode(t, s.DeleteToken(t.Context(), owner, string(token.ID)), satchel.CodeNotFound)

	// Another process believes it a moment longer, and no more than that.
	other, otherClock, _ := newService(t, store, "")
	otherClock.Advance(c.Now().Sub(otherClock.Now()) + time.Second)
	_, err = other.Authenticate(t.Context(), revoked)
	wantCode(t, err, satchel.CodeInvalidToken)
}

// slowStore reads a token and then takes its time.
type slowStore struct {
	*sqlstore.SQLite
	pause func()
}

func (s *slowStore) TokenByHash(ctx context.Context, hash [32]byte) (*satchel.Token, *satchel.Member, error) {
	token, member, err := s.SQLite.TokenByHash(ctx, hash)
	s.pause()
	return token, member, err
}

// A token that is revoked while a request looks it up is refused from the next request on.
func TestATokenThatIsRevokedWhileItIsUsed(t *testing.T) {
	store := &slowStore{SQLite: newStore(t), pause: func() {}}
	c := metatest.NewClock()
	s := tenant.New(tenant.Config{Store: store, Now: c.Now})
	t.Cleanup(s.Close)
	secret, err := s.Bootstrap(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	owner, err := s.Authenticate(t.Context(), secret)
	if err != nil {
		t.Fatal(err)
	}
	token, used, err := s.CreateToken(t.Context(), owner, tenant.TokenRequest{User: "ada", Role: "member"})
	if err != nil {
		t.Fatal(err)
	}
	store.pause = func() {
		store.pause = func() {}
		if err := s.DeleteToken(t.Context(), owner, string(token.ID)); err != nil {
			t.Error(err)
		}
	}
	_, err = s.Authenticate(t.Context(), used)
	wantCode(t, err, "")
	_, err = s.Authenticate(t.Context(), used)
	wantCode(t, err, satchel.CodeInvalidToken)
}

func TestATokenEnds(t *testing.T) {
	store := newStore(t)
	s, c, secret := newService(t, store, "")
	owner, err := s.Authenticate(t.Context(), secret)
	if err != nil {
		t.Fatal(err)
	}
	_, _, ending := make1(t, s, owner, tenant.TokenRequest{User: "ada", Role: "member", ExpiresAt: c.Now().Add(time.Minute)})
	c.Advance(59 * time.Second)
	if _, err := s.Authenticate(t.Context(), ending); err != nil {
		t.Error(err)
	}
	c.Advance(time.Second)
	_, err = s.Authenticate(t.Context(), ending)
	wantCode(t, err, satchel.CodeInvalidToken)
}

func TestWhoMayMakeTokens(t *testing.T) {
	s, clock, secret := newService(t, newStore(t), "")
	operator, err := s.Authenticate(t.Context(), secret)
	if err != nil {
		t.Fatal(err)
	}
	acme, _, _ := make1(t, s, operator, tenant.TokenRequest{Org: "acme", User: "ada", Role: "owner"})
	if acme.Org == operator.Org || acme.Operator {
		t.Fatalf("%+v", acme)
	}
	clock.Advance(time.Second) // hers is the oldest token
	for _, c := range []struct {
		by   satchel.Caller
		r    tenant.TokenRequest
		code satchel.Code
	}{
		{acme, tenant.TokenRequest{User: "bob", Role: "admin"}, ""},
		{acme, tenant.TokenRequest{Org: "acme", User: "bob", Role: "viewer", Workspaces: []string{"x"}}, ""},
		{acme, tenant.TokenRequest{Org: "default", User: "bob", Role: "admin"}, satchel.CodeNotFound},
		{acme, tenant.TokenRequest{Org: "unheard-of", User: "bob", Role: "admin"}, satchel.CodeNotFound},
		{operator, tenant.TokenRequest{Org: "third", User: "bob", Role: "member"}, ""},
		{operator, tenant.TokenRequest{User: "bob", Role: "emperor"}, satchel.CodeInvalidValue},
		{operator, tenant.TokenRequest{User: " ", Role: "owner"}, satchel.CodeMissing},
		{operator, tenant.TokenRequest{User: "rob", Role: "owner", Workspaces: []string{"x"}}, ""},
		{operator, tenant.TokenRequest{User: "bob", Role: "owner", ExpiresAt: clock.Now()}, satchel.CodeOutOfRange},
		{operator, tenant.TokenRequest{User: "bob", Role: "writer", Workspaces: []string{"X"}}, satchel.CodeInvalidValue},
		{operator, tenant.TokenRequest{User: "a\nb", Role: "owner"}, satchel.CodeInvalidValue},
	} {
		_, _, err := s.CreateToken(t.Context(), c.by, c.r)
		if got := satchel.CodeOf(err); got != c.code {
			t.Errorf("%+v: %q, want %q", c.r, got, c.code)
		}
	}
	member, _, _ := make1(t, s, acme, tenant.TokenRequest{User: "mel", Role: "member"})
	for _, by := range []satchel.Caller{member, {Org: acme.Org, Role: satchel.RoleOwner, Workspaces: []satchel.WorkspaceID{"x"}}, {Org: acme.Org, Role: satchel.RoleOwner, ReadOnly: true}} {
		_, _, err := s.CreateToken(t.Context(), by, tenant.TokenRequest{User: "eve", Role: "member"})
		wantCode(t, err, satchel.CodeForbidden)
		_, err = s.Tokens(t.Context(), by, "")
		wantCode(t, err, satchel.CodeForbidden)
	}
	_, err = s.Tokens(t.Context(), acme, "default")
	wantCode(t, err, satchel.CodeNotFound)
	if tokens, err := s.Tokens(t.Context(), operator, "acme"); err != nil || len(tokens) != 4 || tokens[0].UserName != "ada" || tokens[0].OrgName != "acme" {
		t.Errorf("%+v, %v", tokens, err)
	}
}

// A token never gives more than its user's role, as that is now.
func TestATokenGivesAtMostTheUsersRole(t *testing.T) {
	store := newStore(t)
	s, c, secret := newService(t, store, "")
	operator, err := s.Authenticate(t.Context(), secret)
	if err != nil {
		t.Fatal(err)
	}
	admin, _, adminSecret := make1(t, s, operator, tenant.TokenRequest{User: "ada", Role: "admin"})
	member, _, _ := make1(t, s, operator, tenant.TokenRequest{User: "ada", Role: "member"})
	if admin.Role != satchel.RoleAdmin || member.Role != satchel.RoleMember {
		t.Errorf("%s, %s", admin.Role, member.Role)
	}
	err = store.InTx(t.Context(), func(ctx context.Context, tx meta.Tx) error {
		return tx.UpdateMember(ctx, satchel.Member{Org: admin.Org, User: admin.User, Name: "ada", Role: satchel.RoleMember})
	})
	if err != nil {
		t.Fatal(err)
	}
	c.Advance(time.Second)
	if lowered, err := s.Authenticate(t.Context(), adminSecret); err != nil || lowered.Role != satchel.RoleMember {
		t.Errorf("%+v, %v", lowered, err)
	}
}

func TestEnter(t *testing.T) {
	store := newStore(t)
	s, _, secret := newService(t, store, "")
	owner, err := s.Authenticate(t.Context(), secret)
	if err != nil {
		t.Fatal(err)
	}
	member, _, _ := make1(t, s, owner, tenant.TokenRequest{User: "mem", Role: "member"})
	admin, _, _ := make1(t, s, owner, tenant.TokenRequest{User: "adm", Role: "admin"})
	writer, _, _ := make1(t, s, owner, tenant.TokenRequest{User: "wri", Role: "writer", Workspaces: []string{"team"}})
	viewer, _, _ := make1(t, s, owner, tenant.TokenRequest{User: "vie", Role: "viewer", Workspaces: []string{"team"}})
	err = store.InTx(t.Context(), func(ctx context.Context, tx meta.Tx) error {
		_, err := tx.InsertWorkspace(ctx, owner.Org, "mine", time.Now())
		if err != nil {
			return err
		}
		return tx.PutWorkspaceAccess(ctx, owner.Org, "mine", member.User, satchel.AccessViewer)
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		who  string
		by   satchel.Caller
		ws   satchel.WorkspaceID
		read satchel.Code // "": may
		edit satchel.Code
	}{
		{"owner", owner, "default", "", ""},
		{"owner", owner, "team", "", ""},
		{"owner", owner, "unknown", "", ""},
		{"admin", admin, "team", "", ""},
		{"member", member, "default", "", ""},
		{"member", member, "unknown", "", ""},
		{"member", member, "team", satchel.CodeWorkspaceForbidden, satchel.CodeWorkspaceForbidden},
		{"member", member, "mine", "", satchel.CodeReadOnly},
		{"writer", writer, "team", "", ""},
		{"writer", writer, "default", satchel.CodeWorkspaceForbidden, satchel.CodeWorkspaceForbidden},
		{"writer", writer, "unknown", satchel.CodeWorkspaceForbidden, satchel.CodeWorkspaceForbidden},
		{"viewer", viewer, "team", "", satchel.CodeReadOnly},
		{"viewer", viewer, "mine", satchel.CodeWorkspaceForbidden, satchel.CodeWorkspaceForbidden},
	} {
		for want, code := range map[satchel.Access]satchel.Code{satchel.AccessViewer: c.read, satchel.AccessWriter: c.edit} {
			scope, err := s.Enter(t.Context(), c.by, c.ws, want)
			if got := satchel.CodeOf(err); got != code {
				t.Errorf("%s enters %s as %s: %q, want %q", c.who, c.ws, want, got, code)
			}
			if err == nil && (scope.Org != owner.Org || scope.Workspace != c.ws || scope.User != c.by.User) {
				t.Errorf("%s in %s got %+v", c.who, c.ws, scope)
			}
		}
	}
}

func TestSelectOrg(t *testing.T) {
	s, _, secret := newService(t, newStore(t), "")
	operator, err := s.Authenticate(t.Context(), secret)
	if err != nil {
		t.Fatal(err)
	}
	acme, _, _ := make1(t, s, operator, tenant.TokenRequest{Org: "acme", User: "ada", Role: "owner"})
	for _, own := range []string{"", string(acme.Org), "acme"} {
		if got, err := s.SelectOrg(t.Context(), acme, own); err != nil || !reflect.DeepEqual(got, acme) {
			t.Errorf("%q: %+v, %v", own, got, err)
		}
	}
	for _, foreign := range []string{"default", string(operator.Org), "unheard-of"} {
		_, err := s.SelectOrg(t.Context(), acme, foreign)
		wantCode(t, err, satchel.CodeNotFound)
	}
}
