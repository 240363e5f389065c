package sqlstore

import (
	"context"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/satchel-files/satchel"
	"github.com/satchel-files/satchel/internal/meta"
)

// spy is a querier that notes what runs through it.
type spy struct {
	querier
	seen *[]call
}

// call is a statement with its arguments.
type call struct {
	text string
	args []any
}

func (s spy) note(text string, args []any) { *s.seen = append(*s.seen, call{text, args}) }

func (s spy) exec(ctx context.Context, text string, args ...any) (int64, error) {
	s.note(text, args)
	return s.querier.exec(ctx, text, args...)
}

func (s spy) query(ctx context.Context, text string, args ...any) (rows, error) {
	s.note(text, args)
	return s.querier.query(ctx, text, args...)
}

func (s spy) get(ctx context.Context, dest []any, text string, args ...any) error {
	s.note(text, args)
	return s.querier.get(ctx, dest, text, args...)
}

// spied gives the statements that fn runs, outside of transactions through reads, and in one through tx.
func spied(t *testing.T, s *Store, fn func(ctx context.Context, reads *Store, tx *transaction) error) []call {
	t.Helper()
	var seen []call
	watched := &Store{reader: reader{q: spy{s.q, &seen}}, engine: s.engine, now: s.now, attributes: s.attributes}
	err := s.change(t.Context(), func(ctx context.Context, tx *transaction) error {
		return fn(ctx, watched, &transaction{reader: reader{q: spy{tx.q, &seen}}, store: s, unit: tx.unit, dialect: tx.dialect})
	})
	if err != nil {
		t.Fatal(err)
	}
	return seen
}

// planOf gives SQLite's plan for a statement, a line a step.
func planOf(t *testing.T, s *Store, c call) string {
	t.Helper()
	steps, err := collect(t.Context(), s.q, func(found rows) (detail string, err error) {
		var id, parent, unused int
		err = found.Scan(&id, &parent, &unused, &detail)
		return detail, err
	}, "EXPLAIN QUERY PLAN "+c.text, c.args...)
	if err != nil {
		t.Fatalf("%s: %v", c.text, err)
	}
	return strings.Join(steps, "\n")
}

func planStore(t *testing.T) (*Store, satchel.Scope) {
	t.Helper()
	s := openTest(t, Options{})
	scope := satchel.Scope{Org: "org-1", Workspace: "default", User: "user-1"}
	if err := s.LoadFiles(t.Context(), scope, 300, func(i int) *satchel.File { return testFile(scope, i) }); err != nil {
		t.Fatal(err)
	}
	return s.Store, scope
}

