package metatest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/satchel-files/satchel"
	"github.com/satchel-files/satchel/internal/meta"
)

func testTransactions(t *testing.T, open func(t *testing.T) Opened) {
	for name, test := range map[string]func(*testing.T, meta.Store){
		"sees its own changes":                 seesItself,
		"an error undoes everything":           errorUndoes,
		"a panic undoes everything and passes": panicUndoes,
		"one failure leaves the others alone":  failuresAmongOthers,
		"ended context":                        endedContext,
		"context ends after success":           contextEndsLate,
		"over when it is over":                 usedLate,
		"ids rise with the commits":            idsRise,
		"no update is lost":                    noLostUpdate,
	} {
		t.Run(name, func(t *testing.T) { test(t, open(t).Store) })
	}
}

// insertIn stores a file in a transaction that is under way.
func insertIn(ctx context.Context, tx meta.Tx, scope satchel.Scope, name string) (*satchel.File, error) {
	f := newFile(scope, name, `{"name":"`+name+`"}`)
	f.ID = nextID(ctx, tx)
	return f, tx.InsertFile(ctx, scope, f, changeOf(f))
}

func seesItself(t *testing.T, s meta.Store) {
	scope := scopeOf("a", "default")
	must(t, s.InTx(t.Context(), func(ctx context.Context, tx meta.Tx) error {
		f, err := insertIn(ctx, tx, scope, "f.txt")
		if err != nil {
			return err
		}
		if _, err := tx.File(ctx, scope, f.ID); err != nil {
			t.Errorf("its own file: %v", err)
		}
		wantFiles(t, tx, scope, where("name", "f.txt"), []satchel.FileID{f.ID})
		if _, err := s.File(ctx, scope, f.ID); satchel.CodeOf(err) != satchel.CodeNotFound {
			t.Errorf("others see the file before the commit: %v", err)
		}
		return nil
	}))
}

func errorUndoes(t *testing.T, s meta.Store) {
	scope, cause := scopeOf("a", "default"), errors.New("no")
	var f *satchel.File
	err := s.InTx(t.Context(), func(ctx context.Context, tx meta.Tx) (err error) {
		if f, err = insertIn(ctx, tx, scope, "f.txt"); err != nil {
			return err
		}
		return cause
	})
	if err != cause { //nolint:errorlint // as it is
		t.Errorf("InTx gives %v, want the function's error as it is", err)
	}
	wantNone(t, s, scope, f)
}

// wantNone checks that nothing is left of a file that was never committed.
func wantNone(t *testing.T, s meta.Store, scope satchel.Scope, f *satchel.File) {
	t.Helper()
	_, err := s.File(t.Context(), scope, f.ID)
	wantCode(t, "reading what was undone", err, satchel.CodeNotFound)
	wantFiles(t, s, scope, satchel.Query{Filename: f.Filename}, nil)
	wantFiles(t, s, scope, satchel.Query{SHA256: &f.Content.SHA256}, nil)
}

func panicUndoes(t *testing.T, s meta.Store) {
	scope := scopeOf("a", "default")
	var f *satchel.File
	panicked := func() (value any) {
		defer func() { value = recover() }()
		_ = s.InTx(t.Context(), func(ctx context.Context, tx meta.Tx) (err error) {
			if f, err = insertIn(ctx, tx, scope, "f.txt"); err == nil {
				panic("on purpose")
			}
			return err
		})
		return nil
	}()
	if panicked != "on purpose" {
		t.Fatalf("the caller got %v, want its function's panic", panicked)
	}
	wantNone(t, s, scope, f)
	several(t, s, scope, 1) // the store goes on
}

// failuresAmongOthers runs many transactions at once, of which some fail and some panic, each after it changed something.
func failuresAmongOthers(t *testing.T, s meta.Store) {
	scope, cause := scopeOf("a", "default"), errors.New("no")
	var kept sync.Map
	var all sync.WaitGroup
	for i := range 200 {
		all.Go(func() {
			defer func() { _ = recover() }()
			var f *satchel.File
			err := s.InTx(t.Context(), func(ctx context.Context, tx meta.Tx) (err error) {
				if f, err = insertIn(ctx, tx, scope, fmt.Sprintf("%d.txt", i)); err != nil {
					return err
				}
				switch i % 4 {
				case 0:
					return cause
				case 1:
					panic(cause)
				}
				return nil
			})
			if err == nil {
				kept.Store(f.ID, true)
			} else if err != cause { //nolint:errorlint // as it is
				t.Error(err)
			}
		})
	}
	all.Wait()
	page, err := s.Files(t.Context(), scope, satchel.Query{Limit: 1000}, now())
	must(t, err)
	if len(page.Files) != 100 {
		t.Errorf("%d files are left, want 100", len(page.Files))
	}
	for _, id := range idsOf(page.Files) {
		if _, ok := kept.Load(id); !ok {
			t.Errorf("%s stayed, though its transaction failed", id)
		}
	}
}

