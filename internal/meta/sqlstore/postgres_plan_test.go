package sqlstore

import (
	"context"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/satchel-files/satchel"
)

// postgresPlanStore is planStore on PostgreSQL, which chooses by what it knows of the rows.
func postgresPlanStore(t *testing.T) (*Postgres, satchel.Scope) {
	t.Helper()
	p := openPostgres(t, Options{})
	scope := satchel.Scope{Org: "org-1", Workspace: "default", User: "user-1"}
	if err := p.LoadFiles(t.Context(), scope, 3000, func(i int) *satchel.File { return testFile(scope, i) }); err != nil {
		t.Fatal(err)
	}
	if _, err := p.pool.Exec(t.Context(), `VACUUM ANALYZE`); err != nil {
		t.Fatal(err)
	}
	return p, scope
}

// postgresPlanOf gives PostgreSQL's plan for a statement, without costs. A table that is scanned although there is an index for it, only because it
// has few rows, shall not hide what would be used with many.
func postgresPlanOf(t *testing.T, p *Postgres, c call) string {
	t.Helper()
	tx, err := p.pool.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = tx.Rollback(t.Context()) }()
	for _, setting := range []string{"enable_seqscan = off", "enable_bitmapscan = off", "plan_cache_mode = force_generic_plan"} {
		if _, err := tx.Exec(t.Context(), "SET LOCAL "+setting); err != nil {
			t.Fatal(err)
		}
	}
	steps, err := collect(t.Context(), &postgresTx{tx: tx}, scanOne[string], "EXPLAIN (COSTS OFF) "+c.text, c.args...)
	if err != nil {
		t.Fatalf("%s: %v", c.text, err)
	}
	return strings.Join(steps, "\n")
}

// TestPostgresListPlans pins the index behind every kind of list: ids come from it in the order asked for, and nothing is sorted but pages.
func TestPostgresListPlans(t *testing.T) {
	p, scope := postgresPlanStore(t)
	even := satchel.Condition{Path: []string{"kind"}, Value: "even"}
	group := satchel.Condition{Path: []string{"group"}, Value: "g0", Text: true}
	for _, c := range []struct {
		name  string
		query satchel.Query
		first string // of the plan that gives the ids
	}{
		{"first", satchel.Query{}, "Index Scan Backward using files_page on files f"},
		{"oldest first", satchel.Query{Ascending: true}, "Index Scan using files_page on files f"},
		{"middle", satchel.Query{After: "file-x"}, "Index Scan Backward using files_page on files f"},
		{"one condition", satchel.Query{Metadata: []satchel.Condition{even}}, "Index Only Scan Backward using attributes_pkey on attributes a"},
		{"file name", satchel.Query{Filename: "5.txt"}, "Index Only Scan Backward using attributes_pkey on attributes a"},
		{"two conditions", satchel.Query{Metadata: []satchel.Condition{even, group}}, "Index Only Scan Backward using attributes_pkey on attributes a"},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.query.Limit = 100
			seen := spied(t, p.Store, func(ctx context.Context, reads *Store, _ *transaction) error {
				_, err := reads.Files(ctx, scope, c.query, time.Now())
				return err
			})
			for _, call := range seen {
				plan := postgresPlanOf(t, p, call)
				want := c.first
				switch {
				case strings.Contains(call.text, "f.id IN ("):
					want = "Index Scan using files_page on files f"
				case strings.HasPrefix(call.text, "SELECT COUNT"):
					want = "using attributes_pkey on attributes a"
				}
				if !strings.Contains(plan, want) || strings.Contains(plan, "Sort") {
					t.Errorf("%s\nhas the plan\n%s", call.text, plan)
				}
			}
		})
	}
}

// TestPostgresNoScans runs every other statement of the store, and refuses those that no index helps.
func TestPostgresNoScans(t *testing.T) {
	p, scope := postgresPlanStore(t)
	seen := append(tenantCalls(t, p.Store), fileCalls(t, p.Store, scope)...)
	seen = append(seen, systemCalls(t, p.Store)...)
	seen = append(seen, call{foldUsage, []any{10}}, call{endLeases, []any{"x", 0}})
	harmless := regexp.MustCompile(`Seq Scan on fresh`)
	everything := map[string]bool{countFiles: true, countRuns: true, endLeases: true}
	for _, c := range seen {
		if everything[c.text] || !regexp.MustCompile(`^(SELECT|INSERT|UPDATE|DELETE|WITH)`).MatchString(c.text) {
			continue
		}
		if plan := harmless.ReplaceAllString(postgresPlanOf(t, p, c), ""); strings.Contains(plan, "Seq Scan") {
			t.Errorf("%s\nhas the plan\n%s", c.text, plan)
		}
	}
	if len(seen) < 60 {
		t.Errorf("only %d statements were seen", len(seen))
	}
}

// TestPostgresRunPlans pins the indexes of what is asked again and again while files are worked on.
func TestPostgresRunPlans(t *testing.T) {
	p, scope := postgresPlanStore(t)
	seen := spied(t, p.Store, func(ctx context.Context, reads *Store, tx *transaction) error {
		_, err1 := reads.StaleRuns(ctx, time.Now(), 10)
		_, err2 := reads.FailedFiles(ctx, satchel.CodeModelNotConfigured, "", 10)
		return firstError(err1, err2, runCalls(ctx, tx, scope, "file-1"))
	})
	for text, want := range map[string]string{
		selectStale: "runs_stale", selectFailed: "files_failed", selectRun: "runs_", selectRuns: "runs_file", selectOpenRuns: "runs_open",
		updateRun: "runs_", selectPages: "pages_pkey", selectVersions: "versions_pkey",
	} {
		found := false
		for _, c := range seen {
			if found = found || c.text == text; c.text != text {
				continue
			}
			plan := postgresPlanOf(t, p, c)
			if !strings.Contains(plan, " using "+want) || strings.Contains(plan, "Sort") {
				t.Errorf("%s\nhas the plan\n%s\nwhich does not use %s", c.text, plan, want)
			}
		}
		if !found {
			t.Errorf("%s was not seen", text)
		}
	}
}
