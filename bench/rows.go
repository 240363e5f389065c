//go:build linux

package main

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/satchel-files/satchel"
	"github.com/satchel-files/satchel/internal/meta/sqlstore"

	_ "modernc.org/sqlite"
)

// groups gives in how many groups of equal size n rows fall: a group has 100.
func groups(n int) int { return max(1, n/100) }

// Filters of which it is known how many rows match.
const (
	rareFilter   = `{"group":"g2"}`
	bothFilter   = `{"half":"even","group":"g2"}`
	hollowFilter = `{"half":"even","other":"odd"}` // each matches half of the rows, no row matches both
)

// filled gives the data folder of a Satchel with n files that have rows but no bytes. It is made once in a run. A large one is kept
// for later runs, as long as neither the store nor what is loaded changes: a million rows take minutes.
func (b *bench) filled(ctx context.Context, n int) (string, error) {
	name := fmt.Sprintf("rows-%d", n)
	if data := b.made[name]; data != "" {
		return data, nil
	}
	data, err := b.folder(name)
	if err != nil {
		return "", err
	}
	hash, err := b.sourceHash("internal/meta/sqlstore", "bench/rows.go")
	if err != nil {
		return "", err
	}
	kept := filepath.Join(b.cache, name+"-"+hash)
	if _, err := os.Stat(kept); err != nil {
		b.removeOld(name + "-*")
		if err := b.fill(ctx, kept, n); err != nil {
			return "", err
		}
	}
	b.made[name] = data
	return data, os.CopyFS(data, os.DirFS(kept))
}

// removeOld removes what was kept for other versions.
func (b *bench) removeOld(pattern string) {
	old, _ := filepath.Glob(filepath.Join(b.cache, pattern))
	for _, dir := range old {
		_ = os.RemoveAll(dir)
	}
}

// fill makes a data folder with n files.
func (b *bench) fill(ctx context.Context, target string, n int) error {
	s, err := b.satchel("")
	if err != nil {
		return err
	}
	scope, err := s.settle(ctx)
	if err != nil {
		return err
	}
	b.say("loading %s rows through the store", people(n))
	begin := time.Now()
	if err := load(ctx, filepath.Join(s.data, "satchel.db"), scope, n-1); err != nil {
		return fmt.Errorf("load rows: %w", err)
	}
	b.say("loaded %s rows in %s", people(n), time.Since(begin).Round(time.Millisecond))
	return os.Rename(s.data, target)
}

// sourceHash gives a short hash of files, and of all files in folders, of the repository.
func (b *bench) sourceHash(names ...string) (string, error) {
	hash := sha256.New()
	for _, name := range names {
		err := filepath.WalkDir(filepath.Join(b.root, name), func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() || strings.HasSuffix(path, "_test.go") {
				return err
			}
			data, err := os.ReadFile(path)
			hash.Write(data)
			return err
		})
		if err != nil {
			return "", err
		}
	}
	return hex.EncodeToString(hash.Sum(nil))[:12], nil
}

// settle makes a new data folder with one file in it and gives the scope of its owner.
func (s *satchelServer) settle(ctx context.Context) (satchel.Scope, error) {
	if err := s.start(ctx); err != nil {
		return satchel.Scope{}, err
	}
	defer s.stop()
	body, err := s.b.call(s, s.uploadAsData(s.b.small))
	if err != nil {
		return satchel.Scope{}, err
	}
	org, err1 := field(body, "org_id")
	user, err2 := field(body, "user_id")
	return satchel.Scope{
		Org: satchel.OrgID(org), Workspace: satchel.DefaultWorkspace, User: satchel.UserID(user), Access: satchel.AccessWriter,
	}, errors.Join(err1, err2)
}

// load inserts n rows.
func load(ctx context.Context, path string, scope satchel.Scope, n int) (err error) {
	store, err := sqlstore.OpenSQLite(ctx, sqlstore.Options{Path: path, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, store.Close()) }()
	return store.LoadFiles(ctx, scope, n, func(i int) *satchel.File { return row(scope, i, groups(n+1)) })
}

// row gives file i of a store, as if it had been uploaded.
func row(scope satchel.Scope, i, groups int) *satchel.File {
	now := time.Now()
	return &satchel.File{
		Org: scope.Org, Workspace: scope.Workspace, User: scope.User,
		Filename: fmt.Sprintf("document-%d.pdf", i), Purpose: satchel.PurposeUserData, Status: satchel.StatusProcessed,
		Metadata: satchel.StoredMetadata(describe(i, groups)), ContentType: "application/pdf", Version: 1, UpdatedAt: now,
		Content: satchel.Blob{
			ID: satchel.NewBlobID(now), Size: 4096, SHA256: sha256.Sum256(binary.BigEndian.AppendUint64(nil, uint64(i))),
		},
	}
}

// describe gives the metadata of row i, which falls in one of so many groups, in canonical form.
func describe(i, groups int) string {
	half := []string{"even", "odd"}[i%2]
	return fmt.Sprintf(`{"author":"author-%d","group":"g%d","half":%q,"other":%q,"year":%d}`,
		i%1000, i%groups, half, half, 1900+i%125)
}

// fill inserts n records without bytes into PocketBase's own table, while it is stopped.
func (s *pocketbase) fill(n int) (err error) {
	db, err := sql.Open("sqlite", "file:"+filepath.Join(s.data(), "data.db"))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	_, err = db.Exec(`WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i+1 FROM n WHERE i+1 < ?)
		INSERT INTO files (id, content, purpose, metadata, created)
		SELECT printf('r%014d', i), 'document-' || i || '.pdf', 'user_data',
			json_object('author', 'author-' || (i%1000), 'group', 'g' || (i%10000), 'half', iif(i%2, 'odd', 'even'),
				'other', iif(i%2, 'odd', 'even'), 'year', 1900+i%125),
			strftime('%Y-%m-%d %H:%M:%fZ', 1700000000+i, 'unixepoch') FROM n`, n)
	return err
}

// record gives one of the records that fill made.
func (s *pocketbase) record(i int) stored {
	return stored{info: fmt.Sprintf("%s/r%014d", pocketRecords, i)}
}

// beginFilled starts a PocketBase with n records.
func (b *bench) beginFilled(ctx context.Context, n int) (*pocketbase, error) {
	s, err := b.pocketbase()
	if err != nil {
		return nil, err
	}
	if err := s.start(ctx); err != nil {
		return nil, err
	}
	s.stop()
	if err := s.fill(n); err != nil {
		return nil, err
	}
	return s, b.begin(ctx, s)
}