func endedContext(t *testing.T, s meta.Store) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	err := s.InTx(ctx, func(context.Context, meta.Tx) error {
		t.Error("the function ran, though its context had ended")
		return nil
	})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("InTx: %v, want context.Canceled", err)
	}
	if _, err := s.File(ctx, scopeOf("a", "default"), "file-x"); !errors.Is(err, context.Canceled) {
		t.Errorf("File: %v, want context.Canceled", err)
	}
	queued(t, s)
}

// queued ends the context of a transaction that waits for another one.
func queued(t *testing.T, s meta.Store) {
	ctx, cancel := context.WithCancel(t.Context())
	running, release, first := make(chan struct{}), make(chan struct{}), make(chan error)
	go func() {
		first <- s.InTx(t.Context(), func(context.Context, meta.Tx) error {
			close(running)
			<-release
			return nil
		})
	}()
	<-running
	second := make(chan error)
	go func() {
		second <- s.InTx(ctx, func(ctx context.Context, tx meta.Tx) error {
			_, err := insertIn(ctx, tx, scopeOf("a", "default"), "late.txt")
			return err
		})
	}()
	cancel()
	if err := <-second; !errors.Is(err, context.Canceled) {
		t.Errorf("the transaction that waited: %v, want context.Canceled", err)
	}
	close(release)
	must(t, <-first)
	wantFiles(t, s, scopeOf("a", "default"), satchel.Query{}, nil)
}

func contextEndsLate(t *testing.T, s meta.Store) {
	ctx, cancel := context.WithCancel(t.Context())
	scope := scopeOf("a", "default")
	var f *satchel.File
	must(t, s.InTx(ctx, func(ctx context.Context, tx meta.Tx) (err error) {
		f, err = insertIn(ctx, tx, scope, "f.txt")
		cancel()
		return err
	}))
	_, err := s.File(t.Context(), scope, f.ID)
	must(t, err)
}

func usedLate(t *testing.T, s meta.Store) {
	scope := scopeOf("a", "default")
	var kept meta.Tx
	must(t, s.InTx(t.Context(), func(_ context.Context, tx meta.Tx) error {
		kept = tx
		return nil
	}))
	if _, err := insertIn(t.Context(), kept, scope, "f.txt"); err == nil {
		t.Error("a transaction that is over still stores files")
	}
	wantFiles(t, s, scope, satchel.Query{}, nil)
}

// idsRise commits from many goroutines, while a reader walks behind them by the highest id it has seen: it must see every file.
func idsRise(t *testing.T, s meta.Store) {
	const writers, each = 8, 25
	scope := scopeOf("a", "default")
	var done atomic.Int64
	var all sync.WaitGroup
	for w := range writers {
		all.Go(func() {
			defer done.Add(1)
			for i := range each {
				if err := s.InTx(t.Context(), func(ctx context.Context, tx meta.Tx) error {
					_, err := insertIn(ctx, tx, scope, fmt.Sprintf("%d-%d.txt", w, i))
					return err
				}); err != nil {
					t.Error(err)
				}
			}
		})
	}
	var seen []satchel.FileID
	for last := satchel.FileID(""); ; {
		finished := done.Load() == writers // before the read: what is read then is everything
		page, err := s.Files(t.Context(), scope, satchel.Query{After: last, Limit: 7, Ascending: true}, now())
		must(t, err)
		seen = append(seen, idsOf(page.Files)...)
		if len(page.Files) > 0 {
			last = page.Files[len(page.Files)-1].ID
		} else if finished {
			break
		}
	}
	all.Wait()
	if len(seen) != writers*each || !slices.IsSorted(seen) {
		t.Errorf("a reader who walks by id saw %d files, want %d in order", len(seen), writers*each)
	}
}

// noLostUpdate lets many goroutines count in one file.
func noLostUpdate(t *testing.T, s meta.Store) {
	const goroutines, each = 8, 10
	scope := scopeOf("a", "default")
	f := several(t, s, scope, 1)[0]
	var all sync.WaitGroup
	for range goroutines {
		all.Go(func() {
			for range each {
				edit(t, s, scope, f.ID, func(f *satchel.File) { f.StatusDetails += "+" })
			}
		})
	}
	all.Wait()
	got, err := s.File(t.Context(), scope, f.ID)
	must(t, err)
	if got.Version != 1+goroutines*each || len(got.StatusDetails) != goroutines*each {
		t.Errorf("version %d with %d marks after %d updates", got.Version, len(got.StatusDetails), goroutines*each)
	}
}
