package files_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/satchel-files/satchel"
	"github.com/satchel-files/satchel/internal/files"
	"github.com/satchel-files/satchel/internal/meta"
)

func most(n int64) *int64 { return &n }

// allow sets what the organization may use, and what holds in the workspace.
func (w *world) allow(t *testing.T, org satchel.Quota, settings satchel.WorkspaceSettings) {
	t.Helper()
	err := w.rows.InTx(t.Context(), func(ctx context.Context, tx meta.Tx) error {
		ws, err := tx.Workspace(ctx, w.scope.Org, w.scope.Workspace)
		if err != nil {
			return err
		}
		whole, err := tx.Org(ctx, string(w.scope.Org))
		if err != nil {
			return err
		}
		ws.Settings, whole.Quota = settings, org
		return errors.Join(tx.UpdateOrg(ctx, *whole), tx.UpdateWorkspace(ctx, *ws))
	})
	if err != nil {
		t.Fatal(err)
	}
}

// held gives what living reservations hold in the organization.
func (w *world) held(t *testing.T) satchel.Amount {
	t.Helper()
	with, _, err := w.rows.Used(t.Context(), w.scope, "", w.clock.Now())
	if err != nil {
		t.Fatal(err)
	}
	without, _, err := w.rows.Usage(t.Context(), w.scope.Org, w.clock.Now(), w.clock.Now(), satchel.Slice{Limit: 1})
	if err != nil {
		t.Fatal(err)
	}
	return satchel.Amount{Files: with.Files - without.Files, Bytes: with.Bytes - without.Bytes}
}

// upload sends one file of size bytes, and gives the error of whichever part refused it.
func (w *world) upload(t *testing.T, announced, size int64) error {
	t.Helper()
	upload, err := w.NewUpload(t.Context(), w.scope, announced, "")
	if err != nil {
		return err
	}
	defer func() {
		if err := upload.Discard(t.Context()); err != nil {
			t.Error(err)
		}
	}()
	if err := upload.Add(t.Context(), "a.bin", "", io.LimitReader(zeros{}, size)); err != nil {
		return err
	}
	terms, err := files.Fields{Purpose: "batch"}.Check()
	if err != nil {
		t.Fatal(err)
	}
	_, err = w.Create(t.Context(), w.scope, upload, terms, "")
	return err
}

type zeros struct{}

func (zeros) Read(b []byte) (int, error) {
	clear(b)
	return len(b), nil
}

func TestBytesOfAQuota(t *testing.T) {
	const limit = 3 << 20
	for name, quota := range map[string]func(w *world){
		"organization": func(w *world) { w.allow(t, satchel.Quota{Bytes: most(limit)}, satchel.WorkspaceSettings{}) },
		"workspace": func(w *world) {
			w.allow(t, satchel.Quota{}, satchel.WorkspaceSettings{Quota: satchel.Quota{Bytes: most(limit)}})
		},
	} {
		w := newWorld(t)
		quota(w)
		wantCode(t, w.upload(t, limit+2<<20, 0), satchel.CodeQuotaExceeded) // before a byte is read
		for _, announced := range []int64{-1, limit + 500} {
			wantCode(t, w.upload(t, announced, limit+1), satchel.CodeQuotaExceeded)
			if err := w.upload(t, announced, limit); err != nil {
				t.Errorf("%s: exactly the quota: %v", name, err)
			}
			wantCode(t, w.upload(t, announced, 1), satchel.CodeQuotaExceeded)
			if err := w.upload(t, announced, 0); err != nil && announced < 0 {
				t.Errorf("%s: an empty file: %v", name, err)
			}
			if held := w.held(t); held != (satchel.Amount{}) {
				t.Errorf("%s: %+v are held for nobody", name, held)
			}
			w.deleteAll(t)
			wantCode(t, w.upload(t, announced, 1), satchel.CodeQuotaExceeded) // the bytes are still there
			w.purge(t)
		}
	}
}

func (w *world) deleteAll(t *testing.T) {
	t.Helper()
	page, err := w.List(t.Context(), w.scope, satchel.Query{Limit: 100})
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range page.Files {
		if err := w.Delete(t.Context(), w.scope, string(f.ID)); err != nil {
			t.Fatal(err)
		}
	}
}

