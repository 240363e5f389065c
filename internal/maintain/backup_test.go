package maintain_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/satchel-files/satchel"
	"github.com/satchel-files/satchel/internal/blob"
	"github.com/satchel-files/satchel/internal/maintain"
)

func (w *world) backupTo(dest string) maintain.BackupConfig {
	return maintain.BackupConfig{Snapshot: w.rows, Blobs: w.disk, Stores: stores(), Dest: dest, Version: "1.2.3"}
}

func backup(t testing.TB, w *world) string {
	t.Helper()
	dest := filepath.Join(t.TempDir(), "backup")
	_, err := maintain.Backup(t.Context(), w.backupTo(dest))
	must(t, err)
	return dest
}

func restoreTo(folder, src string) maintain.RestoreConfig {
	return maintain.RestoreConfig{Src: src, Folder: folder, Stores: stores()}
}

// wantFiles checks that a data folder is whole and has these files.
func wantFiles(t testing.TB, folder string, scope satchel.Scope, files ...*satchel.File) {
	t.Helper()
	w := openWorld(t, folder)
	w.wantClean(t)
	for _, file := range files {
		found, err := w.rows.File(t.Context(), scope, file.ID)
		must(t, err)
		if found.Content != file.Content {
			t.Errorf("%s has other content than before", file.ID)
		}
		w.wantContent(t, file)
	}
	n, err := w.rows.CountFiles(t.Context())
	must(t, err)
	if n != int64(len(files)) {
		t.Errorf("%d files, want %d", n, len(files))
	}
}

func TestBackupAndRestore(t *testing.T) {
	w := newWorld(t)
	kept := []*satchel.File{w.upload(t, "one"), w.upload(t, ""), w.upload(t, strings.Repeat("large ", 200_000))}
	gone := w.upload(t, "gone")
	must(t, w.tryDelete(t.Context(), gone))
	dest := filepath.Join(t.TempDir(), "deep", "backup")
	var last maintain.CopyProgress
	cfg := w.backupTo(dest)
	cfg.Progress = func(p maintain.CopyProgress) { last = p }
	report, err := maintain.Backup(t.Context(), cfg)
	must(t, err)
	if report.Blobs != 3 || report.Bytes != 3+1_200_000 || last.Blobs != 3 || last.Bytes != report.Bytes {
		t.Errorf("copied %d objects with %d bytes, progress %+v", report.Blobs, report.Bytes, last)
	}
	manifest, err := os.ReadFile(filepath.Join(dest, "backup.json"))
	must(t, err)
	for _, part := range []string{`"format": 1`, `"version": "1.2.3"`, `"blobs": 3`, `"bytes": 1200003`, `"damaged": 0`} {
		if !strings.Contains(string(manifest), part) {
			t.Errorf("the manifest has no %s: %s", part, manifest)
		}
	}
	folder := filepath.Join(t.TempDir(), "data")
	_, err = maintain.Restore(t.Context(), restoreTo(folder, dest))
	must(t, err)
	unlock, err := maintain.AcquireServer(folder)
	must(t, err)
	defer unlock() //nolint:errcheck // the test is over
	sweep(t, openWorld(t, folder).sweeper(nil))
	wantFiles(t, folder, w.scope, kept...)
	if _, err := maintain.Restore(t.Context(), restoreTo(folder, dest)); err == nil {
		t.Error("restoring into a folder that is in use was not refused")
	}
}

func TestABackupIsADataFolder(t *testing.T) {
	w := newWorld(t)
	file := w.upload(t, "one")
	dest := backup(t, w)
	unlock, err := maintain.AcquireServer(dest)
	must(t, err)
	must(t, unlock())
	wantFiles(t, dest, w.scope, file)
}

