package metatest

import (
	"context"
	"fmt"
	"reflect"
	"sync"
	"testing"
	"time"

	"github.com/satchel-files/satchel"
	"github.com/satchel-files/satchel/internal/meta"
)

func testAccounts(t *testing.T, open func(t *testing.T) Opened) {
	t.Run("rules", func(t *testing.T) { rules(t, open(t).Store) })
	t.Run("use of files", func(t *testing.T) { useOfFiles(t, open(t)) })
	t.Run("use by many at once", func(t *testing.T) { useByMany(t, open(t).Store) })
	t.Run("tokens", func(t *testing.T) { useOfTokens(t, open(t).Store) })
	t.Run("pages", func(t *testing.T) { pagesOfUse(t, open(t).Store) })
	t.Run("reservations", func(t *testing.T) { reservations(t, open(t)) })
	t.Run("recounting", func(t *testing.T) { recounting(t, open(t)) })
	t.Run("nothing without a scope", func(t *testing.T) { accountsWithoutScope(t, open(t).Store) })
}

func limit(n int64) *int64 { return &n }

func rules(t *testing.T, s meta.Store) {
	scope := Tenant(t, s)
	want := satchel.Rules{}
	check := func(what string, scope satchel.Scope, want satchel.Rules) {
		t.Helper()
		got, err := s.Rules(t.Context(), scope)
		must(t, err)
		if !reflect.DeepEqual(got, want) {
			t.Errorf("%s: the rules are %+v, want %+v", what, got, want)
		}
	}
	check("at first", scope, want)
	want.Org = satchel.Quota{Bytes: limit(1 << 40), Files: limit(0)}
	want.Workspace = satchel.WorkspaceSettings{
		NoAI: true, Instructions: "find\n\"it\"", Schema: `{"type":"object"}`, Lifetime: 36 * time.Hour, Quota: satchel.Quota{FileBytes: limit(1), TokensPerDay: limit(2)},
	}
	commit(t, s, func(ctx context.Context, tx meta.Tx) error {
		org, err := tx.Org(ctx, string(scope.Org))
		if err != nil {
			return err
		}
		org.Quota = want.Org
		if err := tx.UpdateOrg(ctx, *org); err != nil {
			return err
		}
		w, err := tx.Workspace(ctx, scope.Org, scope.Workspace)
		if err != nil {
			return err
		}
		w.Settings = want.Workspace
		return tx.UpdateWorkspace(ctx, *w)
	})
	check("when they are set", scope, want)
	w, err := s.Workspace(t.Context(), scope.Org, scope.Workspace)
	must(t, err)
	org, err := s.Org(t.Context(), string(scope.Org))
	must(t, err)
	if !reflect.DeepEqual(w.Settings, want.Workspace) || !reflect.DeepEqual(org.Quota, want.Org) {
		t.Errorf("%+v, %+v", w, org)
	}
	scope.Workspace = "none"
	check("of a workspace that is not there", scope, satchel.Rules{Org: want.Org})
	scope.Org = "org-none"
	check("of an organization that is not there", scope, satchel.Rules{})
}

// wantUse compares what an organization and its workspaces use, reservations aside.
func wantUse(t *testing.T, s meta.Store, org satchel.OrgID, total satchel.Amount, workspaces map[satchel.WorkspaceID]satchel.Amount) {
	t.Helper()
	whole, all, err := s.Usage(t.Context(), org, now(), now(), satchel.Slice{Limit: 1000})
	must(t, err)
	got := map[satchel.WorkspaceID]satchel.Amount{}
	for _, u := range all {
		got[u.Workspace] = u.Amount
	}
	if whole.Amount != total || !reflect.DeepEqual(got, workspaces) {
		t.Errorf("%s uses %+v, its workspaces %+v; want %+v and %+v", org, whole.Amount, got, total, workspaces)
	}
}