// purge does what the sweeper does.
func (w *world) purge(t *testing.T) {
	t.Helper()
	ids, err := w.rows.DoomedBlobs(t.Context(), 1000)
	if err == nil {
		err = w.rows.ForgetBlobs(t.Context(), ids)
	}
	if err != nil {
		t.Fatal(err)
	}
}

func TestFilesOfAQuota(t *testing.T) {
	w := newWorld(t)
	w.allow(t, satchel.Quota{Files: most(2), FileBytes: most(10)}, satchel.WorkspaceSettings{Quota: satchel.Quota{FileBytes: most(20)}})
	wantCode(t, w.upload(t, -1, 11), satchel.CodeQuotaExceeded)
	for range 2 {
		if err := w.upload(t, 5, 10); err != nil {
			t.Fatal(err)
		}
	}
	wantCode(t, w.upload(t, 5, 0), satchel.CodeQuotaExceeded)
	w.deleteAll(t)
	if err := w.upload(t, 5, 10); err != nil {
		t.Errorf("in the place of deleted ones: %v", err)
	}
	upload := w.begin(t, -1)
	defer func() { _ = upload.Discard(t.Context()) }()
	if err := upload.Add(t.Context(), "a", "", strings.NewReader("1")); err != nil {
		t.Fatal(err)
	}
	wantCode(t, upload.Add(t.Context(), "b", "", strings.NewReader("2")), satchel.CodeQuotaExceeded)
}

// TestManyUploadsAtOnce has more uploads than there is room for: those that come through fit, and there is no room for another.
func TestManyUploadsAtOnce(t *testing.T) {
	const each, room, uploads = 1000, 7, 24
	w := newWorld(t)
	w.allow(t, satchel.Quota{Bytes: most(each * room)}, satchel.WorkspaceSettings{Quota: satchel.Quota{Files: most(100)}})
	var all sync.WaitGroup
	var mu sync.Mutex
	made := 0
	for range uploads {
		all.Go(func() {
			err := w.upload(t, each, each)
			mu.Lock()
			defer mu.Unlock()
			switch {
			case err == nil:
				made++
			case satchel.CodeOf(err) != satchel.CodeQuotaExceeded:
				t.Error(err)
			}
		})
	}
	all.Wait()
	for made < room { // those that gave back what they had held left room for others
		if err := w.upload(t, each, each); err != nil {
			t.Fatalf("after %d: %v", made, err)
		}
		made++
	}
	if made != room {
		t.Errorf("%d uploads came through, want %d", made, room)
	}
	wantCode(t, w.upload(t, each, 1), satchel.CodeQuotaExceeded)
}

