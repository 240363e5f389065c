package tenant_test

import (
	"context"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/satchel-files/satchel"
	"github.com/satchel-files/satchel/internal/tenant"
)

// as signs somebody in, with changes to right claims, in the organization that the request chooses.
func (i *identityTeam) as(t testing.TB, changes object, choice tenant.OrgChoice) (satchel.Caller, error) {
	t.Helper()
	return i.Identify(t.Context(), i.idp.es256(t, claims(i.clock.Now(), changes)), choice)
}

func TestStrangersAreRefused(t *testing.T) {
	i := newIdentityTeam(t, tenant.RefuseNewcomers)
	// What people of ours are called plays no part, and neither does what organizations are.
	for _, sub := range []string{"mary", "olga", string(i.member.User), string(i.owner.User), "me", "owner"} {
		for _, org := range []any{"A1", "acme", string(i.owner.Org), "rival", satchel.DefaultOrg, "unknown", nil} {
			_, err := i.as(t, object{"sub": sub, "org_id": org}, tenant.OrgChoice{})
			wantCode(t, err, satchel.CodeForbidden)
		}
	}
	known, err1 := i.as(t, object{"org_id": "A1"}, tenant.OrgChoice{})
	unknown, err2 := i.as(t, object{"org_id": "A2"}, tenant.OrgChoice{})
	if err1.Error() != err2.Error() || known.User != "" || unknown.User != "" {
		t.Errorf("an organization that is here is told from one that is not: %v, %v", err1, err2)
	}
}

func TestALinkedUserIsWhatItsRoleSays(t *testing.T) {
	i := newIdentityTeam(t, tenant.RefuseNewcomers)
	ada := i.link(t, i.owner, "ada", "sub-ada")
	want := func(role satchel.Role, confined bool) {
		t.Helper()
		got, err := i.as(t, nil, tenant.OrgChoice{})
		if err != nil || got.User != ada.User || got.Role != role || got.Confined != confined || got.Operator || got.Narrowed() {
			t.Errorf("%+v, %v; want %s", got, err, role)
		}
	}
	want(satchel.RoleMember, false)
	for _, c := range []struct {
		role     string
		confined bool
	}{{"owner", false}, {"admin", false}, {"member", true}} {
		if _, err := i.UpdateUser(t.Context(), i.owner, "ada", tenant.UserRequest{Role: &c.role, Confined: &c.confined}); err != nil {
			t.Fatal(err)
		}
		want(satchel.Role(c.role), c.confined)
	}
	if _, err := i.UpdateUser(t.Context(), i.owner, "ada", tenant.UserRequest{ExternalID: new("")}); err != nil {
		t.Fatal(err)
	}
	_, err := i.as(t, nil, tenant.OrgChoice{})
	wantCode(t, err, satchel.CodeForbidden)
}

// Other servers on the same store notice within a second; nobody is remembered beyond the token's end.
func TestWhatChangesActsWithinASecond(t *testing.T) {
	i := newIdentityTeam(t, tenant.RefuseNewcomers)
	i.link(t, i.owner, "ada", "sub-ada")
	elsewhere := i.another(t)
	token := i.idp.es256(t, claims(i.clock.Now(), nil))
	if _, err := elsewhere.Identify(t.Context(), token, tenant.OrgChoice{}); err != nil {
		t.Fatal(err)
	}
	if _, err := i.DeleteUser(t.Context(), i.owner, "", "ada"); err != nil {
		t.Fatal(err)
	}
	_, err := i.signIn(t, token)
	wantCode(t, err, satchel.CodeForbidden)
	i.clock.Advance(time.Second)
	_, err = elsewhere.Identify(t.Context(), token, tenant.OrgChoice{})
	wantCode(t, err, satchel.CodeForbidden)

	i.link(t, i.owner, "ada", "sub-ada")
	short := i.idp.es256(t, claims(i.clock.Now(), object{"exp": i.clock.Now().Add(-30*time.Second+200*time.Millisecond).Unix() + 1}))
	if _, err := i.signIn(t, short); err != nil {
		t.Fatal(err)
	}
	i.clock.Advance(time.Second)
	_, err = i.signIn(t, short)
	wantCode(t, err, satchel.CodeInvalidToken)
}

