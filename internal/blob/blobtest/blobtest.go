// Package blobtest is what every blob.Store must pass: the obligations that are written in package blob, as tests.
package blobtest

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"io"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/satchel-files/satchel"
	"github.com/satchel-files/satchel/internal/blob"
)

// Run tests the stores that open gives; each must be empty, and is used by one test.
func Run(t *testing.T, open func(t *testing.T) blob.Store) {
	tests := map[string]func(*testing.T, blob.Store){
		"round trip":            roundTrip,
		"streamed":              streamed,
		"seeks":                 seeks,
		"unseen until Commit":   unseenUntilCommit,
		"Abort":                 abort,
		"Abort after Commit":    abortAfterCommit,
		"cancelled Commit":      cancelledCommit,
		"Delete":                deletes,
		"Delete of a part":      deleteOfPart,
		"open while deleted":    openWhileDeleted,
		"List by prefix":        listByPrefix,
		"List of parts":         listOfParts,
		"List stops":            listStops,
		"List that deletes":     listThatDeletes,
		"bad keys":              badKeys,
		"many at once":          manyAtOnce,
		"readers during writes": readersDuringWrites,
		"free space":            freeSpace,
		"sealed":                sealed,
		"Ping":                  ping,
		"Claim":                 claim,
		"Prune":                 prune,
		"Prune against Create":  pruneAgainstCreate,
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) { test(t, open(t)) })
	}
}

func roundTrip(t *testing.T, store blob.Store) {
	for _, size := range []int{0, 1, 4095, 4096, 70_000, 1 << 20} {
		want := Bytes(uint64(size), size)
		key := newKey()
		put(t, store, key, want)
		if got := get(t, store, key); !bytes.Equal(got, want) {
			t.Errorf("an object of %d bytes came back with %d bytes, or other ones", size, len(got))
		}
	}
}

// streamed writes 64 MiB in pieces of odd sizes and reads them back.
func streamed(t *testing.T, store blob.Store) {
	const size = 64 << 20
	key, block := newKey(), Bytes(7, 1<<20+7)
	w := create(t, store, key)
	in := sha256.New()
	for left := size; left > 0; {
		piece := block[:min(left, len(block))]
		if n, err := w.Write(piece); err != nil || n != len(piece) {
			t.Fatalf("write: %d, %v", n, err)
		}
		in.Write(piece)
		left -= len(piece)
	}
	must(t, w.Commit(t.Context()))
	out := sha256.New()
	object := openObject(t, store, key)
	n, err := io.Copy(out, object)
	must(t, err)
	must(t, object.Close())
	if n != size || !bytes.Equal(out.Sum(nil), in.Sum(nil)) {
		t.Errorf("read %d bytes, want %d with the hash of what was written", n, size)
	}
	hour, _, _ := cutKey(t, key)
	if e := entries(t, store, hour)[key]; e.Size != size || e.Partial {
		t.Errorf("listed as %+v", e)
	}
}

func seeks(t *testing.T, store blob.Store) {
	want := Bytes(3, 300_000)
	key := newKey()
	put(t, store, key, want)
	object := openObject(t, store, key)
	defer func() { must(t, object.Close()) }()
	for _, test := range []struct {
		offset int64
		whence int
		from   int64
	}{
		{0, io.SeekEnd, 300_000}, {100_000, io.SeekStart, 100_000}, {-10, io.SeekEnd, 299_990},
		{0, io.SeekStart, 0}, {50, io.SeekCurrent, 150}, {299_999, io.SeekStart, 299_999},
	} {
		at, err := object.Seek(test.offset, test.whence)
		if err != nil || at != test.from {
			t.Fatalf("seek %d from %d: at %d, %v; want %d", test.offset, test.whence, at, err, test.from)
		}
		got, err := io.ReadAll(io.LimitReader(object, 100))
		must(t, err)
		if !bytes.Equal(got, want[at:min(at+100, 300_000)]) {
			t.Fatalf("other bytes at %d", at)
		}
	}
	if _, err := object.Seek(-1, io.SeekStart); err == nil {
		t.Error("a seek before the start succeeded")
	}
}