// TestListPlans pins the plan of every kind of list: ids come from an index in the order asked for, and nothing is sorted.
func TestListPlans(t *testing.T) {
	s, scope := planStore(t)
	const (
		page   = `SEARCH f USING INDEX files_page (org_id=? AND workspace_id=? AND id<?)`
		pageUp = `SEARCH f USING INDEX files_page (org_id=? AND workspace_id=? AND id>?)`
		byID   = `SEARCH f USING INDEX files_page (org_id=? AND workspace_id=? AND id=?)`
		ids    = `SEARCH a USING PRIMARY KEY (org_id=? AND workspace_id=? AND path=? AND value=? AND file_id<?)`
		idsUp  = `SEARCH a USING PRIMARY KEY (org_id=? AND workspace_id=? AND path=? AND value=? AND file_id>?)`
		also   = `SEARCH b EXISTS USING PRIMARY KEY (org_id=? AND workspace_id=? AND path=? AND value=? AND file_id=?)`
		count  = "CO-ROUTINE found\n" + ids + "\nSCAN found"
		both   = "MERGE (UNION)\nLEFT\n" + idsUp + "\nRIGHT\n" + idsUp
	)
	even := satchel.Condition{Path: []string{"kind"}, Value: "even"}
	group := satchel.Condition{Path: []string{"group"}, Value: "g0", Text: true}
	number := satchel.Condition{Path: []string{"n"}, Value: "5", Text: true} // a number or a string
	for _, c := range []struct {
		name  string
		query satchel.Query
		want  []string
	}{
		{"first", satchel.Query{}, []string{page}},
		{"oldest first", satchel.Query{Ascending: true}, []string{pageUp}},
		{"middle", satchel.Query{After: "file-x"}, []string{page}},
		{"one condition", satchel.Query{Metadata: []satchel.Condition{even}}, []string{ids, byID}},
		{"file name", satchel.Query{Filename: "5.txt"}, []string{ids, byID}},
		{"two conditions", satchel.Query{Metadata: []satchel.Condition{even, group}}, []string{count, count, ids + "\n" + also, byID}},
		{"number as text", satchel.Query{Ascending: true, Metadata: []satchel.Condition{number}}, []string{both, byID}},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.query.Limit = 100
			seen := spied(t, s, func(ctx context.Context, reads *Store, _ *transaction) error {
				_, err := reads.Files(ctx, scope, c.query, time.Now())
				return err
			})
			var got []string
			for _, c := range seen {
				if plan := planOf(t, s, c); len(got) == 0 || plan != got[len(got)-1] || plan == count {
					got = append(got, plan)
				}
			}
			if strings.Join(got, "\n\n") != strings.Join(c.want, "\n\n") {
				t.Errorf("the plans are\n%s\n\nwant\n%s", strings.Join(got, "\n\n"), strings.Join(c.want, "\n\n"))
			}
		})
	}
}

// TestNoScans runs every other statement of the store, and refuses those whose plan reads a whole table or sorts.
func TestNoScans(t *testing.T) {
	s, scope := planStore(t)
	seen := append(tenantCalls(t, s), fileCalls(t, s, scope)...)
	seen = append(seen, systemCalls(t, s)...)
	// Rows that are listed in the statement itself, one that is always there, and those that were found through an index, are scanned; all files and
	// all open runs are counted.
	harmless := regexp.MustCompile(`SCAN (CONSTANT ROW|\d+-ROW VALUES CLAUSE|found|one)`)
	everything := map[string]bool{countFiles: true, countRuns: true, endLeases: true}
	for _, c := range seen {
		plan := planOf(t, s, c)
		rest := harmless.ReplaceAllString(plan, "")
		if !everything[c.text] && (strings.Contains(rest, "SCAN") || strings.Contains(rest, "TEMP B-TREE")) {
			t.Errorf("%s\nhas the plan\n%s", c.text, plan)
		}
	}
	if len(seen) < 60 {
		t.Errorf("only %d statements were seen", len(seen))
	}
}