func TestNewUsersAreMade(t *testing.T) {
	i := newIdentityTeam(t, tenant.MakeUsers)
	for _, c := range []struct {
		claims object
		name   string
	}{
		{object{"sub": "1", "name": " Ada Lovelace ", "preferred_username": "ada"}, "Ada Lovelace"},
		{object{"sub": "2", "name": "Ada Lovelace", "preferred_username": "ada"}, "ada"},
		{object{"sub": "3", "name": "Ada Lovelace", "preferred_username": "ada", "email": "ada@example.com"}, "ada@example.com"},
		{object{"sub": "4", "name": 7, "preferred_username": "me", "email": "a\nb"}, "4"},
		{object{"sub": "5", "name": strings.Repeat("n", 129), "preferred_username": "mary"}, "5"},
		{object{"sub": "6", "name": string(i.owner.User)}, "6"}, // whose id that is
		{object{"sub": "7", "name": "grace\u200d", "preferred_username": "null"}, "7"},
		{object{"sub": "8", "name": "Team ❤\ufe0f"}, "Team ❤\ufe0f"},
		{object{"sub": "9", "name": "山田\u3000太郎"}, "山田 太郎"},
	} {
		caller, err := i.as(t, c.claims, tenant.OrgChoice{})
		if err != nil || caller.Org != i.owner.Org || caller.Role != satchel.RoleMember || caller.Confined || caller.Operator {
			t.Fatalf("%v: %+v, %v", c.claims, caller, err)
		}
		m, err := i.User(t.Context(), caller, "", "me")
		if err != nil || m.Name != c.name || m.Identity != (satchel.Identity{Issuer: issuerName, ID: c.claims["sub"].(string)}) {
			t.Errorf("%v: %+v, %v; want the name %s", c.claims, m, err, c.name)
		}
		if again, err := i.as(t, c.claims, tenant.OrgChoice{}); err != nil || again.User != caller.User {
			t.Errorf("%v, again: %+v, %v", c.claims, again, err)
		}
	}
	long := strings.Repeat("é", 100)
	for _, sub := range []string{"mary", long} { // of which nothing can be a name as it is
		caller, err := i.as(t, object{"sub": sub}, tenant.OrgChoice{})
		if err != nil {
			t.Fatal(err)
		}
		m, err := i.User(t.Context(), caller, "", "me")
		if err != nil || len(m.Name) > 128 || !strings.HasPrefix(m.Name, sub[:4]) || m.Name == sub {
			t.Errorf("%s: %+v, %v", sub, m, err)
		}
	}
	suffix := regexp.MustCompile(`(?:^|-)[0-9a-v]{6}$`)
	for sub, begin := range map[string]string{" lead  u5": "lead u5", "null": "null-", "ME": "ME-", "a\u200d": "a-", "\u200d": "-", "\u0301": ""} {
		caller, err := i.as(t, object{"sub": sub}, tenant.OrgChoice{})
		if err != nil {
			t.Fatal(err)
		}
		m, err := i.User(t.Context(), caller, "", "me")
		if err != nil || !strings.HasPrefix(m.Name, begin) || sub != " lead  u5" && !suffix.MatchString(m.Name) {
			t.Errorf("%+q: %+v, %v", sub, m, err)
		}
		confined := true
		if _, err := i.UpdateUser(t.Context(), i.owner, m.Name, tenant.UserRequest{Confined: &confined}); err != nil {
			t.Errorf("%+q cannot be confined: %v", m.Name, err)
		}
	}
	for _, org := range []any{"A2", "acme", nil} {
		_, err := i.as(t, object{"sub": "new", "org_id": org}, tenant.OrgChoice{})
		wantCode(t, err, satchel.CodeForbidden)
	}
}