func unseenUntilCommit(t *testing.T, store blob.Store) {
	key := newKey()
	w := create(t, store, key)
	unseen(t, store, key)
	write(t, w, []byte("half"))
	unseen(t, store, key)
	must(t, w.Commit(t.Context()))
	if got := get(t, store, key); string(got) != "half" {
		t.Errorf("got %q", got)
	}
	if e := entries(t, store, "")[key]; e.Partial || e.Size != 4 || e.Modified.IsZero() {
		t.Errorf("listed as %+v", e)
	}
}

func abort(t *testing.T, store blob.Store) {
	key := newKey()
	w := create(t, store, key)
	write(t, w, []byte("gone"))
	for range 3 {
		must(t, w.Abort())
	}
	nothingLeft(t, store)
	if err := w.Commit(t.Context()); err == nil {
		t.Error("Commit after Abort succeeded")
	}
	must(t, w.Abort())
	nothingLeft(t, store)
	put(t, store, key, []byte("again"))
	if got := get(t, store, key); string(got) != "again" {
		t.Errorf("got %q", got)
	}
}

func abortAfterCommit(t *testing.T, store blob.Store) {
	key := newKey()
	w := create(t, store, key)
	write(t, w, []byte("stays"))
	must(t, w.Commit(t.Context()))
	must(t, w.Abort())
	must(t, w.Abort())
	if got := get(t, store, key); string(got) != "stays" {
		t.Errorf("got %q", got)
	}
}

// cancelledCommit may go either way, but never half.
func cancelledCommit(t *testing.T, store blob.Store) {
	key := newKey()
	w := create(t, store, key)
	write(t, w, []byte("perhaps"))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := w.Commit(ctx); err != nil {
		unseen(t, store, key)
		must(t, w.Abort())
		nothingLeft(t, store)
		return
	}
	if got := get(t, store, key); string(got) != "perhaps" {
		t.Errorf("got %q", got)
	}
}

func deletes(t *testing.T, store blob.Store) {
	key, other := newKey(), newKey()
	must(t, store.Delete(t.Context(), key)) // what never was
	put(t, store, key, []byte("one"))
	put(t, store, other, []byte("two"))
	must(t, store.Delete(t.Context(), key))
	unseen(t, store, key)
	must(t, store.Delete(t.Context(), key))
	if got := get(t, store, other); string(got) != "two" {
		t.Errorf("the other object is %q", got)
	}
	if all := entries(t, store, ""); len(all) != 1 {
		t.Errorf("listed: %v", all)
	}
}

// unfinished is more than a store may hold in memory of an object.
const unfinished = 17 << 20

// heldBack is what a store holds in memory at most of its end: less than the smallest part of an upload to S3.
const heldBack = 5 << 20

// deleteOfPart takes the part away from under its writer, which must notice.
func deleteOfPart(t *testing.T, store blob.Store) {
	key := newKey()
	w := create(t, store, key)
	write(t, w, Bytes(2, unfinished))
	for { // what is on its way still arrives
		e, ok := entries(t, store, "")[key]
		if !ok || !e.Partial {
			t.Fatalf("before: %+v, %v", e, ok)
		}
		if e.Size > unfinished-heldBack {
			break
		}
	}
	must(t, store.Delete(t.Context(), key))
	unseen(t, store, key)
	if err := w.Commit(t.Context()); err == nil {
		t.Error("Commit of a deleted part succeeded")
	}
	unseen(t, store, key)
	must(t, w.Abort())
	nothingLeft(t, store)
}

// openWhileDeleted: whoever reads gets all of the object or an error, never other bytes.
func openWhileDeleted(t *testing.T, store blob.Store) {
	want := Bytes(5, 2<<20)
	key := newKey()
	put(t, store, key, want)
	object := openObject(t, store, key)
	must(t, store.Delete(t.Context(), key))
	got, err := io.ReadAll(object)
	if err == nil && !bytes.Equal(got, want) {
		t.Errorf("read %d bytes, and no error", len(got))
	}
	must(t, object.Close())
	unseen(t, store, key)
}