func tenantCalls(t *testing.T, s *Store) []call {
	return spied(t, s, func(ctx context.Context, _ *Store, tx *transaction) error {
		token := satchel.Token{ID: "tok-1", Org: "org-1", User: "user-1"}
		_, _ = tx.Org(ctx, "org-1")
		_, _ = tx.Orgs(ctx, satchel.Slice{Limit: 1})
		_, _ = tx.Members(ctx, "org-1", satchel.Slice{Limit: 1})
		_, _ = tx.CountOwners(ctx, "org-1")
		_, _ = tx.Workspace(ctx, "org-1", "default")
		_, _ = tx.Workspaces(ctx, "org-1", "", satchel.Slice{Limit: 1})
		_, _ = tx.Workspaces(ctx, "org-1", "user-1", satchel.Slice{Limit: 1})
		_, _ = tx.WorkspaceUsers(ctx, "org-1", "default", satchel.Slice{Limit: 1})
		_, _ = tx.Member(ctx, "org-1", "user-1")
		_, _, _ = tx.WorkspaceAccess(ctx, "org-1", "default", "user-1")
		_, _ = tx.Place(ctx, satchel.Scope{Org: "org-1", Workspace: "default", User: "user-1"})
		_, _, _ = tx.TokenByHash(ctx, [32]byte{})
		_, _ = tx.OrgByIdentity(ctx, satchel.Identity{Issuer: "i", ID: "x"})
		_, _ = tx.MemberByIdentity(ctx, "org-1", satchel.Identity{Issuer: "i", ID: "x"})
		_, _ = tx.MembersByIdentity(ctx, satchel.Identity{Issuer: "i", ID: "x"}, 2)
		_, _ = tx.Departed(ctx, "org-1", satchel.Identity{Issuer: "i", ID: "x"})
		_, _ = tx.Token(ctx, "tok-1")
		_, _ = tx.Tokens(ctx, "org-1")
		_, _ = tx.Audit(ctx, "org-1", satchel.AuditQuery{User: "user-1", Object: "file-1", Limit: 1})
		_, err := tx.InsertWorkspace(ctx, "org-1", "default", time.Now())
		return firstError(err, tx.InsertAudit(ctx, satchel.AuditEntry{Org: "org-1"}),
			tx.InsertOrg(ctx, satchel.Org{ID: "org-1"}), tx.UpdateOrg(ctx, satchel.Org{ID: "org-1", Name: "acme"}),
			tx.InsertMember(ctx, satchel.Member{Org: "org-1", User: "user-1"}), tx.UpdateMember(ctx, satchel.Member{Org: "org-1", User: "user-1", Name: "ann"}),
			tx.PutWorkspaceAccess(ctx, "org-1", "default", "user-1", satchel.AccessWriter),
			tx.InsertToken(ctx, token), tx.TouchToken(ctx, token.ID, time.Now()), tx.DeleteToken(ctx, "org-1", token.ID),
			tx.UpdateWorkspace(ctx, satchel.Workspace{Org: "org-1", ID: "default"}), tx.DeleteWorkspace(ctx, "org-1", "default"),
			tx.InsertDeparture(ctx, "org-1", satchel.Identity{Issuer: "i", ID: "x"}, time.Now()),
			tx.DeleteDeparture(ctx, "org-1", satchel.Identity{Issuer: "i", ID: "x"}),
			tx.DeleteMember(ctx, "org-1", "user-1"), tx.DeleteOrg(ctx, "org-1"))
	})
}

func fileCalls(t *testing.T, s *Store, scope satchel.Scope) []call {
	return spied(t, s, func(ctx context.Context, _ *Store, tx *transaction) error {
		f := testFile(scope, 1000)
		f.ID = nextID(ctx, tx)
		if err := tx.InsertFile(ctx, scope, f, satchel.Change{}); err != nil {
			return err
		}
		after := *f
		after.Version++
		after.MetadataVersion++
		after.Metadata = satchel.StoredMetadata(`{"group":"other"}`)
		_, _ = tx.IdempotentCreate(ctx, scope, "key")
		swapped := after
		swapped.Version++
		after.Text, swapped.Text = satchel.Blob{ID: "blob-1"}, satchel.Blob{ID: "blob-2"}
		return firstError(
			tx.UpdateFile(ctx, scope, f, &after, satchel.Change{}), tx.UpdateFile(ctx, scope, &after, &swapped, satchel.Change{}),
			runCalls(ctx, tx, scope, f.ID), tx.ReplaceTextPages(ctx, scope, f.ID, make([]satchel.TextPage, 1)),
			tx.InsertIdempotentCreate(ctx, scope, meta.IdempotentCreate{}, time.Now()),
			tx.DeleteFile(ctx, scope, f.ID, time.Now()))
	})
}

// runCalls are the statements about runs, pages and versions.
func runCalls(ctx context.Context, tx *transaction, scope satchel.Scope, file satchel.FileID) error {
	run := &satchel.Run{ID: satchel.NewRunID(time.Now()), Org: scope.Org, Workspace: scope.Workspace, File: file}
	err := firstError(tx.InsertRun(ctx, scope, run), tx.UpdateRun(ctx, scope, run, run))
	_, err1 := tx.Run(ctx, scope, file, run.ID)
	_, err2 := tx.Runs(ctx, scope, file, "", 10)
	_, err3 := tx.OpenRuns(ctx, scope, file, 10)
	_, err4 := tx.TextPages(ctx, scope, file, 0, 10)
	_, err5 := tx.Versions(ctx, scope, file, 0, 10)
	_, _, _ = tx.VersionStates(ctx, scope, file, 1)
	return firstError(err, err1, err2, err3, err4, err5)
}