func useOfFiles(t *testing.T, o Opened) {
	type uses = map[satchel.WorkspaceID]satchel.Amount
	home, lab, other := scopeOf("a", "default"), scopeOf("a", "lab"), scopeOf("b", "default")
	wantUse(t, o.Store, home.Org, satchel.Amount{}, uses{})
	one, two, three := newFile(home, "12345", `{}`), newFile(lab, "123", `{}`), newFile(other, "1", `{}`)
	insert(t, o.Store, one, two, three)
	wantUse(t, o.Store, home.Org, satchel.Amount{Files: 2, Bytes: 8}, uses{"default": {Files: 1, Bytes: 5}, "lab": {Files: 1, Bytes: 3}})
	wantUse(t, o.Store, other.Org, satchel.Amount{Files: 1, Bytes: 1}, uses{"default": {Files: 1, Bytes: 1}})

	after := *one
	after.Version++
	after.Text = satchel.Blob{ID: satchel.NewBlobID(now()), Size: 1000}
	commit(t, o.Store, func(ctx context.Context, tx meta.Tx) error {
		return tx.UpdateFile(ctx, home, one, &after, satchel.Change{})
	})
	failed := o.Store.InTx(t.Context(), func(ctx context.Context, tx meta.Tx) error {
		if err := tx.DeleteFile(ctx, lab, two.ID, now()); err != nil {
			return err
		}
		return context.Canceled
	})
	if failed == nil {
		t.Fatal("the transaction was to fail")
	}
	wantUse(t, o.Store, home.Org, satchel.Amount{Files: 2, Bytes: 8}, uses{"default": {Files: 1, Bytes: 5}, "lab": {Files: 1, Bytes: 3}})

	commit(t, o.Store, func(ctx context.Context, tx meta.Tx) error { return tx.DeleteFile(ctx, home, one.ID, now()) })
	wantUse(t, o.Store, home.Org, satchel.Amount{Files: 1, Bytes: 8}, uses{"default": {Bytes: 5}, "lab": {Files: 1, Bytes: 3}})
	doomed, err := o.System.DoomedBlobs(t.Context(), 100)
	must(t, err)
	must(t, o.System.ForgetBlobs(t.Context(), append(doomed, two.Content.ID))) // the last one is not doomed
	wantUse(t, o.Store, home.Org, satchel.Amount{Files: 1, Bytes: 3}, uses{"lab": {Files: 1, Bytes: 3}})
	must(t, o.System.ForgetBlobs(t.Context(), doomed)) // again
	wantUse(t, o.Store, home.Org, satchel.Amount{Files: 1, Bytes: 3}, uses{"lab": {Files: 1, Bytes: 3}})
}