func TestBackupWhileFilesComeAndGo(t *testing.T) {
	w := newWorld(t)
	lock := func() (func(), bool) { return maintain.TryLockSweep(w.folder) }
	s := w.sweeper(func(cfg *maintain.SweeperConfig) { cfg.Lock, cfg.Exclusive = lock, true })
	kept := []*satchel.File{w.upload(t, "kept")}
	var stop atomic.Bool
	var clients sync.WaitGroup
	for range 4 {
		clients.Go(func() {
			for i := 0; !stop.Load() || i < 20; i++ {
				file, err := w.tryUpload(t.Context(), "comes and goes")
				if err == nil {
					err = w.tryDelete(t.Context(), file)
				}
				if err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	clients.Go(func() {
		for !stop.Load() {
			if _, err := s.Sweep(t.Context()); err != nil {
				t.Error(err)
				return
			}
		}
	})
	end := func() { stop.Store(true); clients.Wait() }
	defer end()
	dests := make([]string, 3)
	for i := range dests {
		release, err := maintain.BeginBackup(t.Context(), w.folder)
		must(t, err)
		dests[i] = backup(t, w)
		must(t, release())
	}
	end()
	for _, dest := range dests {
		folder := t.TempDir()
		_, err := maintain.Restore(t.Context(), restoreTo(folder, dest))
		must(t, err)
		restored := openWorld(t, folder)
		sweep(t, restored.sweeper(nil)) // the rows that were doomed when the backup was made
		restored.wantClean(t)
		for _, file := range kept {
			restored.wantContent(t, file)
		}
	}
}

func TestBackupInterrupted(t *testing.T) {
	w := newWorld(t)
	doomed, swept := w.upload(t, "copied by the first attempt"), w.upload(t, "and deleted before the second")
	var kept []*satchel.File
	for range 50 {
		kept = append(kept, w.upload(t, "kept"))
	}
	dest := t.TempDir()
	copied := func(file *satchel.File) string {
		return filepath.Join(dest, "blobs", filepath.FromSlash(blob.Key(file.Content.ID)))
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	cfg := w.backupTo(dest)
	cfg.Progress = func(p maintain.CopyProgress) {
		_, noDoomed := os.Stat(copied(doomed))
		_, noSwept := os.Stat(copied(swept))
		if p.Blobs >= 20 && noDoomed == nil && noSwept == nil {
			cancel()
		}
	}
	if _, err := maintain.Backup(ctx, cfg); !errors.Is(err, context.Canceled) {
		t.Fatalf("the interrupted backup gives %v", err)
	}
	must(t, os.RemoveAll(copied(kept[49]))) // where the copy came so far
	must(t, os.MkdirAll(filepath.Dir(copied(kept[49])), 0o700))
	must(t, os.WriteFile(copied(kept[49])+".part", []byte("ke"), 0o600)) // as a crash leaves it
	wantRefusal(t, dest, "unfinished backup")
	if _, err := maintain.Restore(t.Context(), restoreTo(t.TempDir(), dest)); err == nil {
		t.Error("an unfinished backup was restored")
	}
	must(t, w.tryDelete(t.Context(), swept))
	sweep(t, w.sweeper(nil))
	must(t, w.tryDelete(t.Context(), doomed))
	cfg.Progress = nil
	report, err := maintain.Backup(t.Context(), cfg)
	must(t, err)
	if report.Blobs != 50 || report.Reused < 18 {
		t.Errorf("the second attempt has %d objects and took %d over", report.Blobs, report.Reused)
	}
	restored := t.TempDir()
	_, err = maintain.Restore(t.Context(), restoreTo(restored, dest))
	must(t, err)
	sweep(t, openWorld(t, restored).sweeper(nil))
	wantFiles(t, restored, w.scope, kept...)
	if report := fsck(t, openWorld(t, dest), nil); !report.Clean() || report.Objects != 50 {
		t.Errorf("the first attempt left something in the backup: %d objects, %+v", report.Objects, allFindings(report.Findings))
	}
}

func wantRefusal(t testing.TB, folder, reason string) {
	t.Helper()
	if _, err := maintain.AcquireServer(folder); err == nil || !strings.Contains(err.Error(), reason) {
		t.Errorf("a server on %s gets %v", folder, err)
	}
}

func TestBackupOfDamagedFiles(t *testing.T) {
	w := newWorld(t)
	good := w.upload(t, "good")
	planted := plantFaults(t, w)
	dest := t.TempDir()
	report, err := maintain.Backup(t.Context(), w.backupTo(dest))
	if !errors.Is(err, maintain.ErrDamaged) || report == nil {
		t.Fatalf("the backup gives %v", err)
	}
	for _, kind := range []maintain.Fault{maintain.FaultMissing, maintain.FaultSize, maintain.FaultHash} {
		if found := report.Examples(kind); len(found) != 1 || found[0].File != planted[kind] {
			t.Errorf("%s: found %+v", kind, found)
		}
	}
	cfg := restoreTo(t.TempDir(), dest)
	if _, err := maintain.Restore(t.Context(), cfg); !errors.Is(err, maintain.ErrDamaged) {
		t.Errorf("the restore gives %v", err)
	}
	wantRefusal(t, cfg.Folder, "unfinished restore")
	cfg.AcceptDamage = true
	if report, err := maintain.Restore(t.Context(), cfg); !errors.Is(err, maintain.ErrDamaged) || report.Blobs != 1 {
		t.Errorf("the restore that accepts damage gives %v", err)
	}
	openWorld(t, cfg.Folder).wantContent(t, good)
}

func TestRestoreChecksEveryByte(t *testing.T) {
	w := newWorld(t)
	file := w.upload(t, "good")
	dest := backup(t, w)
	path := filepath.Join(dest, "blobs", filepath.FromSlash(blob.Key(file.Content.ID)))
	must(t, os.WriteFile(path, []byte("goof"), 0o600))
	cfg := restoreTo(t.TempDir(), dest)
	report, err := maintain.Restore(t.Context(), cfg)
	if !errors.Is(err, maintain.ErrDamaged) || report.Examples(maintain.FaultHash)[0].File != file.ID {
		t.Fatalf("the restore gives %v", err)
	}
	must(t, os.WriteFile(path, []byte("good"), 0o600)) // a better copy was found
	_, err = maintain.Restore(t.Context(), cfg)
	must(t, err)
	wantFiles(t, cfg.Folder, w.scope, file)
}

func TestRestoreRefuses(t *testing.T) {
	w := newWorld(t)
	w.upload(t, "good")
	for _, test := range []struct {
		name, reason string
		damage       func(t *testing.T, src, folder string)
	}{
		{"a folder with something in it", "not empty", func(t *testing.T, _, folder string) {
			must(t, os.WriteFile(filepath.Join(folder, "thesis.txt"), nil, 0o600))
		}},
		{"a folder that is served", "in use", func(t *testing.T, _, folder string) {
			unlock, err := maintain.AcquireServer(folder)
			must(t, err)
			t.Cleanup(func() { must(t, unlock()) })
		}},
		{"what is no backup", "backup.json", func(t *testing.T, src, _ string) {
			must(t, os.Remove(filepath.Join(src, "backup.json")))
		}},
		{"a backup of the future", "format", func(t *testing.T, src, _ string) {
			must(t, os.WriteFile(filepath.Join(src, "backup.json"), []byte(`{"format": 2}`), 0o600))
		}},
		{"another database", "not the one", func(t *testing.T, src, _ string) {
			later := openWorld(t, src)
			later.scope = w.scope
			later.upload(t, "added later")
			must(t, later.rows.Scrub(t.Context()))
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			src, folder := backup(t, w), t.TempDir()
			test.damage(t, src, folder)
			if _, err := maintain.Restore(t.Context(), restoreTo(folder, src)); err == nil || !strings.Contains(err.Error(), test.reason) {
				t.Errorf("gives %v", err)
			}
			wantGone(t, filepath.Join(folder, "satchel.db"))
		})
	}
}

func TestBackupRefuses(t *testing.T) {
	w := newWorld(t)
	for _, dest := range []string{w.folder, backup(t, w)} {
		before, err := os.Stat(filepath.Join(dest, "satchel.db"))
		must(t, err)
		if _, err := maintain.Backup(t.Context(), w.backupTo(dest)); err == nil || !strings.Contains(err.Error(), "not empty") {
			t.Errorf("a backup to %s gives %v", dest, err)
		}
		after, err := os.Stat(filepath.Join(dest, "satchel.db"))
		must(t, err)
		if !os.SameFile(before, after) || !after.ModTime().Equal(before.ModTime()) {
			t.Error("the database in the folder was touched")
		}
	}
}

func TestBackupToAFullDisk(t *testing.T) {
	w := newWorld(t)
	w.upload(t, "good")
	cfg := w.backupTo(t.TempDir())
	cfg.Stores.Blobs = func(string) (blob.Store, error) { return fullDisk{w.disk}, nil }
	if _, err := maintain.Backup(t.Context(), cfg); !errors.Is(err, blob.ErrNoSpace) {
		t.Errorf("gives %v", err)
	}
	wantRefusal(t, cfg.Dest, "unfinished backup")
	w.wantClean(t)
}

// fullDisk holds nothing and takes nothing.
type fullDisk struct{ blob.Store }

func (fullDisk) Open(context.Context, string) (blob.Object, error) { return nil, blob.ErrNotExist }
func (fullDisk) Delete(context.Context, string) error              { return nil }
func (fullDisk) Create(context.Context, string) (blob.Writer, error) {
	return nil, blob.ErrNoSpace
}