// TestRunPlans pins the plans of what is asked again and again while files are worked on.
func TestRunPlans(t *testing.T) {
	s, scope := planStore(t)
	seen := spied(t, s, func(ctx context.Context, reads *Store, tx *transaction) error {
		_, err1 := reads.StaleRuns(ctx, time.Now(), 10)
		_, err2 := reads.FailedFiles(ctx, satchel.CodeModelNotConfigured, "", 10)
		_, err3 := reads.CountRuns(ctx)
		return firstError(err1, err2, err3, runCalls(ctx, tx, scope, "file-1"))
	})
	plans := map[string]string{}
	for _, c := range append(seen, call{anyJob, []any{"default"}}, call{endLeases, []any{"x", 0}}) {
		plans[c.text] = planOf(t, s, c)
	}
	for text, want := range map[string]string{
		selectStale:    `SEARCH runs USING INDEX runs_stale (lease_until<?)`,
		selectFailed:   `SEARCH files USING INDEX files_failed (failure_code=? AND id>?)`,
		countRuns:      `SCAN runs USING INDEX runs_open`,
		endLeases:      `SCAN runs USING INDEX runs_open`,
		selectRun:      `SEARCH r USING INDEX sqlite_autoindex_runs_1 (id=?)`,
		selectRuns:     `SEARCH r USING INDEX runs_file (file_id=? AND id<?)`,
		selectOpenRuns: `SEARCH r USING INDEX runs_open (file_id=?)`,
		updateRun:      `SEARCH runs USING INDEX sqlite_autoindex_runs_1 (id=?)`,
		selectPages:    `SEARCH pages USING PRIMARY KEY (org_id=? AND workspace_id=? AND file_id=? AND n>?)`,
		selectVersions: `SEARCH versions USING INDEX sqlite_autoindex_versions_1 (file_id=? AND seq<?)`,
		anyJob:         "SCAN CONSTANT ROW\nSCALAR SUBQUERY 1\nSEARCH river_job USING COVERING INDEX river_job_prioritized_fetching_index (state=? AND queue=?)",
	} {
		if plans[text] != want {
			t.Errorf("%s\nhas the plan\n%s\nwant\n%s", text, plans[text], want)
		}
	}
}

func systemCalls(t *testing.T, s *Store) []call {
	seen := spied(t, s, func(ctx context.Context, reads *Store, _ *transaction) error {
		_, err1 := reads.Expired(ctx, time.Now(), 10)
		_, err2 := reads.CountFiles(ctx)
		_, err3 := reads.Blobs(ctx, "", 10)
		_, err4 := reads.KnownBlobs(ctx, []satchel.BlobID{"x"})
		_, err5 := reads.DoomedBlobs(ctx, 10)
		_, err6 := reads.Mark(ctx, "x")
		_, err7 := reads.StaleRuns(ctx, time.Now(), 10)
		_, err8 := reads.FailedFiles(ctx, satchel.CodeModelNotConfigured, "", 10)
		_, err9 := reads.CountRuns(ctx)
		return firstError(err1, err2, err3, err4, err5, err6, err7, err8, err9, reads.primeIDs(ctx), reads.Ping(ctx))
	})
	seen = append(seen, call{firstAudit, []any{"", "b"}}, call{nextAuditOrg, []any{""}}, call{forgetAudit, []any{"", "b", 1}})
	return append(seen, call{endLeases, []any{"x", 0}}, call{forgetIdempotency, []any{0}}, call{setMark, []any{"a", "b"}}, call{forgetBlobs(), padded([]satchel.BlobID{"x"}, idChunk)})
}

func firstError(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}