func listByPrefix(t *testing.T, store blob.Store) {
	start := time.Date(2026, 2, 28, 22, 59, 59, 0, time.UTC)
	sizes, some := map[string]int64{}, ""
	for hour := range 3 {
		for i := range 4 {
			key := blob.Key(satchel.NewBlobID(start.Add(time.Duration(hour) * time.Hour)))
			put(t, store, key, Bytes(1, 10*hour+i))
			sizes[key], some = int64(10*hour+i), key
		}
	}
	hour, char, _ := cutKey(t, some)
	for _, prefix := range []string{"", "2026-02-28T22/", "2026-02-28T23/", "2026-03-01T00/", "2026-03-01T01/", "1999-01-01T00/q/", hour + char} {
		got := entries(t, store, prefix)
		for key, size := range sizes {
			e, listed := got[key]
			if wanted := strings.HasPrefix(key, prefix); listed != wanted {
				t.Errorf("prefix %q: %s listed: %v", prefix, key, listed)
			} else if listed && (e.Size != size || e.Partial || e.Key != key) {
				t.Errorf("prefix %q: %s is %+v", prefix, key, e)
			}
			delete(got, key)
		}
		if len(got) > 0 {
			t.Errorf("prefix %q: also %v", prefix, got)
		}
	}
}

func listOfParts(t *testing.T, store blob.Store) {
	done, part := newKey(), newKey()
	put(t, store, done, []byte("done"))
	w := create(t, store, part)
	write(t, w, Bytes(1, unfinished))
	all := entries(t, store, "")
	if e, ok := all[done]; !ok || e.Partial {
		t.Errorf("the committed one: %+v, %v", e, ok)
	}
	if e, ok := all[part]; !ok || !e.Partial || e.Modified.IsZero() {
		t.Errorf("the unfinished one: %+v, %v", e, ok)
	}
	must(t, w.Abort())
	if _, ok := entries(t, store, "")[part]; ok {
		t.Error("the aborted one is still listed")
	}
}

