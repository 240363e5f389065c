//go:build linux

package durability_test

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"net/http"
	"strings"
	"testing"

	"github.com/satchel-files/satchel/tests/program"
)

// insufficient says whether an answer is the one of a full disk: the SDKs must not send everything again.
func insufficient(a answer) bool {
	return a.status == http.StatusInsufficientStorage && a.header.Get("X-Should-Retry") == "false" &&
		strings.Contains(string(a.body), `"code":"insufficient_storage"`)
}

// TestRoomIsKept fills a disk through the API: what must stay free stays free, and what does not fit leaves nothing behind.
func TestRoomIsKept(t *testing.T) {
	const keep = 32 * mib
	v := mount(t, 96*mib)
	s := start(t, v.data(), fmt.Sprintf("SATCHEL_MIN_FREE_BYTES=%d", keep))
	s.firstSweep()
	l := newLedger()
	c := &client{
		t: t, s: s, rng: rand.New(rand.NewPCG(seed(t), 4)), name: "before", tick: func() {}, ok: insufficient, most: mib,
	}
	l.crowd(t.Context(), []*client{c}, 20)
	s.Swept(2)
	before, free := s.Blobs(), v.free()
	for _, u := range []struct {
		name string
		upload
	}{
		{"of a known length", upload{files: []content{{name: "large", size: 90 * mib}}}},
		{"of an unknown length", upload{files: []content{{name: "large", size: 90 * mib}}, chunked: true}},
		{"just too large", upload{files: []content{{name: "large", size: free - keep + mib}}, chunked: true}},
		{"the last of several files", upload{files: []content{{name: "small", size: 100}, {name: "small", size: mib}, {name: "large", size: 90 * mib}}, chunked: true}},
	} {
		t.Run(u.name, func(t *testing.T) {
			_, a, err := s.send(t.Context(), u.upload)
			program.Must(t, err)
			if !insufficient(a) {
				t.Errorf("%s, want 507", a)
			}
			if after := s.Blobs(); !maps.Equal(before, after) {
				t.Errorf("it left something behind: %v; before: %v", after, before)
			}
		})
	}
	l.settle(t, s)

	c.name = "small"
	l.crowd(t.Context(), []*client{c}, 30)
	s.Swept(2) // what was deleted gives its room back before it is measured
	large := s.put(content{name: "fits", size: v.free() - keep - 2*mib}, nil)
	if _, a, err := s.send(t.Context(), upload{files: []content{{name: "next", size: 4 * mib}}}); err != nil || !insufficient(a) {
		t.Errorf("%s (%v), want 507: %d bytes are free, %d must stay so", a, err, v.free(), keep)
	}
	s.put(content{name: "little", size: 1000}, nil)
	a, err := s.remove(t.Context(), large.ID)
	if err != nil || !a.acknowledged() {
		t.Fatal(a, err)
	}
	program.Within(t, "the deleted file's room is free again", func() bool { return v.free() > keep+8*mib })
	s.put(content{name: "next", size: 4 * mib}, nil)
	s.Stop()
	fsck(t, v.data())
}

// TestFullDisk fills the disk from outside, to the last pages, so that the database has no room either. Each change happens wholly, or
// is refused and does not happen. As soon as there is room, everything goes on.
func TestFullDisk(t *testing.T) {
	v := mount(t, 64*mib)
	s := start(t, v.data())
	s.firstSweep()
	l := newLedger()
	c := &client{
		t: t, s: s, rng: rand.New(rand.NewPCG(seed(t), 5)), name: "room", tick: func() {}, ok: insufficient, most: 100_000,
	}
	l.crowd(t.Context(), []*client{c}, 60)
	for _, pages := range []int64{0, 1, 2, 3, 4, 5, 6, 8, 10, 12, 16, 24, 32, 48, 0} {
		v.fill(pages * 4096)
		c.name = fmt.Sprintf("full-%d-%d", pages, l.requests)
		l.crowd(t.Context(), []*client{c}, 30)
		l.settle(t, s)
		v.release()
	}
	if l.refused == 0 {
		t.Error("nothing was refused: the disk was never full")
	}
	refused := l.refused
	c.name = "after"
	l.crowd(t.Context(), []*client{c}, 60)
	l.settle(t, s)
	if l.refused > refused {
		t.Errorf("%d changes were refused though there was room again", l.refused-refused)
	}
	s.Swept(2)
	s.Stop()
	fsck(t, v.data())
	t.Logf("%d changes acknowledged, %d refused, %d files", l.requests, l.refused, len(l.files))
}

// TestStartOnFullDisk kills a server whose disk is full. The next one starts all the same, and serves what is there.
func TestStartOnFullDisk(t *testing.T) {
	v := mount(t, 64*mib)
	s := start(t, v.data())
	l := newLedger()
	c := &client{
		t: t, s: s, rng: rand.New(rand.NewPCG(seed(t), 6)), name: "room", tick: func() {}, ok: insufficient, most: 100_000,
	}
	l.crowd(t.Context(), []*client{c}, 60)
	v.fill(0)
	c.name = "full"
	l.crowd(t.Context(), []*client{c}, 30)
	s.Kill()
	v.fill(0)
	s = start(t, v.data())
	l.settle(t, s)
	v.release()
	c.s, c.name = s, "after"
	refused := l.refused
	l.crowd(t.Context(), []*client{c}, 30)
	if l.refused > refused {
		t.Errorf("%d changes were refused though there was room again", l.refused-refused)
	}
	s.Kill()
	s = start(t, v.data())
	l.settle(t, s)
	s.firstSweep()
	s.Stop()
	fsck(t, v.data())
}