// Newcomers bring names of their own choice: whoever makes a token for somebody of that name does not raise them by that.
func TestANameOfANewcomerIsNotRaised(t *testing.T) {
	i := newIdentityTeam(t, tenant.MakeUsers)
	newcomer, err := i.as(t, object{"sub": "1", "name": "grace"}, tenant.OrgChoice{})
	if err != nil {
		t.Fatal(err)
	}
	_, _, err = i.CreateToken(t.Context(), i.owner, tenant.TokenRequest{User: "grace", Role: "admin"})
	wantCode(t, err, satchel.CodeExists)
	if m, err := i.User(t.Context(), i.owner, "", "grace"); err != nil || m.User != newcomer.User || m.Role != satchel.RoleMember {
		t.Errorf("%+v, %v", m, err)
	}
	admin := "admin"
	if _, err := i.UpdateUser(t.Context(), i.owner, "grace", tenant.UserRequest{Role: &admin}); err != nil {
		t.Fatal(err)
	}
	if _, _, err = i.CreateToken(t.Context(), i.owner, tenant.TokenRequest{User: "grace", Role: "admin"}); err != nil {
		t.Errorf("once the role was changed: %v", err)
	}
}

// TestRenewedInItsOwnOrganization: what others give a user while its request is on its way makes no difference to it.
func TestRenewedInItsOwnOrganization(t *testing.T) {
	i := newIdentityTeam(t, tenant.RefuseNewcomers)
	i.link(t, i.owner, "ada", "sub-ada")
	secret := i.idp.es256(t, claims(i.clock.Now(), object{"org_id": nil}))
	began, err := i.Identify(t.Context(), secret, tenant.OrgChoice{})
	if err != nil {
		t.Fatal(err)
	}
	i.link(t, i.rival, "countess", "sub-ada")
	if now, err := i.Renew(t.Context(), began, secret); err != nil || now.Org != began.Org || now.User != began.User {
		t.Errorf("%+v, %v", now, err)
	}
	if _, err := i.DeleteUser(t.Context(), i.owner, "", "ada"); err != nil {
		t.Fatal(err)
	}
	_, err = i.Renew(t.Context(), began, secret)
	wantCode(t, err, satchel.CodeForbidden)
}

// Of many first requests at once, all find the same user.
func TestFirstRequestsRace(t *testing.T) {
	i := newIdentityTeam(t, tenant.MakeAll)
	var callers [20]satchel.Caller
	var race sync.WaitGroup
	for n := range callers {
		race.Go(func() {
			var err error
			if callers[n], err = i.as(t, object{"org_id": "new", "name": "ada"}, tenant.OrgChoice{}); err != nil {
				t.Error(err)
			}
		})
	}
	race.Wait()
	for _, c := range callers {
		if c.User != callers[0].User || c.Org != callers[0].Org || c.Role != satchel.RoleOwner {
			t.Errorf("%+v beside %+v", c, callers[0])
		}
	}
	if users, err := i.Users(t.Context(), callers[0], "", satchel.Slice{Limit: 10}); err != nil || len(users) != 1 {
		t.Errorf("%+v, %v", users, err)
	}
}