func listStops(t *testing.T, store blob.Store) {
	for range 5 {
		put(t, store, newKey(), nil)
	}
	enough, calls := errors.New("enough"), 0
	err := store.List(t.Context(), "", func(blob.Entry) error { calls++; return enough })
	if !errors.Is(err, enough) || calls != 1 {
		t.Errorf("visited %d, then %v", calls, err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := store.List(ctx, "", func(blob.Entry) error { return nil }); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
}

// listThatDeletes is what a sweep does.
func listThatDeletes(t *testing.T, store blob.Store) {
	for range 50 {
		put(t, store, newKey(), []byte("x"))
	}
	seen := 0
	must(t, store.List(t.Context(), "", func(e blob.Entry) error { seen++; return store.Delete(t.Context(), e.Key) }))
	if seen != 50 {
		t.Errorf("visited %d of 50", seen)
	}
	nothingLeft(t, store)
}

// badKeys are refused by every method, as something else than a missing object.
func badKeys(t *testing.T, store blob.Store) {
	good := newKey()
	hour, char, id := cutKey(t, good)
	for _, key := range []string{
		"", "/", ".", "..", "../" + good, "/" + good, good + "/", good + "/../" + id, good + ".part", good + "\x00",
		hour + char + "../" + char + id, hour + "./" + char + id, hour + id, "../../etc/passwd",
	} {
		if w, err := store.Create(t.Context(), key); err == nil {
			t.Errorf("Create(%q) succeeded", key)
			must(t, w.Abort())
		}
		if _, err := store.Open(t.Context(), key); err == nil || errors.Is(err, blob.ErrNotExist) {
			t.Errorf("Open(%q): %v", key, err)
		}
		if err := store.Delete(t.Context(), key); err == nil {
			t.Errorf("Delete(%q) succeeded", key)
		}
	}
	for _, prefix := range []string{"/", "../", "./", hour + "../", "2026"} {
		if err := store.List(t.Context(), prefix, func(blob.Entry) error { return nil }); err == nil {
			t.Errorf("List(%q) succeeded", prefix)
		}
	}
}

func manyAtOnce(t *testing.T, store blob.Store) {
	const writers, each = 16, 12
	var wg sync.WaitGroup
	kept := make([]map[string][]byte, writers)
	for i := range writers {
		kept[i] = map[string][]byte{}
		wg.Go(func() {
			chance := rand.New(rand.NewPCG(1, uint64(i)))
			for range each {
				key, content := newKey(), Bytes(chance.Uint64(), chance.IntN(20_000))
				if end(t, store, key, content, chance.IntN(4)) {
					kept[i][key] = content
				}
			}
		})
	}
	wg.Wait()
	all := entries(t, store, "")
	for _, mine := range kept {
		for key, content := range mine {
			if !bytes.Equal(get(t, store, key), content) || all[key].Size != int64(len(content)) || all[key].Partial {
				t.Errorf("%s: %d bytes, listed as %+v", key, len(content), all[key])
			}
			delete(all, key)
		}
	}
	if len(all) > 0 {
		t.Errorf("also listed: %v", all)
	}
}

// end writes an object and ends it in one of the possible ways; it tells whether the object stays.
func end(t *testing.T, store blob.Store, key string, content []byte, way int) bool {
	w, err := store.Create(t.Context(), key)
	if err == nil {
		_, err = w.Write(content)
	}
	switch {
	case err != nil:
	case way == 0:
		err = w.Abort()
	case way == 1:
		err = errors.Join(w.Commit(t.Context()), store.Delete(t.Context(), key))
	default:
		err = errors.Join(w.Commit(t.Context()), w.Abort())
	}
	if err != nil {
		t.Error(err)
	}
	return way > 1
}

// readersDuringWrites open objects while they come to be: all of it, or nothing.
func readersDuringWrites(t *testing.T, store blob.Store) {
	want := Bytes(9, 100_000)
	for range 10 {
		key := newKey()
		var wg sync.WaitGroup
		for range 4 {
			wg.Go(func() { readUntilThere(t, store, key, want) })
		}
		put(t, store, key, want)
		wg.Wait()
	}
}

func readUntilThere(t *testing.T, store blob.Store, key string, want []byte) {
	for t.Context().Err() == nil {
		object, err := store.Open(t.Context(), key)
		if errors.Is(err, blob.ErrNotExist) {
			continue
		}
		if err != nil {
			t.Error(err)
			return
		}
		got, err := io.ReadAll(object)
		if err = errors.Join(err, object.Close()); err != nil || !bytes.Equal(got, want) {
			t.Errorf("opened with %d of %d bytes, %v", len(got), len(want), err)
		}
		return
	}
}

func freeSpace(t *testing.T, store blob.Store) {
	reporter, ok := store.(blob.SpaceReporter)
	if !ok {
		return // a store may not know
	}
	if free, err := reporter.FreeBytes(t.Context()); err != nil || free <= 0 {
		t.Errorf("%d bytes free, %v", free, err)
	}
}

// sealed objects wait for their Commit in any number, and take nothing from each other.
func sealed(t *testing.T, store blob.Store) {
	const objects, size = 60, 3 << 20
	writers := make([]blob.Writer, objects)
	for i := range writers {
		w, err := store.Create(t.Context(), newKey())
		must(t, err)
		sealer, ok := w.(blob.Sealer)
		if !ok {
			must(t, w.Abort())
			return // a store may not need to know
		}
		writers[i] = w
		write(t, w, Bytes(uint64(i), size))
		must(t, sealer.Seal(t.Context()))
		if _, err := w.Write([]byte("more")); err == nil {
			t.Error("Write after Seal succeeded")
		}
	}
	for i, w := range writers {
		if i%10 > 0 {
			must(t, w.Abort())
			continue
		}
		must(t, w.Commit(t.Context()))
	}
	all := entries(t, store, "")
	if len(all) != objects/10 {
		t.Errorf("%d objects are listed", len(all))
	}
	for key, e := range all {
		if e.Size != size || e.Partial {
			t.Errorf("%s is listed as %+v", key, e)
		}
	}
}

func ping(t *testing.T, store blob.Store) {
	pinger, ok := store.(blob.Pinger)
	if !ok {
		return // a store may always be within reach
	}
	must(t, pinger.Ping(t.Context()))
}

// claim is for the first one alone.
func claim(t *testing.T, store blob.Store) {
	claimer, ok := store.(blob.Claimer)
	if !ok {
		return // a store may belong to its rows by its place
	}
	for _, test := range []struct{ owner, want string }{{"", ""}, {"first", "first"}, {"second", "first"}, {"first", "first"}, {"", "first"}} {
		if got, err := claimer.Claim(t.Context(), test.owner); err != nil || got != test.want {
			t.Errorf("claimed by %q: it is %q's, %v", test.owner, got, err)
		}
	}
	nothingLeft(t, store) // the claim is no object
}
