package sqlstore

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/satchel-files/satchel"
	"github.com/satchel-files/satchel/internal/meta"
	"github.com/satchel-files/satchel/internal/meta/postgrestest"
)

// newMoveOf prepares to move n files, made by file, to an empty database.
func newMoveOf(t *testing.T, n int, file func(i int) *satchel.File) (*Move, satchel.Scope) {
	t.Helper()
	from, err := OpenSQLite(t.Context(), Options{Path: filepath.Join(t.TempDir(), "satchel.db")})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = from.Close() })
	to, err := OpenPostgres(t.Context(), Options{URL: postgrestest.Fresh(t, CreatePostgres)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = to.Close() })
	now := time.Now()
	org := satchel.Org{ID: satchel.NewOrgID(now), Name: "acme", CreatedAt: now}
	scope := satchel.Scope{Org: org.ID, Workspace: satchel.DefaultWorkspace, User: satchel.NewUserID(now), Access: satchel.AccessWriter}
	if err := from.InTx(t.Context(), func(ctx context.Context, tx meta.Tx) error { return tx.InsertOrg(ctx, org) }); err != nil {
		t.Fatal(err)
	}
	err = from.LoadFiles(t.Context(), scope, n, func(i int) *satchel.File {
		f := file(i)
		f.Org, f.Workspace, f.User, f.UpdatedAt, f.Version = scope.Org, scope.Workspace, scope.User, now, 1
		f.Content.ID = satchel.NewBlobID(now)
		return f
	})
	if err != nil {
		t.Fatal(err)
	}
	return NewMove(from, to), scope
}

func plain(int) *satchel.File {
	return &satchel.File{Filename: "a.txt", Purpose: satchel.PurposeUserData}
}

// TestMoveKnowsAllTables, so that a new one is moved, or is said to stay.
func TestMoveKnowsAllTables(t *testing.T) {
	m, _ := newMoveOf(t, 0, plain)
	tables, err := m.tables(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	const want = "attributes, audit, blobs, departures, files, idempotency, members, orgs, pages, runs, tokens, usage, users, versions, workspace_members, workspaces"
	if got := namesOf(tables); got != want {
		t.Errorf("moved are %s\nwant %s", got, want)
	}
}

func TestMove(t *testing.T) {
	const n = movedRows // with all that belongs to a file several times as many rows
	m, scope := newMoveOf(t, n, func(i int) *satchel.File {
		f := plain(i)
		f.Content.Size = int64(i)
		return f
	})
	if empty, err := m.Empty(t.Context()); err != nil || !empty {
		t.Errorf("empty: %v, %v", empty, err)
	}
	count, err := m.Check(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	// What the source has counted wrong is counted right in the target.
	err = m.from.change(t.Context(), func(ctx context.Context, tx *transaction) error {
		return tx.addOne(ctx, scope.Org, scope.Workspace, satchel.Amount{Files: 7, Bytes: -5})
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	err = m.Move(ctx, map[string]string{"moved": "yes"}, func(int64) { stop() })
	if empty, errEmpty := m.Empty(t.Context()); err == nil || errEmpty != nil || !empty {
		t.Errorf("interrupted among the rows: %v; empty: %v, %v", err, empty, errEmpty)
	}
	var told []int64
	tell := func(rows int64) {
		told = append(told, rows)
		late := satchel.Org{ID: satchel.NewOrgID(time.Now()), Name: fmt.Sprint("late ", rows), CreatedAt: time.Now()} // commands may write beside it
		if err := m.from.InTx(t.Context(), func(ctx context.Context, tx meta.Tx) error { return tx.InsertOrg(ctx, late) }); err != nil {
			t.Error(err)
		}
	}
	if err := m.Move(t.Context(), map[string]string{"moved": "yes"}, tell); err != nil {
		t.Fatal(err)
	}
	var orgs int64
	if err := m.to.q.get(t.Context(), []any{&orgs}, `SELECT COUNT(*) FROM orgs`); err != nil || orgs != 1 {
		t.Errorf("%d organizations, %v; all that is moved is to be of one moment", orgs, err)
	}
	if len(told) < 3 || told[len(told)-1] != count {
		t.Errorf("told was %v of %d rows", told, count)
	}
	files, errFiles := m.to.CountFiles(t.Context())
	wrong, errWrong := m.to.RecountUsage(t.Context(), false)
	mark, errMark := m.to.Mark(t.Context(), "moved")
	if files != n || len(wrong) > 0 || mark != "yes" || errFiles != nil || errWrong != nil || errMark != nil {
		t.Errorf("%d files, miscounted %v, the mark %q; %v, %v, %v", files, wrong, mark, errFiles, errWrong, errMark)
	}
	if err := m.Move(t.Context(), nil, func(int64) {}); err == nil || !strings.Contains(err.Error(), "not empty") {
		t.Errorf("into a database that is not empty: %v", err)
	}
}

// TestMoveNamesWhatDoesNotFit before anything is copied.
func TestMoveNamesWhatDoesNotFit(t *testing.T) {
	m, _ := newMoveOf(t, 30, func(i int) *satchel.File {
		f := plain(i)
		switch {
		case i == 0:
			f.Filename = "a\xffb"
		case i > 1:
			f.Filename = "a\x00b"
		}
		return f
	})
	_, err := m.Check(t.Context())
	for _, want := range []string{"filename of files (id \"file-", "NUL character", "no UTF-8", "and 9 more"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v; it should say %q", err, want)
		}
	}
	if err := m.Move(t.Context(), nil, func(int64) {}); err == nil || !strings.Contains(err.Error(), "filename of files") {
		t.Errorf("moved all the same: %v", err)
	}
}
