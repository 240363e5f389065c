package blobtest

import (
	"sync"
	"testing"
	"time"

	"github.com/satchel-files/satchel"
	"github.com/satchel-files/satchel/internal/blob"
)

// prune never harms what is there, nor what comes later.
func prune(t *testing.T, store blob.Store) {
	pruner, ok := store.(blob.Pruner)
	if !ok {
		return // a store may have nothing to prune
	}
	past := time.Date(2026, 5, 5, 5, 30, 0, 0, time.UTC)
	kept, gone, part := keyAt(past), keyAt(past), keyAt(past)
	put(t, store, kept, []byte("kept"))
	put(t, store, gone, []byte("gone"))
	w := create(t, store, part)
	write(t, w, []byte("late"))
	must(t, store.Delete(t.Context(), gone))
	must(t, pruner.Prune(t.Context(), past.Add(24*time.Hour)))
	must(t, w.Commit(t.Context()))
	for key, want := range map[string]string{kept: "kept", part: "late"} {
		if got := get(t, store, key); string(got) != want {
			t.Errorf("%q, want %q", got, want)
		}
		must(t, store.Delete(t.Context(), key))
	}
	must(t, pruner.Prune(t.Context(), past.Add(24*time.Hour)))
	nothingLeft(t, store)
	again := keyAt(past)
	put(t, store, again, []byte("again"))
	if got := get(t, store, again); string(got) != "again" {
		t.Errorf("after Prune: %q", got)
	}
}

// pruneAgainstCreate lets writers work in an hour that is pruned all the time.
func pruneAgainstCreate(t *testing.T, store blob.Store) {
	pruner, ok := store.(blob.Pruner)
	if !ok {
		return // a store may have nothing to prune
	}
	past := time.Date(2026, 5, 5, 5, 30, 0, 0, time.UTC)
	var writers, pruners sync.WaitGroup
	done := make(chan struct{})
	pruners.Go(func() { pruneUntil(t, done, pruner, past.Add(time.Hour)) })
	for range 8 {
		writers.Go(func() {
			for i := range 25 {
				key := keyAt(past)
				if end(t, store, key, []byte("content"), i%4) {
					if err := store.Delete(t.Context(), key); err != nil {
						t.Error(err)
					}
				}
			}
		})
	}
	writers.Wait()
	close(done)
	pruners.Wait()
	nothingLeft(t, store)
}

func pruneUntil(t *testing.T, done <-chan struct{}, pruner blob.Pruner, before time.Time) {
	for {
		if err := pruner.Prune(t.Context(), before); err != nil {
			t.Error(err)
			return
		}
		select {
		case <-done:
			return
		default:
		}
	}
}

func keyAt(t time.Time) string { return blob.Key(satchel.NewBlobID(t)) }
