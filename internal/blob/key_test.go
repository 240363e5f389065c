package blob_test

import (
	"strings"
	"testing"
	"time"

	"github.com/satchel-files/satchel"
	"github.com/satchel-files/satchel/internal/blob"
)

func TestKey(t *testing.T) {
	at := time.Date(2026, 11, 23, 15, 59, 59, 999e6, time.FixedZone("", 3600))
	id := satchel.NewBlobID(at)
	key := blob.Key(id)
	if want := "2026-11-23T14/" + string(id[24]) + "/" + string(id); key != want {
		t.Errorf("key %q, want %q", key, want)
	}
	if !strings.HasPrefix(key, blob.Hour(at)+"/") {
		t.Errorf("key %q is not in the hour %q", key, blob.Hour(at))
	}
	if back, ok := blob.ID(key); !ok || back != id {
		t.Errorf("back: %q, %v", back, ok)
	}
}

// FuzzKey: every id of a time with a year of four digits has one key, which gives the id back.
func FuzzKey(f *testing.F) {
	end := uint64(time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC).UnixMilli())
	f.Add(uint64(0))
	f.Add(uint64(1795442399999))
	f.Add(end - 1)
	f.Fuzz(func(t *testing.T, ms uint64) {
		id := satchel.NewBlobID(time.UnixMilli(int64(ms % end)))
		if back, ok := blob.ID(blob.Key(id)); !ok || back != id {
			t.Errorf("%q has the key %q, which gives %q, %v", id, blob.Key(id), back, ok)
		}
	})
}

// FuzzID: no text but a key has an id, and a key never leads out of its folder.
func FuzzID(f *testing.F) {
	id := satchel.NewBlobID(time.UnixMilli(1795442399999))
	for _, seed := range []string{
		"", blob.Key(id), string(id), blob.Key(id) + ".part", "/" + blob.Key(id), "2026-11-23T13/../" + string(id),
		"2026-11-23T13/q/" + strings.Repeat("v", 25), strings.ToUpper(blob.Key(id)),
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, key string) {
		id, ok := blob.ID(key)
		if !ok {
			return
		}
		if blob.Key(id) != key {
			t.Errorf("%q gave %q, whose key is %q", key, id, blob.Key(id))
		}
		if strings.Count(key, "/") != 2 || strings.ContainsAny(key, `.\`+"\x00") {
			t.Errorf("%q is a key", key)
		}
	})
}
