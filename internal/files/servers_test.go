package files_test

import (
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/satchel-files/satchel"
	"github.com/satchel-files/satchel/internal/blob"
	"github.com/satchel-files/satchel/internal/blob/diskblob"
	"github.com/satchel-files/satchel/internal/files"
	"github.com/satchel-files/satchel/internal/meta/metatest"
	"github.com/satchel-files/satchel/internal/meta/postgrestest"
	"github.com/satchel-files/satchel/internal/meta/sqlstore"
)

// servers gives Services of several processes on one database and one folder.
func servers(t *testing.T, n int) []*world {
	t.Helper()
	all, _ := serversOn(t, n)
	return all
}

// serversOn also gives the URL of the database.
func serversOn(t *testing.T, n int) ([]*world, string) {
	t.Helper()
	disk, err := diskblob.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	url := postgrestest.Fresh(t, sqlstore.CreatePostgres)
	c := metatest.NewClock()
	all := make([]*world, n)
	for i := range all {
		rows, err := sqlstore.OpenPostgres(t.Context(), sqlstore.Options{URL: url, Now: c.Now})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = rows.Close() })
		all[i] = &world{rows: rows.Store, disk: disk, clock: c}
		if i == 0 {
			all[i].scope = metatest.Tenant(t, rows)
		}
		all[i].scope = all[0].scope
		all[i].Service = all[i].service(true)
	}
	return all, url
}

// atOnce calls do n times on every server, all at once.
func atOnce(all []*world, n int, do func(w *world, i int)) {
	var group sync.WaitGroup
	for _, w := range all {
		for i := range n {
			group.Go(func() { do(w, i) })
		}
	}
	group.Wait()
}

// Uploads through two servers never exceed a quota together, and use all of it.
func TestAQuotaHoldsOverServers(t *testing.T) {
	all := servers(t, 2)
	const room = 7
	all[0].allow(t, satchel.Quota{Files: most(room)}, satchel.WorkspaceSettings{Quota: satchel.Quota{Bytes: most(room * 1000)}})
	var made atomic.Int64
	atOnce(all, 10, func(w *world, _ int) {
		switch err := w.upload(t, 1000, 1000); satchel.CodeOf(err) {
		case "":
			made.Add(1)
		case satchel.CodeQuotaExceeded:
		default:
			t.Error(err)
		}
	})
	for made.Load() < room { // those that were refused while others held room try again
		if err := all[1].upload(t, 1000, 1000); err != nil {
			t.Fatalf("after %d files: %v", made.Load(), err)
		}
		made.Add(1)
	}
	wantCode(t, all[0].upload(t, 1000, 1000), satchel.CodeQuotaExceeded)
	if held := all[0].held(t); held != (satchel.Amount{}) {
		t.Errorf("%+v are still held", held)
	}
	if wrong, err := all[1].rows.RecountUsage(t.Context(), false); err != nil || len(wrong) > 0 || made.Load() != room {
		t.Errorf("%d files were made, want %d; counted wrong: %+v, %v", made.Load(), room, wrong, err)
	}
}

// Retries of one upload on two servers at once make one file, and get it as the answer.
func TestAnIdempotencyKeyMakesOneFileOverServers(t *testing.T) {
	all := servers(t, 2)
	for round := range 5 {
		var ids sync.Map
		atOnce(all, 5, func(w *world, _ int) {
			file, err := w.put(t, fmt.Sprintf("key-%d", round), "content", files.Fields{})
			if err != nil {
				t.Error(err)
				return
			}
			ids.Store(file.ID, true)
		})
		n := 0
		ids.Range(func(any, any) bool { n++; return true })
		if n != 1 {
			t.Errorf("the key made %d files", n)
		}
	}
}

// Of workers that claim one run at once, one gets it.
func TestARunIsClaimedOnceOverServers(t *testing.T) {
	all := servers(t, 2)
	for range 5 {
		file := all[0].mustPut(t, "content", files.Fields{Purpose: "user_data"})
		var got atomic.Int64
		atOnce(all, 5, func(w *world, _ int) {
			if w.tryClaim(t, file.ID) != nil {
				got.Add(1)
			}
		})
		if got.Load() != 1 {
			t.Errorf("%d workers have the run", got.Load())
		}
	}
}

