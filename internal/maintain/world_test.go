package maintain_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/satchel-files/satchel"
	"github.com/satchel-files/satchel/internal/blob"
	"github.com/satchel-files/satchel/internal/blob/diskblob"
	"github.com/satchel-files/satchel/internal/maintain"
	"github.com/satchel-files/satchel/internal/meta"
	"github.com/satchel-files/satchel/internal/meta/sqlstore"
)

// world is a data folder with both stores open, and a tenant in it.
type world struct {
	folder string
	rows   *sqlstore.SQLite
	disk   *diskblob.Store
	vault  *blob.Vault
	scope  satchel.Scope
}

func newWorld(t testing.TB) *world {
	t.Helper()
	w := openWorld(t, t.TempDir())
	now := time.Now()
	org := satchel.Org{ID: satchel.NewOrgID(now), Name: "acme", CreatedAt: now}
	user := satchel.Member{Org: org.ID, User: satchel.NewUserID(now), Name: "ada", CreatedAt: now}
	w.scope = satchel.Scope{Org: org.ID, Workspace: satchel.DefaultWorkspace, User: user.User, Access: satchel.AccessWriter}
	must(t, w.rows.InTx(t.Context(), func(ctx context.Context, tx meta.Tx) error {
		_, err := tx.InsertWorkspace(ctx, org.ID, w.scope.Workspace, now)
		return errors.Join(tx.InsertOrg(ctx, org), tx.InsertMember(ctx, user), err)
	}))
	return w
}