func TestNewOrganizationsAreMade(t *testing.T) {
	i := newIdentityTeam(t, tenant.MakeAll)
	for _, c := range []struct {
		claims object
		name   string
	}{
		{object{"org_id": "N1", "org_name": "umbrella"}, "umbrella"},
		{object{"org_id": "N2", "org_name": "umbrella"}, "N2"},
		{object{"org_id": "N3", "org_name": "default"}, "N3"},
		{object{"org_id": "N4", "org_name": string(i.owner.Org)}, "N4"},
	} {
		first, err := i.as(t, c.claims, tenant.OrgChoice{})
		if err != nil || first.Role != satchel.RoleOwner || first.Operator {
			t.Fatalf("%v: %+v, %v", c.claims, first, err)
		}
		if org, err := i.Org(t.Context(), first, string(first.Org)); err != nil || org.Name != c.name {
			t.Errorf("%v: %+v, %v; want the name %s", c.claims, org, err, c.name)
		}
		c.claims["sub"] = "sub-bob"
		if second, err := i.as(t, c.claims, tenant.OrgChoice{}); err != nil || second.Role != satchel.RoleMember || second.Org != first.Org {
			t.Errorf("%v, its second user: %+v, %v", c.claims, second, err)
		}
	}
	if _, err := i.as(t, object{"org_id": "acme"}, tenant.OrgChoice{}); err != nil { // which is no name of ours
		t.Error(err)
	}
	if acme, err := i.Users(t.Context(), i.owner, "", satchel.Slice{Limit: 10}); err != nil || len(acme) != 4 {
		t.Errorf("acme has the users %+v, %v", acme, err)
	}
	// Where an operator made the organization, its first user is a member like any other.
	if _, err := i.CreateOrg(t.Context(), i.operator, tenant.OrgRequest{Name: new("initech"), ExternalID: new("I1")}); err != nil {
		t.Fatal(err)
	}
	if caller, err := i.as(t, object{"org_id": "I1"}, tenant.OrgChoice{}); err != nil || caller.Role != satchel.RoleMember {
		t.Errorf("%+v, %v", caller, err)
	}
}