// Changes of one file through two servers all count, one after the other.
func TestNoChangeIsLostOverServers(t *testing.T) {
	all := servers(t, 2)
	file := all[0].mustPut(t, "content", files.Fields{Purpose: "batch"})
	const each = 8
	atOnce(all, each, func(w *world, i int) {
		patch := patchOf(t, fmt.Sprintf(`{"%p_%d": true}`, w, i))
		if _, _, err := w.UpdateMetadata(t.Context(), w.scope, string(file.ID), files.MetadataUpdate{Patch: patch}); err != nil {
			t.Error(err)
		}
	})
	got := all[1].file(t, file.ID)
	if keys := strings.Join(got.Metadata.Keys(), " "); got.MetadataVersion != 1+2*each || len(got.Metadata.Keys()) != 2*each {
		t.Errorf("version %d with the keys %s", got.MetadataVersion, keys)
	}
}

// An upload that took so long that another server may take its bytes for left over makes no file.
func TestAnUploadMayTakeOnlySoLong(t *testing.T) {
	w := newWorld(t)
	w.Service = files.New(files.Config{Store: w.rows, Vault: blob.NewVault(w.disk, blob.Options{}), Now: func() time.Time { return time.Now().Add(2 * time.Hour) }, MaxUpload: time.Hour})
	wantCode(t, w.upload(t, 10, 10), satchel.CodeRequestTimeout)
	w.Service = files.New(files.Config{Store: w.rows, Vault: blob.NewVault(w.disk, blob.Options{}), MaxUpload: time.Hour})
	if err := w.upload(t, 10, 10); err != nil {
		t.Error(err)
	}
}

// A file that two delete is deleted once.
func TestAFileIsDeletedOnceOverServers(t *testing.T) {
	all := servers(t, 2)
	file := all[0].mustPut(t, "content", files.Fields{Purpose: "batch"})
	var gone atomic.Int64
	atOnce(all, 4, func(w *world, _ int) {
		switch err := w.Delete(t.Context(), w.scope, string(file.ID)); satchel.CodeOf(err) {
		case "":
			gone.Add(1)
		case satchel.CodeNotFound:
		default:
			t.Error(err)
		}
	})
	if wrong, err := all[0].rows.RecountUsage(t.Context(), false); gone.Load() != 1 || err != nil || len(wrong) > 0 {
		t.Errorf("deleted %d times; counted wrong: %+v, %v", gone.Load(), wrong, err)
	}
}

// While connections are cut again and again, clients that send an upload again under its key until it is taken end with one file for each.
func TestUploadsWhileConnectionsAreCut(t *testing.T) {
	all, url := serversOn(t, 2)
	taken := make(chan struct{}, 1) // since connections were last cut: however slow the machine is, they do not always come too soon
	stop, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		for {
			<-time.After(30 * time.Millisecond)
			select {
			case <-stop:
				return
			case <-taken:
				postgrestest.Exec(t, url, `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()`)
			}
		}
	}()
	const each = 20
	var made sync.Map
	atOnce(all, 4, func(w *world, i int) {
		for n := range each {
			key := fmt.Sprintf("%p-%d-%d", w, i, n)
			made.Store(w.putUntilTaken(t, key), key)
			select {
			case taken <- struct{}{}:
			default:
			}
		}
	})
	close(stop)
	<-stopped
	n := 0
	made.Range(func(id, _ any) bool {
		all[0].file(t, id.(satchel.FileID))
		n++
		return true
	})
	count, err := all[0].rows.CountFiles(t.Context())
	wrong, errCount := all[0].rows.RecountUsage(t.Context(), false)
	if want := 2 * 4 * each; err != nil || errCount != nil || n != want || int(count) != want || len(wrong) > 0 {
		t.Errorf("%d files are known to clients and %d are there, want %d; counted wrong: %+v; %v, %v", n, count, want, wrong, err, errCount)
	}
}

// putUntilTaken is a client that tries again when it is told that it may.
func (w *world) putUntilTaken(t *testing.T, key string) satchel.FileID {
	for range 200 {
		file, err := w.attempt(t, key)
		if err == nil {
			return file.ID
		}
		if satchel.CodeOf(err) != satchel.CodeUnavailable {
			t.Error(err)
			return ""
		}
	}
	t.Errorf("the upload under the key %s was not taken", key)
	return ""
}

// attempt is one upload under a key; any part of it may fail.
func (w *world) attempt(t *testing.T, key string) (*satchel.File, error) {
	upload, err := w.NewUpload(t.Context(), w.scope, int64(len(key)), key)
	if err != nil {
		return nil, err
	}
	defer func() { _ = upload.Discard(t.Context()) }()
	if err := upload.Add(t.Context(), "a.txt", "", strings.NewReader(key)); err != nil {
		return nil, err
	}
	terms, err := files.Fields{Purpose: "batch"}.Check()
	if err != nil {
		return nil, err
	}
	made, err := w.Create(t.Context(), w.scope, upload, terms, key)
	if err != nil {
		return nil, err
	}
	return made[0], nil
}
