package satchel_test

import (
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/satchel-files/satchel"
)

func TestFileIDsRiseStrictly(t *testing.T) {
	var ids satchel.FileIDs
	now := time.UnixMilli(1_800_000_000_123)
	clock := []time.Time{now, now, now.Add(-time.Hour), now, now.Add(time.Millisecond)}
	var last satchel.FileID
	for range 3_000 { // more than one counter's worth in a millisecond would need 8,192
		for _, at := range clock {
			id := ids.Next(at)
			if id <= last {
				t.Fatalf("%s does not sort behind %s", id, last)
			}
			last = id
		}
	}
}

func TestFileIDsAreUniqueAcrossGoroutines(t *testing.T) {
	var ids satchel.FileIDs
	var mu sync.Mutex
	var wg sync.WaitGroup
	seen := map[satchel.FileID]bool{}
	for range 8 {
		wg.Go(func() {
			for range 500 {
				id := ids.Next(time.Now())
				mu.Lock()
				seen[id] = true
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	if len(seen) != 4_000 {
		t.Fatalf("%d different ids of 4000", len(seen))
	}
}

// What is made one after the other is listed so, though it was in the same millisecond.
func TestIDsOfOneMillisecondSort(t *testing.T) {
	at := time.Date(2026, 3, 1, 12, 0, 0, 7_000_000, time.UTC)
	last := satchel.NewUserID(at.Add(-time.Nanosecond))
	for i := range 1000 {
		id := satchel.NewUserID(at.Add(time.Duration(i) * time.Microsecond))
		if id <= last {
			t.Fatalf("%s at %d µs sorts before %s", id, i, last)
		}
		last = id
	}
	if next := satchel.NewUserID(at.Add(time.Millisecond)); next <= last {
		t.Errorf("%s of the next millisecond sorts before %s", next, last)
	}
}

func TestFileIDKnowsItsTime(t *testing.T) {
	for _, at := range []time.Time{time.UnixMilli(0), time.UnixMilli(1), time.UnixMilli(1_795_430_000_999), time.UnixMilli(1<<48 - 1)} {
		id := new(satchel.FileIDs).Next(at)
		if got := id.Time(); !got.Equal(at) {
			t.Errorf("%s: time %v, want %v", id, got, at)
		}
		if parsed, ok := satchel.ParseFileID(string(id)); !ok || parsed != id {
			t.Errorf("%s does not parse as itself", id)
		}
	}
}

func TestStartAfter(t *testing.T) {
	high := new(satchel.FileIDs).Next(time.UnixMilli(2_000_000_000_000))
	var ids satchel.FileIDs
	ids.StartAfter("file-nonsense")
	ids.StartAfter(high)
	if next := ids.Next(time.UnixMilli(5)); next <= high {
		t.Errorf("%s does not sort behind %s", next, high)
	}
}

func TestParseFileIDRefuses(t *testing.T) {
	good := string(new(satchel.FileIDs).Next(time.Now()))
	bad := []string{
		"", "file-", good + "0", good[:len(good)-1], strings.ToUpper(good), "file_" + good[5:], good[5:],
		good[:10] + "w" + good[11:], good[:10] + "é" + good[12:], good[:10] + "/" + good[11:], " " + good[1:],
	}
	for _, s := range bad {
		if _, ok := satchel.ParseFileID(s); ok {
			t.Errorf("%q was taken for a file id", s)
		}
	}
}

// FuzzFileIDOrder: whatever parses sorts like its time.
func FuzzFileIDOrder(f *testing.F) {
	f.Add("file-0000000000000000000000000", "file-vvvvvvvvvvvvvvvvvvvvvvvvv")
	f.Add(string(new(satchel.FileIDs).Next(time.UnixMilli(1))), string(new(satchel.FileIDs).Next(time.UnixMilli(2))))
	f.Fuzz(func(t *testing.T, a, b string) {
		x, okX := satchel.ParseFileID(a)
		y, okY := satchel.ParseFileID(b)
		if okX && okY && x < y && x.Time().After(y.Time()) {
			t.Errorf("%s sorts before %s and is later", x, y)
		}
	})
}

func TestParseWorkspaceID(t *testing.T) {
	good := []string{"a", "default", "team-a", "a_b-c", "0", strings.Repeat("a", 34)}
	bad := []string{"", "A", "a--b", "-a", "a-", "a b", "ä", "a/b", "a__b", strings.Repeat("a", 35), "a\n"}
	accepted := func(s string) bool { _, ok := satchel.ParseWorkspaceID(s); return ok }
	if i := slices.IndexFunc(good, func(s string) bool { return !accepted(s) }); i >= 0 {
		t.Errorf("%q was refused", good[i])
	}
	if i := slices.IndexFunc(bad, accepted); i >= 0 {
		t.Errorf("%q was accepted", bad[i])
	}
}