// Whoever was taken out stays out, whatever the issuer says, until somebody of the organization lets it in again.
func TestARemovedUserStaysOut(t *testing.T) {
	i := newIdentityTeam(t, tenant.MakeAll)
	before, err := i.as(t, nil, tenant.OrgChoice{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := i.DeleteUser(t.Context(), i.admin, "", string(before.User)); err != nil {
		t.Fatal(err)
	}
	_, err = i.as(t, nil, tenant.OrgChoice{})
	wantCode(t, err, satchel.CodeForbidden)
	for _, name := range []string{"A1", "acme", string(i.owner.Org)} {
		_, err = i.as(t, nil, tenant.OrgChoice{Strict: name})
		wantCode(t, err, satchel.CodeNotFound)
	}
	if _, err := i.as(t, object{"org_id": "A9"}, tenant.OrgChoice{}); err != nil { // it is out of acme alone
		t.Error(err)
	}
	i.link(t, i.admin, "ada again", "sub-ada")
	after, err := i.as(t, nil, tenant.OrgChoice{})
	if err != nil || after.User == before.User {
		t.Errorf("%+v, %v", after, err)
	}
	// The same goes for a user whose external id is another one now: the old one does not come back as somebody new.
	if _, err := i.UpdateUser(t.Context(), i.admin, "ada again", tenant.UserRequest{ExternalID: new("sub-new")}); err != nil {
		t.Fatal(err)
	}
	_, err = i.as(t, nil, tenant.OrgChoice{})
	wantCode(t, err, satchel.CodeForbidden)
	if renewed, err := i.as(t, object{"sub": "sub-new"}, tenant.OrgChoice{}); err != nil || renewed.User != after.User {
		t.Errorf("%+v, %v", renewed, err)
	}
}

func TestChoosingAmongOrganizations(t *testing.T) {
	i := newIdentityTeam(t, tenant.RefuseNewcomers)
	here := i.link(t, i.owner, "ada", "sub-ada")
	noClaim := object{"org_id": nil}
	if only, err := i.as(t, noClaim, tenant.OrgChoice{}); err != nil || only.User != here.User {
		t.Errorf("the only one: %+v, %v", only, err)
	}
	there := i.link(t, i.rival, "countess", "sub-ada")
	if here.User == there.User {
		t.Fatal("one user in two organizations: each would know of the other")
	}
	_, err := i.as(t, noClaim, tenant.OrgChoice{})
	wantCode(t, err, satchel.CodeMissing)
	if claimed, err := i.as(t, nil, tenant.OrgChoice{}); err != nil || claimed.User != here.User {
		t.Errorf("the one that the token names: %+v, %v", claimed, err)
	}
	for _, claimed := range []any{nil, "A1", "unknown"} {
		for name, want := range map[string]satchel.Member{
			string(i.owner.Org): here, "acme": here, "A1": here, string(i.rival.Org): there, "rival": there,
		} {
			if got, err := i.as(t, object{"org_id": claimed}, tenant.OrgChoice{Strict: name, Hint: "org-x"}); err != nil || got.User != want.User || got.Org != want.Org {
				t.Errorf("%s: %+v, %v", name, got, err)
			}
		}
	}
	for hint, want := range map[string]satchel.Member{string(i.owner.Org): here, string(i.rival.Org): there} {
		if got, err := i.as(t, noClaim, tenant.OrgChoice{Hint: hint}); err != nil || got.User != want.User {
			t.Errorf("the hint %s: %+v, %v", hint, got, err)
		}
	}
	for _, hint := range []string{"rival", "org-openai", string(i.operator.Org)} { // a name is whatever its owner wants
		if got, err := i.as(t, nil, tenant.OrgChoice{Hint: hint}); err != nil || got.User != here.User {
			t.Errorf("the hint %s: %+v, %v", hint, got, err)
		}
	}
}

// An organization that is not the caller's answers like one that does not exist.
func TestForeignOrganizationsAreNotThere(t *testing.T) {
	i := newIdentityTeam(t, tenant.MakeUsers)
	i.link(t, i.owner, "ada", "sub-ada")
	_, unknown := i.as(t, nil, tenant.OrgChoice{Strict: "nowhere"})
	wantCode(t, unknown, satchel.CodeNotFound)
	if _, err := i.UpdateOrg(t.Context(), i.operator, "rival", tenant.OrgRequest{ExternalID: new("R1")}); err != nil {
		t.Fatal(err)
	}
	for _, foreign := range []string{"rival", "R1", string(i.rival.Org), satchel.DefaultOrg, string(i.operator.Org)} {
		_, err := i.as(t, nil, tenant.OrgChoice{Strict: foreign})
		wantCode(t, err, satchel.CodeNotFound)
		if got := strings.ReplaceAll(err.Error(), foreign, "nowhere"); got != unknown.Error() {
			t.Errorf("%s: %q, want %q", foreign, got, unknown)
		}
	}
}

// What one organization says of an identity changes nothing in another, however its owner names things.
func TestNobodyIsTakenOver(t *testing.T) {
	i := newIdentityTeam(t, tenant.MakeAll)
	ada := i.link(t, i.owner, "ada", "sub-ada")
	if _, err := i.UpdateOrg(t.Context(), i.rival, "rival", named("A1")); err != nil { // what the issuer calls acme
		t.Fatal(err)
	}
	trap := i.link(t, i.rival, "sub-ada", "sub-ada")
	for _, choice := range []tenant.OrgChoice{{}, {Strict: "A1"}, {Strict: "acme"}, {Hint: "A1"}} {
		if got, err := i.as(t, nil, choice); err != nil || got.User != ada.User {
			t.Errorf("%+v: %+v, %v", choice, got, err)
		}
	}
	if _, err := i.DeleteUser(t.Context(), i.rival, "", string(trap.User)); err != nil {
		t.Fatal(err)
	}
	if got, err := i.as(t, object{"org_id": nil}, tenant.OrgChoice{}); err != nil || got.User != ada.User {
		t.Errorf("after the trap is gone: %+v, %v", got, err)
	}
	// An organization that the issuer names for the first time is a new one, whoever is called like it.
	if _, err := i.UpdateOrg(t.Context(), i.rival, string(i.rival.Org), named("A7")); err != nil {
		t.Fatal(err)
	}
	if got, err := i.as(t, object{"org_id": "A7"}, tenant.OrgChoice{Strict: "A7"}); err != nil || got.Org == i.rival.Org {
		t.Errorf("%+v, %v", got, err)
	}
}

func TestWhoMayLink(t *testing.T) {
	i := newIdentityTeam(t, tenant.RefuseNewcomers)
	id, owner := "sub-x", "owner"
	for _, by := range append([]satchel.Caller{i.member, i.confined}, narrowed(i.owner)...) {
		_, err := i.CreateUser(t.Context(), by, tenant.UserRequest{Name: new("x"), ExternalID: &id})
		wantCode(t, err, satchel.CodeForbidden)
	}
	_, err := i.CreateUser(t.Context(), i.admin, tenant.UserRequest{Name: new("x"), Role: &owner, ExternalID: &id})
	wantCode(t, err, satchel.CodeForbidden)
	for _, user := range []string{"olga", "adam"} { // an owner, and an admin: the caller itself
		_, err = i.UpdateUser(t.Context(), i.admin, user, tenant.UserRequest{ExternalID: &id})
		wantCode(t, err, satchel.CodeForbidden)
	}
	_, err = i.UpdateUser(t.Context(), i.rival, string(i.member.User), tenant.UserRequest{ExternalID: &id})
	wantCode(t, err, satchel.CodeNotFound)
	changed, err := i.UpdateUser(t.Context(), i.admin, "mary", tenant.UserRequest{ExternalID: &id})
	if err != nil || changed.Identity.ID != id {
		t.Errorf("%+v, %v", changed, err)
	}
	_, err = i.CreateUser(t.Context(), i.owner, tenant.UserRequest{Name: new("x"), ExternalID: &id})
	wantCode(t, err, satchel.CodeExists)
	_, err = i.UpdateUser(t.Context(), i.owner, "vera", tenant.UserRequest{ExternalID: &id})
	wantCode(t, err, satchel.CodeExists)

	for _, by := range []satchel.Caller{i.owner, i.admin, i.member} {
		_, err = i.UpdateOrg(t.Context(), by, "acme", tenant.OrgRequest{ExternalID: new("A2")})
		wantCode(t, err, satchel.CodeForbidden)
	}
	_, err = i.UpdateOrg(t.Context(), i.operator, "rival", tenant.OrgRequest{ExternalID: new("A1")})
	wantCode(t, err, satchel.CodeExists)
	_, err = i.CreateOrg(t.Context(), i.operator, tenant.OrgRequest{Name: new("x"), ExternalID: new("A1")})
	wantCode(t, err, satchel.CodeExists)
	for _, bad := range []string{strings.Repeat("x", 256), "a\nb", "\xff"} {
		_, err = i.UpdateOrg(t.Context(), i.operator, "acme", tenant.OrgRequest{ExternalID: &bad})
		if code := satchel.CodeOf(err); code != satchel.CodeInvalidValue && code != satchel.CodeTooLong {
			t.Errorf("%.20q: %v", bad, err)
		}
		_, err = i.CreateUser(t.Context(), i.owner, tenant.UserRequest{Name: new("x"), ExternalID: &bad})
		if code := satchel.CodeOf(err); code != satchel.CodeInvalidValue && code != satchel.CodeTooLong {
			t.Errorf("%.20q: %v", bad, err)
		}
	}
	if org, err := i.UpdateOrg(t.Context(), i.operator, "acme", tenant.OrgRequest{ExternalID: new("")}); err != nil || org.Identity != (satchel.Identity{}) {
		t.Errorf("%+v, %v", org, err)
	}
}

// Without an issuer there are no external ids, and what looks like a JWT is a token like any that is wrong.
func TestWithoutAnIssuer(t *testing.T) {
	team := newTeam(t)
	_, err := team.CreateUser(t.Context(), team.owner, tenant.UserRequest{Name: new("x"), ExternalID: new("y")})
	wantCode(t, err, satchel.CodeInvalidValue)
	_, err = team.UpdateOrg(t.Context(), team.operator, "acme", tenant.OrgRequest{ExternalID: new("y")})
	wantCode(t, err, satchel.CodeInvalidValue)
	idp := newProvider(t)
	_, err = team.Identify(t.Context(), idp.es256(t, claims(team.clock.Now(), nil)), tenant.OrgChoice{})
	wantCode(t, err, satchel.CodeInvalidToken)
	team.KeepKeys(t.Context()) // which are none
}

// Our own tokens work beside the issuer's as they do without one, the root token too, whatever it looks like.
func TestOurTokensBesideAnIssuer(t *testing.T) {
	i := newIdentityTeam(t, tenant.MakeAll)
	_, token, secret := make1(t, i.Service, i.operator, tenant.TokenRequest{Org: "acme", User: "mary", Role: "member"})
	for _, choice := range []tenant.OrgChoice{{}, {Strict: "acme"}, {Strict: string(i.owner.Org)}, {Hint: "rival"}, {Hint: string(i.rival.Org)}} {
		if got, err := i.Identify(t.Context(), secret, choice); err != nil || got.Token != token.ID || got.Org != i.owner.Org || got.Issuer != "" {
			t.Errorf("%+v: %+v, %v", choice, got, err)
		}
	}
	_, err := i.Identify(t.Context(), secret, tenant.OrgChoice{Strict: "rival"})
	wantCode(t, err, satchel.CodeNotFound)
	_, err = i.Identify(t.Context(), "", tenant.OrgChoice{})
	wantCode(t, err, satchel.CodeMissingToken)

	const root = "a-root-token.that-has-two.dots-in-it"
	idp := newProvider(t)
	issuer := tenant.Issuer{Name: issuerName, Audience: audience, OrgClaim: "org_id", Newcomers: tenant.MakeAll, Keys: idp.load}
	s, _, _ := newService(t, newStore(t), root, func(c *tenant.Config) { c.Issuer = &issuer })
	if got, err := s.Identify(t.Context(), root, tenant.OrgChoice{}); err != nil || !got.Operator {
		t.Errorf("%+v, %v", got, err)
	}
}

func TestTheClaimsCanBeChosen(t *testing.T) {
	i := newIdentityTeam(t, tenant.MakeUsers, func(issuer *tenant.Issuer) {
		issuer.UserClaim, issuer.OrgClaim = "https://example.com/user", "https://example.com/org"
	})
	for _, c := range []struct {
		claims object
		code   satchel.Code
	}{
		{object{"https://example.com/user": "u1", "https://example.com/org": "A1", "id": "other", "org_id": "other"}, ""},
		{object{"https://example.com/user": "u1", "org_id": "A1"}, ""}, // it has one place
		{object{"https://example.com/user": "u2", "org_id": "A1"}, satchel.CodeForbidden},
		{object{"id": "u1", "https://example.com/org": "A1"}, satchel.CodeInvalidToken}, // and no sub instead
	} {
		_, err := i.as(t, c.claims, tenant.OrgChoice{})
		wantCode(t, err, c.code)
	}
}

func TestIssuersAreChecked(t *testing.T) {
	keys := func(context.Context) ([]byte, error) { return nil, nil }
	good := tenant.Issuer{Name: issuerName, Audience: audience, OrgClaim: "org_id", Newcomers: tenant.MakeAll, Keys: keys}
	if err := good.Check(); err != nil {
		t.Error(err)
	}
	bad := tenant.Issuer{Name: strings.Repeat("i", 256), UserClaim: "x\x00", OrgClaim: "x\x00", Newcomers: "some"}
	err := bad.Check()
	if err == nil {
		t.Fatal("no fault was found")
	}
	lines := strings.Split(err.Error(), "\n")
	for _, want := range []string{"JWT issuer", "JWT audience: none is set", "JWT organization claim", "cannot both be in", "newcomers"} {
		if !slices.ContainsFunc(lines, func(line string) bool { return strings.Contains(line, want) }) {
			t.Errorf("nothing about %s in %q", want, lines)
		}
	}
	for text, want := range map[string]string{"{": "no JWK Set", `{}`: "no key", `{"keys":[{"kty":"oct","k":"AAAA"}]}`: "no key", `[]`: "no JWK Set"} {
		if err := tenant.CheckKeys([]byte(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", text, err)
		}
	}
}