// TestARoomThatIsHeld has one upload hold what another then does not get, until it is given back or has lapsed.
func TestARoomThatIsHeld(t *testing.T) {
	w := newWorld(t)
	w.allow(t, satchel.Quota{Bytes: most(1000)}, satchel.WorkspaceSettings{})
	first := w.begin(t, 900)
	wantCode(t, w.upload(t, 200, 200), satchel.CodeQuotaExceeded)
	if err := w.upload(t, 100, 100); err != nil {
		t.Errorf("what the first leaves: %v", err)
	}
	if err := first.Discard(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := w.upload(t, 200, 200); err != nil {
		t.Errorf("what the first gave back: %v", err)
	}
	second := w.begin(t, 700)
	w.clock.Advance(16 * time.Minute)
	if err := w.upload(t, 700, 700); err != nil {
		t.Errorf("what has lapsed: %v", err)
	}
	wantCode(t, second.Add(t.Context(), "late", "", strings.NewReader("1")), satchel.CodeQuotaExceeded)
	w.clock.Advance(16 * time.Minute)
	if n, err := w.rows.ForgetReservations(t.Context(), w.clock.Now()); n != 1 || err != nil {
		t.Errorf("%d reservations had lapsed, %v; want 1", n, err)
	}
	if err := second.Discard(t.Context()); err != nil {
		t.Error(err)
	}
}

// TestAnUploadThatTakesLong is slow, but moves: what it holds does not lapse.
func TestAnUploadThatTakesLong(t *testing.T) {
	w := newWorld(t)
	w.allow(t, satchel.Quota{Bytes: most(1000)}, satchel.WorkspaceSettings{})
	upload := w.begin(t, 1000)
	var slow io.Reader = readerFunc(func(b []byte) (int, error) {
		w.clock.Advance(10 * time.Minute)
		return copy(b[:min(len(b), 100)], bytes.Repeat([]byte("x"), 100)), nil
	})
	if err := upload.Add(t.Context(), "slow", "", io.LimitReader(slow, 1000)); err != nil {
		t.Fatal(err)
	}
	if held := w.held(t); held.Bytes != 1000 {
		t.Errorf("%+v are held", held)
	}
	_ = upload.Discard(t.Context())
}

type readerFunc func(b []byte) (int, error)

func (f readerFunc) Read(b []byte) (int, error) { return f(b) }

// TestUploadsOfUnknownLength hold a part of what is left: others find some, too.
func TestUploadsOfUnknownLength(t *testing.T) {
	w := newWorld(t)
	w.allow(t, satchel.Quota{Bytes: most(10_000_000)}, satchel.WorkspaceSettings{})
	for range 10 {
		open := w.begin(t, -1)
		defer func() { _ = open.Discard(t.Context()) }()
	}
	for _, announced := range []int64{90_000, -1} {
		if err := w.upload(t, announced, 90_000); err != nil {
			t.Errorf("beside ten that are open, announced as %d: %v", announced, err)
		}
	}
}

// TestAttemptsOfOneUpload are those under one key: room is held once for them.
func TestAttemptsOfOneUpload(t *testing.T) {
	w := newWorld(t)
	w.allow(t, satchel.Quota{Files: most(1), Bytes: most(100)}, satchel.WorkspaceSettings{})
	var attempts [2]*files.Upload
	for i := range attempts { // the first one hangs
		var err error
		if attempts[i], err = w.NewUpload(t.Context(), w.scope, 100, "key"); err != nil {
			t.Fatal(err)
		}
	}
	if err := attempts[1].Add(t.Context(), "a", "", io.LimitReader(zeros{}, 100)); err != nil {
		t.Fatal(err)
	}
	terms, err := files.Fields{}.Check()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Create(t.Context(), w.scope, attempts[1], terms, "key"); err != nil {
		t.Errorf("while the first attempt hangs: %v", err)
	}
	for _, attempt := range attempts {
		if err := attempt.Discard(t.Context()); err != nil {
			t.Error(err)
		}
	}
	wantCode(t, w.upload(t, 1, 0), satchel.CodeQuotaExceeded)
}

// TestAPlaceThatComesLate is that of a field before the files: what holds there counts from then on.
func TestAPlaceThatComesLate(t *testing.T) {
	w := newWorld(t)
	w.allow(t, satchel.Quota{Bytes: most(100 << 20)}, satchel.WorkspaceSettings{Quota: satchel.Quota{Bytes: most(1000), FileBytes: most(500)}})
	anywhere := w.scope
	anywhere.Workspace = ""
	begin := func(size int64) *files.Upload {
		t.Helper()
		upload, err := w.NewUpload(t.Context(), anywhere, size, "")
		if err != nil {
			t.Fatal(err)
		}
		return upload
	}
	large, small := begin(5<<20), begin(600)
	wantCode(t, large.Place(t.Context(), w.scope.Workspace), satchel.CodeQuotaExceeded)
	if err := small.Place(t.Context(), w.scope.Workspace); err != nil {
		t.Fatal(err)
	}
	wantCode(t, small.Add(t.Context(), "a", "", io.LimitReader(zeros{}, 501)), satchel.CodeQuotaExceeded)
	for _, upload := range []*files.Upload{large, small} {
		if err := upload.Discard(t.Context()); err != nil {
			t.Error(err)
		}
	}
	if held := w.held(t); held != (satchel.Amount{}) {
		t.Errorf("%+v are held for nobody", held)
	}
}

// TestAReplayTakesNoRoom sends an upload again that filled the quota.
func TestAReplayTakesNoRoom(t *testing.T) {
	w := newWorld(t)
	w.allow(t, satchel.Quota{Bytes: most(5)}, satchel.WorkspaceSettings{})
	first, err := w.put(t, "key", "12345", files.Fields{})
	if err != nil {
		t.Fatal(err)
	}
	upload, err := w.NewUpload(t.Context(), w.scope, 5+2<<20, "key")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = upload.Discard(t.Context()) }()
	if err := upload.Add(t.Context(), "a.txt", "", strings.NewReader("12345")); err != nil {
		t.Fatal(err)
	}
	terms, err := files.Fields{}.Check()
	if err != nil {
		t.Fatal(err)
	}
	again, err := w.Create(t.Context(), w.scope, upload, terms, "key")
	if err != nil || again[0].ID != first.ID {
		t.Errorf("%v, %v; want %s", again, err, first.ID)
	}
	_, err = w.NewUpload(t.Context(), w.scope, 5+2<<20, "another key")
	wantCode(t, err, satchel.CodeQuotaExceeded)
}

