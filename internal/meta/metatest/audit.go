package metatest

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/satchel-files/satchel"
	"github.com/satchel-files/satchel/internal/meta"
)

func testAudit(t *testing.T, open func(t *testing.T) Opened) {
	t.Run("entries", func(t *testing.T) { auditEntries(t, open(t).Store) })
	t.Run("conditions", func(t *testing.T) { auditConditions(t, open(t).Store) })
	t.Run("what is rolled back", func(t *testing.T) { auditRollback(t, open(t).Store) })
	t.Run("of an organization that is gone", func(t *testing.T) { auditOfNobody(t, open(t)) })
	t.Run("forgetting", func(t *testing.T) { forgetAudit(t, open(t)) })
}

// record appends entries in one transaction.
func record(tb testing.TB, s meta.Store, entries ...satchel.AuditEntry) {
	tb.Helper()
	must(tb, inTx(tb, s, func(ctx context.Context, tx meta.Tx) error {
		for _, e := range entries {
			if err := tx.InsertAudit(ctx, e); err != nil {
				return err
			}
		}
		return nil
	}))
}

// recorded gives the entries that a query finds.
func recorded(tb testing.TB, s meta.AuditReader, org satchel.OrgID, q satchel.AuditQuery) []satchel.AuditEntry {
	tb.Helper()
	if q.Limit == 0 {
		q.Limit = 100
	}
	entries, err := s.Audit(tb.Context(), org, q)
	must(tb, err)
	return entries
}

func auditEntries(t *testing.T, s meta.Store) {
	done := satchel.AuditEntry{
		Org: "org-a", User: "user-1", Token: "tok-1", Address: "192.0.2.7", Request: "req-1", Action: "createFile", Object: "file-1", Last: "file-3",
		Workspace: "lab", Count: 1, Details: `{"files":3}`,
	}
	refused := satchel.AuditEntry{Address: "192.0.2.0/24", Request: "req-9", Action: "getFile", Code: satchel.CodeInvalidToken, Count: 1 << 40, FirstAt: now(), LastAt: now().Add(time.Second)}
	record(t, s, done, refused, done)
	got := recorded(t, s, "org-a", satchel.AuditQuery{})
	if len(got) != 2 || got[0].ID <= got[1].ID {
		t.Fatalf("recorded are %+v", got)
	}
	for _, e := range got {
		if at := e.At(); time.Since(at).Abs() > time.Hour && at.Sub(now()).Abs() > time.Hour {
			t.Errorf("it was at %s", at)
		}
		if e.ID = ""; e != done {
			t.Errorf("recorded is\n%+v\nwant\n%+v", e, done)
		}
	}
	got = recorded(t, s, "", satchel.AuditQuery{})
	if len(got) == 1 {
		got[0].ID = ""
	}
	if !slices.Equal(got, []satchel.AuditEntry{refused}) {
		t.Errorf("the installation's record is %+v", got)
	}
	if got := recorded(t, s, "org-b", satchel.AuditQuery{}); len(got) > 0 {
		t.Errorf("another organization's record is %+v", got)
	}
}

