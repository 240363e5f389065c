package blobtest

import (
	"errors"
	"io"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/satchel-files/satchel"
	"github.com/satchel-files/satchel/internal/blob"
)

// Bytes gives n bytes of chance, the same for the same seed.
func Bytes(seed uint64, n int) []byte {
	var key [32]byte
	for i := range 8 {
		key[i] = byte(seed >> (8 * i))
	}
	b := make([]byte, n)
	_, _ = rand.NewChaCha8(key).Read(b) // never fails
	return b
}

// Keys gives the keys of everything in the store, unfinished objects included.
func Keys(t testing.TB, store blob.Store) []string {
	t.Helper()
	var keys []string
	must(t, store.List(t.Context(), "", func(e blob.Entry) error {
		keys = append(keys, e.Key)
		return nil
	}))
	return keys
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func newKey() string { return blob.Key(satchel.NewBlobID(time.Now())) }

// cutKey gives the three parts of a key, the first two with their "/".
func cutKey(t *testing.T, key string) (hour, char, id string) {
	t.Helper()
	const hourEnd, charEnd = len("2026-11-23T14/"), len("2026-11-23T14/q/")
	if len(key) <= charEnd {
		t.Fatalf("%q is no key", key)
	}
	return key[:hourEnd], key[hourEnd:charEnd], key[charEnd:]
}

func create(t *testing.T, store blob.Store, key string) blob.Writer {
	t.Helper()
	w, err := store.Create(t.Context(), key)
	must(t, err)
	t.Cleanup(func() {
		if err := w.Abort(); err != nil {
			t.Error(err)
		}
	})
	return w
}

func write(t *testing.T, w blob.Writer, b []byte) {
	t.Helper()
	if n, err := w.Write(b); err != nil || n != len(b) {
		t.Fatalf("write: %d of %d bytes, %v", n, len(b), err)
	}
}

func put(t *testing.T, store blob.Store, key string, content []byte) {
	t.Helper()
	w := create(t, store, key)
	write(t, w, content)
	must(t, w.Commit(t.Context()))
}

func openObject(t *testing.T, store blob.Store, key string) blob.Object {
	t.Helper()
	object, err := store.Open(t.Context(), key)
	must(t, err)
	return object
}

func get(t *testing.T, store blob.Store, key string) []byte {
	t.Helper()
	object := openObject(t, store, key)
	content, err := io.ReadAll(object)
	must(t, err)
	must(t, object.Close())
	return content
}

// entries lists what begins with a prefix, each once.
func entries(t *testing.T, store blob.Store, prefix string) map[string]blob.Entry {
	t.Helper()
	all := map[string]blob.Entry{}
	must(t, store.List(t.Context(), prefix, func(e blob.Entry) error {
		if _, twice := all[e.Key]; twice {
			t.Errorf("%s is listed twice", e.Key)
		}
		all[e.Key] = e
		return nil
	}))
	return all
}

// unseen checks that an object can neither be opened nor is listed as a committed one.
func unseen(t *testing.T, store blob.Store, key string) {
	t.Helper()
	if _, err := store.Open(t.Context(), key); !errors.Is(err, blob.ErrNotExist) {
		t.Errorf("open: %v, want ErrNotExist", err)
	}
	if e, ok := entries(t, store, "")[key]; ok && !e.Partial {
		t.Errorf("listed as %+v", e)
	}
}

func nothingLeft(t *testing.T, store blob.Store) {
	t.Helper()
	if keys := Keys(t, store); len(keys) > 0 {
		t.Errorf("left behind: %v", keys)
	}
}
