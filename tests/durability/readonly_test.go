//go:build linux

package durability_test

import (
	"net/http"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/satchel-files/satchel/tests/program"
)

// TestStartReadOnly starts a server where nothing can be written: it says so, and exits as documented.
func TestStartReadOnly(t *testing.T) {
	v := mount(t, 16*mib)
	s := start(t, v.data())
	kept := content{name: "kept", size: 1000}
	file := s.put(kept, nil)
	s.Stop()
	program.Must(t, unix.Mount("", v.path, "", unix.MS_REMOUNT|unix.MS_RDONLY, ""))
	for _, data := range []string{v.data(), filepath.Join(v.path, "new")} {
		out, code := refused(t, data)
		if code != 1 || !strings.Contains(out, "read-only file system") || !strings.Contains(out, data) {
			t.Errorf("the start on the read-only %s ended with %d:\n%s", data, code, out)
		}
	}
	program.Must(t, unix.Mount("", v.path, "", unix.MS_REMOUNT, ""))
	s = start(t, v.data())
	program.Must(t, s.download(t.Context(), file.ID, kept))
	s.Stop()
	fsck(t, v.data())
}

// TestBecomesReadOnly makes the folder read-only under a running server: no bytes come in, all that are there come out. Once it can be
// written again, everything goes on.
func TestBecomesReadOnly(t *testing.T) {
	v := mount(t, 64*mib)
	s := start(t, v.data())
	kept := content{name: "kept", size: 100_000}
	file := s.put(kept, nil)
	before := s.Blobs()
	thaw := freeze(t, v.data())
	s.refusesBytes(t)
	program.Must(t, s.download(t.Context(), file.ID, kept))
	if a := s.get("/files/" + file.ID); !a.acknowledged() {
		t.Errorf("retrieve: %s", a)
	}
	if a := s.get("/health"); a.status != http.StatusOK {
		t.Errorf("/health: %s, want 200", a)
	}
	if after := s.Blobs(); len(after) != len(before) {
		t.Errorf("something was left behind: %v; before: %v", after, before)
	}
	thaw()
	s.accepts(t, file.ID)
	s.Swept(2)
	s.Stop()
	fsck(t, v.data())
}
