package diskblob_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/satchel-files/satchel/internal/blob/blobtest"
	"github.com/satchel-files/satchel/internal/blob/diskblob"
)

func TestAForbiddenFolder(t *testing.T) {
	dir := t.TempDir()
	store, key := open(t, dir), newKey()
	put(t, store, key)
	withoutRights(t, dir, func() {
		_, err := store.Create(t.Context(), newKey())
		if !errors.Is(err, fs.ErrPermission) || !strings.Contains(err.Error(), dir) {
			t.Errorf("Create: %v", err)
		}
		if err := store.Delete(t.Context(), key); !errors.Is(err, fs.ErrPermission) {
			t.Errorf("Delete: %v", err)
		}
		if _, err := store.Open(t.Context(), key); !errors.Is(err, fs.ErrPermission) {
			t.Errorf("Open: %v", err)
		}
		if _, err := diskblob.Open(filepath.Join(dir, "new")); !errors.Is(err, fs.ErrPermission) {
			t.Errorf("Open of a new store: %v", err)
		}
	})
	if keys := blobtest.Keys(t, store); len(keys) != 1 {
		t.Errorf("listed: %v", keys)
	}
}

// withoutRights runs do while a folder allows nothing. To root that means nothing, so root becomes nobody meanwhile, on a thread that
// ends with do.
func withoutRights(t *testing.T, dir string, do func()) {
	t.Helper()
	if err := os.Chmod(dir, 0); err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		runtime.LockOSThread()
		if os.Geteuid() == 0 {
			const nobody = 65534
			if err := unix.Setfsuid(nobody); err != nil {
				t.Error(err)
				return
			}
		}
		do()
	}()
	<-done
	if err := os.Chmod(dir, 0o700); err != nil {
		t.Fatal(err)
	}
}
