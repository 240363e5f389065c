// Package metatest is what every metadata store must do, as tests: the obligations of meta.Store, meta.System and meta.Mark.
// An implementation calls Run from a test of its own.
package metatest

import (
	"context"
	"crypto/sha256"
	"fmt"
	"testing"
	"time"

	"github.com/satchel-files/satchel"
	"github.com/satchel-files/satchel/internal/meta"
)

// Opened is one empty store in all its roles. Whoever opened it closes it when the test ends.
type Opened struct {
	Store  meta.Store
	System meta.System
	Mark   meta.Mark

	// Jobs gives the jobs that were committed, in the order in which they were handed in, and forgets them.
	Jobs func(t *testing.T) []meta.Job
}

// Run runs the suite. open gives an empty store, a new one with every call.
func Run(t *testing.T, open func(t *testing.T) Opened) {
	for _, group := range []struct {
		name string
		test func(t *testing.T, open func(t *testing.T) Opened)
	}{
		{"transactions", testTransactions},
		{"files", testFiles},
		{"runs", testRuns},
		{"versions", testVersions},
		{"text", testText},
		{"isolation", testIsolation},
		{"pages", testPages},
		{"filters", testFilters},
		{"tenants", testTenants},
		{"accounts", testAccounts},
		{"audit", testAudit},
		{"system", testSystem},
	} {
		t.Run(group.name, func(t *testing.T) { group.test(t, open) })
	}
}

// now is when everything in the suite happens.
func now() time.Time { return time.Date(2026, 11, 23, 12, 0, 0, 123456000, time.UTC) }

func scopeOf(org, workspace string) satchel.Scope {
	return satchel.Scope{Org: satchel.OrgID("org-" + org), Workspace: satchel.WorkspaceID(workspace), User: "user-1", Access: satchel.AccessWriter}
}

// newFile gives a file that is not stored yet; name also makes its content.
func newFile(scope satchel.Scope, name, metadata string) *satchel.File {
	m, err := satchel.ParseMetadata([]byte(metadata))
	if err != nil {
		panic(err)
	}
	return &satchel.File{
		Org: scope.Org, Workspace: scope.Workspace, User: scope.User, Filename: name, Purpose: satchel.PurposeUserData,
		Status: satchel.StatusProcessed, Metadata: m, ContentType: "text/plain", UpdatedAt: now(), Version: 1, MetadataVersion: 1,
		Content: satchel.Blob{ID: satchel.NewBlobID(now()), Size: int64(len(name)), SHA256: sha256.Sum256([]byte(name))},
	}
}

func changeOf(f *satchel.File) satchel.Change {
	return satchel.Change{User: f.User, At: now(), Edit: f.Metadata.String(), Replace: true}
}

// insert stores files in one transaction and gives them their ids.
func insert(tb testing.TB, s meta.Store, files ...*satchel.File) {
	tb.Helper()
	must(tb, s.InTx(tb.Context(), func(ctx context.Context, tx meta.Tx) error {
		for _, f := range files {
			f.ID = nextID(ctx, tx)
			scope := satchel.Scope{Org: f.Org, Workspace: f.Workspace, User: f.User}
			if err := tx.InsertFile(ctx, scope, f, changeOf(f)); err != nil {
				return err
			}
		}
		return nil
	}))
}

// several gives n stored files.
func several(tb testing.TB, s meta.Store, scope satchel.Scope, n int) []*satchel.File {
	tb.Helper()
	files := make([]*satchel.File, n)
	for i := range files {
		files[i] = newFile(scope, fmt.Sprintf("%04d.txt", i), fmt.Sprintf(`{"n":%d}`, i))
	}
	insert(tb, s, files...)
	return files
}

// nextID mints an id; one that cannot be had is empty, and the transaction then fails.
func nextID(ctx context.Context, tx meta.Tx) satchel.FileID {
	id, _ := tx.NextFileID(ctx)
	return id
}

func must(tb testing.TB, err error) {
	tb.Helper()
	if err != nil {
		tb.Fatal(err)
	}
}

func wantCode(tb testing.TB, what string, err error, code satchel.Code) {
	tb.Helper()
	if satchel.CodeOf(err) != code {
		tb.Errorf("%s: %v, want code %q", what, err, code)
	}
}

// idsOf gives the ids of files, in their order.
func idsOf(files []*satchel.File) []satchel.FileID {
	ids := make([]satchel.FileID, len(files))
	for i, f := range files {
		ids[i] = f.ID
	}
	return ids
}
