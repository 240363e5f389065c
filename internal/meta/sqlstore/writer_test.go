package sqlstore

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"runtime"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/satchel-files/satchel"
	"github.com/satchel-files/satchel/internal/meta"
)

func testScope() satchel.Scope {
	return satchel.Scope{Org: "org-1", Workspace: "default", User: "user-1", Access: satchel.AccessWriter}
}

// insertOne gives a transaction's function that stores the i-th file and leaves its id in id.
func insertOne(i int, id *satchel.FileID) func(context.Context, meta.Tx) error {
	return func(ctx context.Context, tx meta.Tx) error {
		f := testFile(testScope(), i)
		f.ID = nextID(ctx, tx)
		*id = f.ID
		return tx.InsertFile(ctx, testScope(), f, satchel.Change{User: f.User, At: f.UpdatedAt})
	}
}

func wantStored(t *testing.T, s *SQLite, id satchel.FileID, want bool) {
	t.Helper()
	_, err := s.File(t.Context(), testScope(), id)
	if stored := err == nil; stored != want || !stored && satchel.CodeOf(err) != satchel.CodeNotFound {
		t.Errorf("file %s is stored: %v (%v), want %v", id, stored, err, want)
	}
}

// together runs functions as transactions of one batch, in their order, and gives their errors.
func together(t *testing.T, s *SQLite, fns ...func(context.Context, meta.Tx) error) []error {
	t.Helper()
	running, release := make(chan struct{}), make(chan struct{})
	var all sync.WaitGroup
	all.Go(func() {
		_ = s.InTx(t.Context(), func(context.Context, meta.Tx) error {
			close(running)
			<-release
			return errors.New("only to hold the others up")
		})
	})
	<-running
	errs := make([]error, len(fns))
	for i, fn := range fns {
		queued := len(s.writer.queue)
		all.Go(func() { errs[i] = s.InTx(t.Context(), fn) })
		for len(s.writer.queue) == queued {
			runtime.Gosched()
		}
	}
	close(release)
	all.Wait()
	return errs
}

func TestManyShareOneCommit(t *testing.T) {
	var batches []int
	s := openTest(t, Options{OnCommit: func(n int) { batches = append(batches, n) }})
	var ids [50]satchel.FileID
	var fns []func(context.Context, meta.Tx) error
	for i := range ids {
		fns = append(fns, insertOne(i, &ids[i]))
	}
	for _, err := range together(t, s, fns...) {
		if err != nil {
			t.Error(err)
		}
	}
	sum := 0
	for _, n := range batches {
		sum += n
	}
	if sum != len(ids) || len(batches) > 10 {
		t.Errorf("%d transactions in the commits %v, want few for %d", sum, batches, len(ids))
	}
	for _, id := range ids {
		wantStored(t, s, id, true)
	}
}

// TestFullDiskInAStatement lets one of three transactions run into the end of the space, which undoes all of them in SQLite.
func TestFullDiskInAStatement(t *testing.T) {
	s := openTest(t, Options{})
	var pages int
	if err := s.file.write.QueryRow("PRAGMA page_count").Scan(&pages); err != nil {
		t.Fatal(err)
	}
	if _, err := s.file.write.Exec(fmt.Sprintf("PRAGMA max_page_count = %d", pages+20)); err != nil {
		t.Fatal(err)
	}
	var before, greedy, late, after satchel.FileID
	errs := together(t, s,
		insertOne(0, &before),
		func(ctx context.Context, tx meta.Tx) error {
			for i, full := 1, false; !full && i < 10_000; i++ {
				full = insertOne(i, &greedy)(ctx, tx) != nil
			}
			_ = insertOne(10_000, &late)(ctx, tx) // must not be committed on its own
			return nil                            // hides the failure
		},
		insertOne(10_001, &after),
	)
	for i, err := range errs[:2] {
		if !errors.Is(err, meta.ErrNoSpace) || errors.Is(err, meta.ErrUncertain) {
			t.Errorf("transaction %d: %v, want ErrNoSpace", i, err)
		}
	}
	for _, id := range []satchel.FileID{before, greedy, late} {
		wantStored(t, s, id, false)
	}
	wantStored(t, s, after, errs[2] == nil)
	if err := s.InTx(t.Context(), insertOne(10_002, &after)); err != nil {
		t.Errorf("once there is room again: %v", err)
	}
	if count, err := s.CountFiles(t.Context()); err != nil || count > 2 {
		t.Errorf("%d files are stored, %v", count, err)
	}
}

// failWrites makes every write that lets a file grow beyond limit bytes fail while fn runs.
func failWrites(t *testing.T, limit uint64, fn func()) {
	t.Helper()
	signal.Ignore(syscall.SIGXFSZ)
	var old syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_FSIZE, &old); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &syscall.Rlimit{Cur: limit, Max: old.Max}); err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &old); err != nil {
			t.Fatal(err)
		}
	}()
	fn()
}

