package metatest

import (
	"context"
	"slices"
	"testing"

	"github.com/satchel-files/satchel"
	"github.com/satchel-files/satchel/internal/meta"
)

// orgIdentities has organizations found by what an issuer calls them, and by nothing else.
func orgIdentities(t *testing.T, s meta.Store) {
	known := satchel.Identity{Issuer: "https://id.example", ID: "A1"}
	acme := satchel.Org{ID: "org-a", Name: "acme", Identity: known, CreatedAt: now()}
	plain := satchel.Org{ID: "org-b", Name: "A1", CreatedAt: now()} // named like the other one's identity
	update := func(org satchel.Org) error {
		return inTx(t, s, func(ctx context.Context, tx meta.Tx) error { return tx.UpdateOrg(ctx, org) })
	}
	must(t, inTx(t, s, func(ctx context.Context, tx meta.Tx) error {
		must(t, tx.InsertOrg(ctx, acme))
		must(t, tx.InsertOrg(ctx, plain))
		must(t, tx.InsertOrg(ctx, satchel.Org{ID: "org-c", Name: "no identity either", CreatedAt: now()}))
		return nil
	}))
	if got, err := s.OrgByIdentity(t.Context(), known); err != nil || *got != acme {
		t.Errorf("the organization of an identity: %+v, %v", got, err)
	}
	for _, nobody := range []satchel.Identity{{}, {Issuer: known.Issuer}, {ID: "A1"}, {Issuer: known.Issuer, ID: "a1"}, {Issuer: "https://other.example", ID: "A1"}} {
		_, err := s.OrgByIdentity(t.Context(), nobody)
		wantCode(t, "an identity that none has", err, satchel.CodeNotFound)
	}
	taken := plain
	taken.Identity = known
	wantCode(t, "an identity that another has", update(taken), satchel.CodeConflict)
	acme.Identity = satchel.Identity{}
	must(t, update(acme))
	must(t, update(taken))
	if got, err := s.OrgByIdentity(t.Context(), known); err != nil || *got != taken {
		t.Errorf("the organization that took the identity over: %+v, %v", got, err)
	}
}

// memberIdentities has members found by what an issuer calls them: one in an organization, and the same in several.
func memberIdentities(t *testing.T, s meta.Store) {
	ann := satchel.Identity{Issuer: "https://id.example", ID: "ann"}
	here := satchel.Member{Org: "org-a", User: "user-1", Name: "ann", Role: satchel.RoleMember, Identity: ann, CreatedAt: now()}
	other := satchel.Member{Org: "org-a", User: "user-2", Name: "bob", Role: satchel.RoleMember, CreatedAt: now()}
	there := satchel.Member{Org: "org-b", User: "user-3", Name: "ann", Role: satchel.RoleOwner, Identity: ann, CreatedAt: now()}
	must(t, inTx(t, s, func(ctx context.Context, tx meta.Tx) error {
		for _, m := range []satchel.Member{here, other, there} {
			must(t, tx.InsertMember(ctx, m))
		}
		again := satchel.Member{Org: "org-a", User: "user-4", Name: "anna", Role: satchel.RoleMember, Identity: ann, CreatedAt: now()}
		wantCode(t, "an identity again", tx.InsertMember(ctx, again), satchel.CodeConflict)
		taking := other
		taking.Identity = ann
		wantCode(t, "another one's identity", tx.UpdateMember(ctx, taking), satchel.CodeConflict)
		return nil
	}))
	for _, m := range []satchel.Member{here, there} {
		if got, err := s.MemberByIdentity(t.Context(), m.Org, ann); err != nil || *got != m {
			t.Errorf("the member of %s: %+v, %v", m.Org, got, err)
		}
	}
	for org, nobody := range map[satchel.OrgID]satchel.Identity{"org-a": {}, "org-b": {Issuer: "https://other.example", ID: "ann"}, "org-c": ann} {
		_, err := s.MemberByIdentity(t.Context(), org, nobody)
		wantCode(t, "an identity that none has", err, satchel.CodeNotFound)
	}
	for limit, want := range map[int][]satchel.Member{1: {here}, 5: {here, there}} {
		if got, err := s.MembersByIdentity(t.Context(), ann, limit); err != nil || !slices.Equal(got, want) {
			t.Errorf("at most %d places: %+v, %v", limit, got, err)
		}
	}
	if got, err := s.MembersByIdentity(t.Context(), satchel.Identity{}, 5); err != nil || len(got) > 0 {
		t.Errorf("the places of nobody: %+v, %v", got, err)
	}
}

// departures are an organization's own, and go with it.
func departures(t *testing.T, s meta.Store) {
	ann := satchel.Identity{Issuer: "https://id.example", ID: "ann"}
	want := func(what string, org satchel.OrgID, identity satchel.Identity, departed bool) {
		t.Helper()
		if got, err := s.Departed(t.Context(), org, identity); err != nil || got != departed {
			t.Errorf("%s: departed %v, %v; want %v", what, got, err, departed)
		}
	}
	want("before", "org-a", ann, false)
	must(t, inTx(t, s, func(ctx context.Context, tx meta.Tx) error {
		for _, org := range []satchel.OrgID{"org-a", "org-b", "org-c", "org-a"} { // one of them twice
			must(t, tx.InsertDeparture(ctx, org, ann, now()))
		}
		must(t, tx.DeleteDeparture(ctx, "org-b", ann))
		must(t, tx.DeleteDeparture(ctx, "org-b", ann))
		must(t, tx.InsertOrg(ctx, satchel.Org{ID: "org-c", Name: "gone", CreatedAt: now()}))
		return tx.DeleteOrg(ctx, "org-c")
	}))
	want("taken out", "org-a", ann, true)
	want("another issuer's", "org-a", satchel.Identity{Issuer: "https://other.example", ID: "ann"}, false)
	want("let in again", "org-b", ann, false)
	want("of an organization that is gone", "org-c", ann, false)
}