func useByMany(t *testing.T, s meta.Store) {
	const each, groups = 10, 8
	var all sync.WaitGroup
	for g := range groups {
		all.Go(func() {
			for range each {
				f := newFile(scopeOf("a", fmt.Sprint("w", g%2)), "12", `{}`)
				err := s.InTx(t.Context(), func(ctx context.Context, tx meta.Tx) error {
					f.ID = nextID(ctx, tx)
					return tx.InsertFile(ctx, satchel.Scope{Org: f.Org, Workspace: f.Workspace, User: f.User}, f, changeOf(f))
				})
				if err != nil {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
	half := satchel.Amount{Files: each * groups / 2, Bytes: each * groups}
	wantUse(t, s, "org-a", half.Add(half), map[satchel.WorkspaceID]satchel.Amount{"w0": half, "w1": half})
}

func useOfTokens(t *testing.T, s meta.Store) {
	scope := scopeOf("a", "default")
	f := newFile(scope, "1", `{}`)
	insert(t, s, f)
	run := newRun(f, 0)
	commit(t, s, func(ctx context.Context, tx meta.Tx) error { return tx.InsertRun(ctx, scope, run) })
	spend := func(to satchel.Tokens, at time.Time) {
		t.Helper()
		after := *run
		after.Tokens, after.UpdatedAt = to, at
		commit(t, s, func(ctx context.Context, tx meta.Tx) error { return tx.UpdateRun(ctx, scope, run, &after) })
		run = &after
	}
	spend(satchel.Tokens{Input: 10, Output: 1}, now().Add(-24*time.Hour))
	spend(satchel.Tokens{Input: 30, Output: 3}, now())
	spend(satchel.Tokens{Input: 30, Output: 3}, now())
	spend(satchel.Tokens{Input: 31, Output: 4}, now())
	commit(t, s, func(ctx context.Context, tx meta.Tx) error {
		if err := tx.DeleteFile(ctx, scope, f.ID, now()); err != nil {
			return err
		}
		return tx.CountTokens(ctx, scope, satchel.Tokens{Input: 5, Output: 6}, now())
	})
	today, both := satchel.Tokens{Input: 26, Output: 9}, satchel.Tokens{Input: 36, Output: 10}
	for since, want := range map[time.Time]satchel.Tokens{now(): today, now().Add(-24 * time.Hour): both} {
		total, all, err := s.Usage(t.Context(), scope.Org, since, now(), satchel.Slice{Limit: 10})
		must(t, err)
		if len(all) != 1 || all[0].Tokens != want || all[0].Today != today || total.Tokens != want || total.Today != today {
			t.Errorf("since %s: %+v and %+v; want %+v", since, total, all, want)
		}
	}
	org, ws, err := s.Used(t.Context(), scope, "", now())
	must(t, err)
	if org.Today != today || ws.Today != today {
		t.Errorf("today %+v and %+v were used, want %+v", org.Today, ws.Today, today)
	}
}

func pagesOfUse(t *testing.T, s meta.Store) {
	for _, name := range []string{"a", "b", "c", "d"} {
		insert(t, s, newFile(scopeOf("a", name), "1", `{}`))
	}
	var got []satchel.WorkspaceID
	for page := (satchel.Slice{Limit: 3}); ; page.After = string(got[len(got)-1]) {
		total, some, err := s.Usage(t.Context(), "org-a", now(), now(), page)
		must(t, err)
		if total.Files != 4 {
			t.Errorf("behind %q the organization has %d files", page.After, total.Files)
		}
		for _, u := range some {
			got = append(got, u.Workspace)
		}
		if len(some) < page.Limit {
			break
		}
	}
	if !reflect.DeepEqual(got, []satchel.WorkspaceID{"a", "b", "c", "d"}) {
		t.Errorf("the pages have %v", got)
	}
}

func reservations(t *testing.T, o Opened) {
	home, lab := scopeOf("a", "default"), scopeOf("a", "lab")
	insert(t, o.Store, newFile(home, "12345", `{}`))
	end := now().Add(time.Minute)
	first := meta.Reservation{ID: "r1", Org: home.Org, Workspace: home.Workspace, Amount: satchel.Amount{Files: 1, Bytes: 100}, ExpiresAt: end}
	second := meta.Reservation{ID: "r2", Org: lab.Org, Workspace: lab.Workspace, Amount: satchel.Amount{Files: 2, Bytes: 50}, ExpiresAt: end.Add(time.Microsecond)}
	unplaced := meta.Reservation{ID: "r3", Org: home.Org, Amount: satchel.Amount{Bytes: 1000}, ExpiresAt: now().Add(time.Second)}
	put := func(r meta.Reservation) error {
		return inTx(t, o.Store, func(ctx context.Context, tx meta.Tx) error { return tx.PutReservation(ctx, r) })
	}
	must(t, put(first))
	must(t, put(second))
	must(t, put(unplaced))
	check := func(what string, except satchel.ReservationID, at time.Time, wantOrg, wantHome satchel.Amount) {
		t.Helper()
		org, ws, err := o.Store.Used(t.Context(), home, except, at)
		must(t, err)
		if org.Amount != wantOrg || ws.Amount != wantHome || ws.Workspace != home.Workspace {
			t.Errorf("%s: %+v and %+v are used, want %+v and %+v", what, org.Amount, ws, wantOrg, wantHome)
		}
	}
	check("with all", "", now(), satchel.Amount{Files: 4, Bytes: 1155}, satchel.Amount{Files: 2, Bytes: 105})
	check("when the last has lapsed", "", now().Add(time.Second), satchel.Amount{Files: 4, Bytes: 155}, satchel.Amount{Files: 2, Bytes: 105})
	check("without the first", "r1", now().Add(time.Second), satchel.Amount{Files: 3, Bytes: 55}, satchel.Amount{Files: 1, Bytes: 5})
	check("when the first has lapsed", "", end, satchel.Amount{Files: 3, Bytes: 55}, satchel.Amount{Files: 1, Bytes: 5})
	wantUse(t, o.Store, home.Org, satchel.Amount{Files: 1, Bytes: 5}, map[satchel.WorkspaceID]satchel.Amount{"default": {Files: 1, Bytes: 5}})

	first.Amount.Bytes, first.ExpiresAt = 200, end.Add(time.Hour)
	must(t, put(first))
	foreign := first
	foreign.Org = "org-b"
	wantCode(t, "the reservation of another organization", put(foreign), satchel.CodeConflict)
	check("when it was raised", "", end.Add(time.Minute), satchel.Amount{Files: 2, Bytes: 205}, satchel.Amount{Files: 2, Bytes: 205})
	gone, err := o.System.ForgetReservations(t.Context(), end.Add(time.Minute))
	must(t, err)
	if gone != 2 {
		t.Errorf("%d were forgotten, want 2", gone)
	}
	commit(t, o.Store, func(ctx context.Context, tx meta.Tx) error { return tx.DeleteReservation(ctx, "org-b", "r1") })
	check("after somebody else's attempt", "", now(), satchel.Amount{Files: 2, Bytes: 205}, satchel.Amount{Files: 2, Bytes: 205})
	for range 2 {
		commit(t, o.Store, func(ctx context.Context, tx meta.Tx) error { return tx.DeleteReservation(ctx, home.Org, "r1") })
	}
	check("given back", "", now(), satchel.Amount{Files: 1, Bytes: 5}, satchel.Amount{Files: 1, Bytes: 5})
}

func recounting(t *testing.T, o Opened) {
	scope := Tenant(t, o.Store)
	insert(t, o.Store, newFile(scope, "12345", `{}`), newFile(scope, "1", `{}`))
	for _, repair := range []bool{false, true} {
		wrong, err := o.System.RecountUsage(t.Context(), repair)
		must(t, err)
		if len(wrong) != 0 {
			t.Errorf("wrong is %+v", wrong)
		}
	}
	wantUse(t, o.Store, scope.Org, satchel.Amount{Files: 2, Bytes: 6}, map[satchel.WorkspaceID]satchel.Amount{"default": {Files: 2, Bytes: 6}})
	// Of an organization that is deleted there can be bytes that wait for the sweep.
	page, err := o.Store.Files(t.Context(), scope, satchel.Query{Limit: 10}, now())
	must(t, err)
	commit(t, o.Store, func(ctx context.Context, tx meta.Tx) error {
		for _, f := range page.Files {
			if err := tx.DeleteFile(ctx, scope, f.ID, now()); err != nil {
				return err
			}
		}
		return tx.DeleteOrg(ctx, scope.Org)
	})
	for _, when := range []string{"before the sweep", "after it"} {
		if wrong, err := o.System.RecountUsage(t.Context(), false); err != nil || len(wrong) != 0 {
			t.Errorf("%s %+v are wrong, %v", when, wrong, err)
		}
		doomed, err := o.System.DoomedBlobs(t.Context(), 10)
		must(t, err)
		must(t, o.System.ForgetBlobs(t.Context(), doomed))
	}
}

func accountsWithoutScope(t *testing.T, s meta.Store) {
	var none satchel.Scope
	if _, err := s.Rules(t.Context(), none); err == nil {
		t.Error("rules for nobody")
	}
	if _, _, err := s.Used(t.Context(), none, "", now()); err == nil {
		t.Error("use by nobody")
	}
	for name, do := range map[string]func(ctx context.Context, tx meta.Tx) error{
		"CountTokens": func(ctx context.Context, tx meta.Tx) error {
			return tx.CountTokens(ctx, none, satchel.Tokens{Input: 1}, now())
		},
		"PutReservation": func(ctx context.Context, tx meta.Tx) error { return tx.PutReservation(ctx, meta.Reservation{ID: "r"}) },
	} {
		if err := inTx(t, s, do); err == nil {
			t.Errorf("%s without a scope", name)
		}
	}
}