// TestFailedCommit lets the write of the log fail, of which SQLite learns in COMMIT.
func TestFailedCommit(t *testing.T) {
	s := openTest(t, Options{})
	var first, second, third, fourth satchel.FileID
	if err := s.InTx(t.Context(), insertOne(0, &first)); err != nil {
		t.Fatal(err)
	}
	log, err := os.Stat(s.file.path + "-wal")
	if err != nil {
		t.Fatal(err)
	}
	own := errors.New("no")
	var errs []error
	failWrites(t, uint64(log.Size()), func() {
		errs = together(t, s, insertOne(1, &second), func(ctx context.Context, tx meta.Tx) error {
			_ = insertOne(2, &third)(ctx, tx)
			return own
		}, insertOne(3, &third))
	})
	for _, i := range []int{0, 2} {
		if !errors.Is(errs[i], meta.ErrUncertain) {
			t.Errorf("transaction %d: %v, want ErrUncertain", i, errs[i])
		}
	}
	if errors.Is(errs[1], meta.ErrUncertain) || !errors.Is(errs[1], own) || satchel.CodeOf(errs[1]) != satchel.CodeUnavailable {
		t.Errorf("the transaction that failed by itself: %v", errs[1])
	}
	if err := s.InTx(t.Context(), insertOne(4, &fourth)); err != nil {
		t.Fatalf("once writes work again: %v", err)
	}
	for id, want := range map[satchel.FileID]bool{first: true, second: false, third: false, fourth: true} {
		wantStored(t, s, id, want)
	}
	reopened(t, s, map[satchel.FileID]bool{first: true, second: false, third: false, fourth: true})
}

// reopened copies the database's files as a power cut would leave them, and looks at what a new start makes of them.
func reopened(t *testing.T, s *SQLite, want map[satchel.FileID]bool) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "copy.db")
	for _, suffix := range []string{"", "-wal"} {
		data, err := os.ReadFile(s.file.path + suffix)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path+suffix, data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	again := openTest(t, Options{Path: path})
	for id, want := range want {
		wantStored(t, again, id, want)
	}
}

func TestEndedGoroutine(t *testing.T) {
	s := openTest(t, Options{})
	var before, inside, after satchel.FileID
	ended := make(chan bool)
	go func() {
		returned := false
		defer func() { ended <- !returned }()
		_ = s.InTx(t.Context(), func(ctx context.Context, tx meta.Tx) error {
			_ = insertOne(0, &inside)(ctx, tx)
			runtime.Goexit()
			return nil
		})
		returned = true
	}()
	if !<-ended {
		t.Error("InTx returned, though its function ended the goroutine")
	}
	for _, err := range together(t, s, insertOne(1, &before), insertOne(2, &after)) {
		if err != nil {
			t.Error(err)
		}
	}
	for id, want := range map[satchel.FileID]bool{inside: false, before: true, after: true} {
		wantStored(t, s, id, want)
	}
}

// TestCloseWaits closes the store while transactions wait in the queue: all of them are answered, and those with success are stored.
func TestCloseWaits(t *testing.T) {
	path := filepath.Join(t.TempDir(), "satchel.db")
	s, err := OpenSQLite(t.Context(), Options{Path: path})
	if err != nil {
		t.Fatal(err)
	}
	var ids [200]satchel.FileID
	var errs [200]error
	var all sync.WaitGroup
	started := make(chan struct{}, len(ids))
	for i := range ids {
		all.Go(func() {
			started <- struct{}{}
			errs[i] = s.InTx(t.Context(), insertOne(i, &ids[i]))
		})
	}
	<-started
	if err := errors.Join(s.Close(), s.Close()); err != nil {
		t.Error(err)
	}
	all.Wait()
	if err := s.InTx(t.Context(), insertOne(0, new(satchel.FileID))); err == nil {
		t.Error("a closed store takes transactions")
	}
	again := openTest(t, Options{Path: path})
	for i, id := range ids {
		if errs[i] == nil {
			wantStored(t, again, id, true)
		} else if id != "" {
			t.Errorf("transaction %d ran and failed: %v", i, errs[i])
		}
	}
}

func TestVanishedDatabase(t *testing.T) {
	s := openTest(t, Options{})
	if err := s.Ping(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		what   string
		vanish func() error
	}{
		{"removed", func() error { return os.Rename(s.file.path, s.file.path+".away") }},
		{"replaced", func() error { return os.WriteFile(s.file.path, nil, 0o600) }},
	} {
		if err := c.vanish(); err != nil {
			t.Fatal(err)
		}
		if err := s.InTx(t.Context(), insertOne(0, new(satchel.FileID))); satchel.CodeOf(err) != satchel.CodeUnavailable {
			t.Errorf("a change of a database that was %s: %v", c.what, err)
		}
		if err := s.Ping(t.Context()); satchel.CodeOf(err) != satchel.CodeUnavailable {
			t.Errorf("ready with a database that was %s: %v", c.what, err)
		}
	}
}

func TestIDsRiseAfterRestart(t *testing.T) {
	path := filepath.Join(t.TempDir(), "satchel.db")
	var last satchel.FileID
	for i := range 3 {
		clock := now().AddDate(-i, 0, 0) // steps back
		s, err := OpenSQLite(t.Context(), Options{Path: path, Now: func() time.Time { return clock }})
		if err != nil {
			t.Fatal(err)
		}
		var id satchel.FileID
		if err := s.InTx(t.Context(), insertOne(0, &id)); err != nil {
			t.Fatal(err)
		}
		if id <= last || i == 0 && !id.Time().Equal(clock) {
			t.Errorf("%s, made at %s, came after %s", id, clock, last)
		}
		last = id
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

func now() time.Time { return time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC) }