// openWorld opens a data folder that has a tenant already, or gets one from the caller.
func openWorld(t testing.TB, folder string) *world {
	t.Helper()
	disk, err := diskblob.Open(filepath.Join(folder, "blobs"))
	must(t, err)
	rows, err := sqlstore.OpenSQLite(t.Context(), sqlstore.Options{Path: filepath.Join(folder, "satchel.db"), Logger: slog.New(slog.DiscardHandler)})
	must(t, err)
	t.Cleanup(func() {
		if err := rows.Close(); err != nil {
			t.Error(err)
		}
	})
	return &world{folder: folder, rows: rows, disk: disk, vault: blob.NewVault(disk, blob.Options{})}
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// tryUpload does what an upload does, in its order.
func (w *world) tryUpload(ctx context.Context, content string) (file *satchel.File, err error) {
	staged, err := w.vault.Stage(ctx, strings.NewReader(content))
	if err != nil {
		return nil, err
	}
	if err := staged.Commit(ctx); err != nil {
		return nil, err
	}
	err = w.rows.InTx(ctx, func(ctx context.Context, tx meta.Tx) error {
		file = w.row(staged.Blob)
		var err error
		if file.ID, err = tx.NextFileID(ctx); err != nil {
			return err
		}
		file.UpdatedAt = file.CreatedAt()
		return tx.InsertFile(ctx, w.scope, file, satchel.Change{User: w.scope.User, At: file.UpdatedAt, Edit: "{}", Replace: true})
	})
	if err != nil {
		return nil, errors.Join(err, staged.Discard(ctx))
	}
	staged.Release()
	return file, nil
}

func (w *world) row(content satchel.Blob) *satchel.File {
	return &satchel.File{
		Org: w.scope.Org, Workspace: w.scope.Workspace, User: w.scope.User, Filename: "note.txt", Purpose: satchel.PurposeUserData,
		Status: satchel.StatusProcessed, ContentType: "text/plain", Content: content, Version: 1, MetadataVersion: 1,
	}
}

// load makes the rows of n files, whose bytes are missing.
func (w *world) load(t testing.TB, n int) []*satchel.File {
	t.Helper()
	files := make([]*satchel.File, n)
	must(t, w.rows.LoadFiles(t.Context(), w.scope, n, func(i int) *satchel.File {
		files[i] = w.row(satchel.Blob{ID: satchel.NewBlobID(time.Now()), Size: 1})
		return files[i]
	}))
	return files
}

func (w *world) upload(t testing.TB, content string) *satchel.File {
	t.Helper()
	file, err := w.tryUpload(t.Context(), content)
	must(t, err)
	return file
}

func (w *world) tryDelete(ctx context.Context, file *satchel.File) error {
	return w.rows.InTx(ctx, func(ctx context.Context, tx meta.Tx) error {
		return tx.DeleteFile(ctx, w.scope, file.ID, time.Now())
	})
}

// put stores an object without a row, as old as its id says and as its modification time says.
func (w *world) put(t testing.TB, started, modified time.Time, content string) satchel.BlobID {
	t.Helper()
	id := satchel.NewBlobID(started)
	writer, err := w.disk.Create(t.Context(), blob.Key(id))
	must(t, err)
	_, err = writer.Write([]byte(content))
	must(t, err)
	must(t, writer.Commit(t.Context()))
	must(t, os.Chtimes(w.path(id), modified, modified))
	return id
}

// putPartial leaves an object as a crash in the middle of an upload does.
func (w *world) putPartial(t testing.TB, started, modified time.Time) satchel.BlobID {
	t.Helper()
	id := satchel.NewBlobID(started)
	writer, err := w.disk.Create(t.Context(), blob.Key(id))
	must(t, err)
	_, err = writer.Write([]byte("half of someth"))
	must(t, err)
	t.Cleanup(func() { _ = writer.Abort() }) // it may be swept by then
	must(t, os.Chtimes(w.path(id)+".part", modified, modified))
	return id
}

func (w *world) path(id satchel.BlobID) string {
	return filepath.Join(w.folder, "blobs", filepath.FromSlash(blob.Key(id)))
}

// names gives the ids of everything in the store, finished or not.
func (w *world) names(t testing.TB) map[satchel.BlobID]bool {
	t.Helper()
	names := map[satchel.BlobID]bool{}
	must(t, w.disk.List(t.Context(), "", func(e blob.Entry) error {
		id, _ := blob.ID(e.Key)
		names[id] = true
		return nil
	}))
	return names
}

// wantContent checks that the file's bytes are those that its row promises.
func (w *world) wantContent(t testing.TB, file *satchel.File) {
	t.Helper()
	object, err := w.disk.Open(t.Context(), blob.Key(file.Content.ID))
	must(t, err)
	defer object.Close()
	content, err := io.ReadAll(object)
	must(t, err)
	if sum := sha256.Sum256(content); int64(len(content)) != file.Content.Size || !bytes.Equal(sum[:], file.Content.SHA256[:]) {
		t.Errorf("the bytes of %s are not those that were uploaded", file.ID)
	}
}

func (w *world) wantClean(t testing.TB) {
	t.Helper()
	report, err := maintain.Fsck(t.Context(), maintain.FsckConfig{Blobs: w.disk, Register: w.rows, Deep: true})
	must(t, err)
	if !report.Clean() || report.Doomed > 0 {
		t.Errorf("%d doomed rows and faults: %v", report.Doomed, allFindings(report.Findings))
	}
}

func allFindings(found *maintain.Findings) (all []maintain.Finding) {
	for _, kind := range maintain.Faults() {
		all = append(all, found.Examples(kind)...)
	}
	return all
}

func (w *world) sweeper(change func(*maintain.SweeperConfig)) *maintain.Sweeper {
	cfg := maintain.SweeperConfig{Store: w.rows, Blobs: w.disk, InUse: w.vault.InUse}
	if change != nil {
		change(&cfg)
	}
	return maintain.NewSweeper(cfg)
}

func sweep(t testing.TB, s *maintain.Sweeper) maintain.SweepResult {
	t.Helper()
	r, err := s.Sweep(t.Context())
	must(t, err)
	return r
}

// stores opens copies the way the program does.
func stores() maintain.Stores {
	return maintain.Stores{
		Register: func(ctx context.Context, path string) (maintain.CopiedRows, func() error, error) {
			rows, err := sqlstore.OpenSQLite(ctx, sqlstore.Options{Path: path, Logger: slog.New(slog.DiscardHandler)})
			if err != nil {
				return nil, nil, err
			}
			return rows, rows.Close, nil
		},
		Blobs: func(folder string) (blob.Store, error) { return diskblob.Open(folder) },
	}
}

// faulty is a store on a broken disk.
type faulty struct {
	*diskblob.Store
	deleteErr func(key string) error
	listed    func(prefix string)
	opened    func(key string)
}

func (f *faulty) Delete(ctx context.Context, key string) error {
	if f.deleteErr != nil {
		if err := f.deleteErr(key); err != nil {
			return err
		}
	}
	return f.Store.Delete(ctx, key)
}

func (f *faulty) List(ctx context.Context, prefix string, visit func(blob.Entry) error) error {
	if f.listed != nil {
		f.listed(prefix)
	}
	return f.Store.List(ctx, prefix, visit)
}

func (f *faulty) Open(ctx context.Context, key string) (blob.Object, error) {
	if f.opened != nil {
		f.opened(key)
	}
	return f.Store.Open(ctx, key)
}