func auditConditions(t *testing.T, s meta.Store) {
	entry := func(user satchel.UserID, action, object, last string) satchel.AuditEntry {
		return satchel.AuditEntry{Org: "org-a", User: user, Action: action, Object: object, Last: last, Count: 1}
	}
	record(t, s, entry("user-1", "createFile", "file-2", "file-4"), entry("user-2", "createFile", "file-5", ""),
		entry("user-1", "deleteFile", "file-3", ""), entry("user-2", "createToken", "tok-1", ""))
	all := recorded(t, s, "org-a", satchel.AuditQuery{})
	slices.Reverse(all)
	for name, c := range map[string]struct {
		query satchel.AuditQuery
		want  []int // newest first
	}{
		"none":                   {satchel.AuditQuery{}, []int{3, 2, 1, 0}},
		"two":                    {satchel.AuditQuery{Limit: 2}, []int{3, 2}},
		"the next two":           {satchel.AuditQuery{Limit: 2, Before: all[2].ID}, []int{1, 0}},
		"behind the last":        {satchel.AuditQuery{Before: all[0].ID}, nil},
		"a user":                 {satchel.AuditQuery{User: "user-1"}, []int{2, 0}},
		"an action":              {satchel.AuditQuery{Action: "createFile"}, []int{1, 0}},
		"an object":              {satchel.AuditQuery{Object: "file-5"}, []int{1}},
		"a file in the middle":   {satchel.AuditQuery{Object: "file-3"}, []int{2, 0}},
		"the last of an upload":  {satchel.AuditQuery{Object: "file-4"}, []int{0}},
		"the first of an upload": {satchel.AuditQuery{Object: "file-2"}, []int{0}},
		"a user and an action":   {satchel.AuditQuery{User: "user-2", Action: "createToken"}, []int{3}},
		"since then":             {satchel.AuditQuery{Since: all[0].At()}, []int{3, 2, 1, 0}},
		"since later":            {satchel.AuditQuery{Since: all[3].At().Add(time.Millisecond)}, nil},
		"until then":             {satchel.AuditQuery{Until: all[0].At()}, nil},
		"until later":            {satchel.AuditQuery{Until: all[3].At().Add(time.Millisecond)}, []int{3, 2, 1, 0}},
	} {
		var want []satchel.AuditEntry
		for _, i := range c.want {
			want = append(want, all[i])
		}
		if got := recorded(t, s, "org-a", c.query); !slices.Equal(got, want) {
			t.Errorf("%s: %+v\nwant %+v", name, got, want)
		}
	}
}

func auditRollback(t *testing.T, s meta.Store) {
	refused := errors.New("refused")
	err := inTx(t, s, func(ctx context.Context, tx meta.Tx) error {
		must(t, tx.InsertAudit(ctx, satchel.AuditEntry{Org: "org-a", Action: "createFile", Count: 1}))
		if got := recorded(t, tx, "org-a", satchel.AuditQuery{}); len(got) != 1 {
			t.Errorf("the transaction sees %+v", got)
		}
		return refused
	})
	if got := recorded(t, s, "org-a", satchel.AuditQuery{}); !errors.Is(err, refused) || len(got) > 0 {
		t.Errorf("recorded is %+v, %v", got, err)
	}
}

func auditOfNobody(t *testing.T, o Opened) {
	org := satchel.Org{ID: "org-a", Name: "acme", CreatedAt: now()}
	must(t, inTx(t, o.Store, func(ctx context.Context, tx meta.Tx) error { return tx.InsertOrg(ctx, org) }))
	record(t, o.Store, satchel.AuditEntry{Org: org.ID, Action: "createFile", Count: 1})
	must(t, inTx(t, o.Store, func(ctx context.Context, tx meta.Tx) error { return tx.DeleteOrg(ctx, org.ID) }))
	if got := recorded(t, o.Store, org.ID, satchel.AuditQuery{}); len(got) != 1 {
		t.Errorf("recorded is %+v", got)
	}
}

func forgetAudit(t *testing.T, o Opened) {
	for _, org := range []satchel.OrgID{"", "org-a", "org-b"} {
		record(t, o.Store, satchel.AuditEntry{Org: org, Action: "1", Count: 1}, satchel.AuditEntry{Org: org, Action: "2", Count: 1})
	}
	oldest := recorded(t, o.Store, "", satchel.AuditQuery{})[1].At()
	newest := recorded(t, o.Store, "org-b", satchel.AuditQuery{})[0].At()
	for _, step := range []struct {
		before     time.Time
		limit      int
		gone, left int
	}{
		{oldest, 100, 0, 6}, {newest.Add(time.Millisecond), 3, 3, 3}, {newest.Add(time.Millisecond), 100, 3, 0}, {newest.Add(time.Hour), 100, 0, 0},
	} {
		gone, err := o.System.ForgetAudit(t.Context(), step.before, step.limit)
		left := 0
		for _, org := range []satchel.OrgID{"", "org-a", "org-b"} {
			left += len(recorded(t, o.Store, org, satchel.AuditQuery{}))
		}
		if err != nil || gone != step.gone || left != step.left {
			t.Errorf("before %s, %d at most: %d are gone, %d left, %v; want %d and %d", step.before, step.limit, gone, left, err, step.gone, step.left)
		}
	}
}