// TestAWorkspaceFromTheForm is that of an upload whose place is known only when it is created: its quota counts there.
func TestAWorkspaceFromTheForm(t *testing.T) {
	w := newWorld(t)
	w.allow(t, satchel.Quota{}, satchel.WorkspaceSettings{Quota: satchel.Quota{Bytes: most(3)}})
	for size, want := range map[int64]satchel.Code{4: satchel.CodeQuotaExceeded, 3: ""} {
		anywhere := w.scope
		anywhere.Workspace = ""
		upload, err := w.NewUpload(t.Context(), anywhere, size, "")
		if err != nil {
			t.Fatal(err)
		}
		if err := upload.Add(t.Context(), "a", "", io.LimitReader(zeros{}, size)); err != nil {
			t.Fatal(err)
		}
		terms, err := files.Fields{}.Check()
		if err != nil {
			t.Fatal(err)
		}
		_, err = w.Create(t.Context(), w.scope, upload, terms, "")
		if satchel.CodeOf(err) != want {
			t.Errorf("%d bytes: %v, want code %q", size, err, want)
		}
		_ = upload.Discard(t.Context())
	}
}

func TestSettingsOfAWorkspace(t *testing.T) {
	w := newWorld(t)
	w.Service = w.service(true)
	settings := satchel.WorkspaceSettings{Instructions: "Find the author.", Schema: `{"type":"object"}`, Lifetime: time.Hour}
	w.allow(t, satchel.Quota{}, settings)
	plain := w.mustPut(t, "plain", files.Fields{})
	own := w.mustPut(t, "own", files.Fields{Instructions: "Find the date.", Schema: `{"type":"object","properties":{}}`, Expiry: seconds(7200)})
	data := w.mustPut(t, "data", files.Fields{Purpose: "batch"})
	for _, c := range []struct {
		file                 *satchel.File
		instructions, schema string
		lifetime             time.Duration
	}{
		{plain, settings.Instructions, settings.Schema, time.Hour},
		{own, "Find the date.", `{"type":"object","properties":{}}`, 2 * time.Hour},
		{data, "", settings.Schema, time.Hour},
	} {
		if got := c.file.ExpiresAt.Sub(c.file.CreatedAt()); c.file.Instructions != c.instructions || c.file.Schema != c.schema || got != c.lifetime {
			t.Errorf("%q, %q, %s; want %+v", c.file.Instructions, c.file.Schema, got, c)
		}
	}
	settings.NoAI = true
	w.allow(t, satchel.Quota{}, settings)
	if silent := w.mustPut(t, "silent", files.Fields{}); silent.Instructions != "" {
		t.Errorf("%q are to be carried out where AI is off", silent.Instructions)
	}
	_, _, err := w.UpdateMetadata(t.Context(), w.scope, string(plain.ID), files.MetadataUpdate{Instructions: "Find it."})
	wantCode(t, err, satchel.CodeAIDisabled)
	_, _, err = w.Process(t.Context(), w.scope, string(own.ID), files.Request{})
	wantCode(t, err, satchel.CodeAIDisabled)
	none := ""
	if _, _, err = w.Process(t.Context(), w.scope, string(own.ID), files.Request{Instructions: &none}); err != nil {
		t.Errorf("without instructions: %v", err)
	}
}
