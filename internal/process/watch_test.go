package process

import (
	"context"
	"errors"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/satchel-files/satchel"
	"github.com/satchel-files/satchel/internal/blob"
	"github.com/satchel-files/satchel/internal/blob/diskblob"
	"github.com/satchel-files/satchel/internal/files"
	"github.com/satchel-files/satchel/internal/meta/metatest"
	"github.com/satchel-files/satchel/internal/meta/sqlstore"
)

// held is a file whose run a worker holds, in a bubble where time passes when nobody works.
type held struct {
	*files.Service
	t     *testing.T
	rows  *sqlstore.SQLite
	scope satchel.Scope
	work  *files.Work
}

func hold(t *testing.T) *held {
	t.Helper()
	h := &held{t: t}
	var err error
	h.rows, err = sqlstore.OpenSQLite(t.Context(), sqlstore.Options{Path: filepath.Join(t.TempDir(), "satchel.db")})
	h.must(err)
	t.Cleanup(func() { _ = h.rows.Close() })
	h.scope = metatest.Tenant(t, h.rows)
	disk, err := diskblob.Open(t.TempDir())
	h.must(err)
	h.Service = files.New(files.Config{Store: h.rows, Vault: blob.NewVault(disk, blob.Options{})})
	upload, err := h.NewUpload(t.Context(), h.scope, -1, "")
	h.must(err)
	h.must(upload.Add(t.Context(), "a.txt", "", strings.NewReader("content")))
	terms, err := files.Fields{}.Check()
	h.must(err)
	made, err := h.Create(t.Context(), h.scope, upload, terms, "")
	h.must(err)
	h.work, err = h.Claim(t.Context(), h.scope, made[0].ID)
	h.must(err)
	return h
}

func (h *held) must(err error) {
	h.t.Helper()
	if err != nil {
		h.t.Fatal(err)
	}
}

func (h *held) id() string { return string(h.work.File().ID) }

func (h *held) details() string {
	h.t.Helper()
	file, err := h.File(h.t.Context(), h.scope, h.id())
	h.must(err)
	return file.StatusDetails
}

// TestAWatcherSaysWhatIsDone tells of news within a second, and holds the run while there is none.
func TestAWatcherSaysWhatIsDone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := hold(t)
		ctx, w, stop := watch(t.Context(), h.work)
		defer stop()
		for _, news := range []string{"reading page 1 of 2", "reading page 2 of 2"} {
			w.say("skipped " + news)
			w.say(news)
			pass(look + time.Millisecond)
			if got := h.details(); got != news {
				t.Errorf("the file says %q, want %q", got, news)
			}
		}
		before := h.work.Run().UpdatedAt
		pass(beat / 2)
		if now := h.work.Run().UpdatedAt; !now.Equal(before) {
			t.Errorf("without news the run was written after %s", now.Sub(before))
		}
		pass(10 * files.Lease)
		if other, err := h.Claim(t.Context(), h.scope, h.work.File().ID); other != nil || err != nil {
			t.Errorf("another worker has the run, %v", err)
		}
		if ctx.Err() != nil {
			t.Errorf("the work was ended: %v", context.Cause(ctx))
		}
	})
}

// pass lets time pass.
func pass(d time.Duration) { <-time.After(d) }

// TestAWatcherEndsLostWork finds out that a run is no longer its own: with news within a second, without within a beat.
func TestAWatcherEndsLostWork(t *testing.T) {
	for name, end := range map[string]func(h *held) error{
		"cancelled": func(h *held) error {
			_, err := h.Cancel(h.t.Context(), h.scope, h.id())
			return err
		},
		"deleted": func(h *held) error { return h.Delete(h.t.Context(), h.scope, h.id()) },
	} {
		for _, news := range []bool{true, false} {
			synctest.Test(t, func(t *testing.T) {
				h := hold(t)
				ctx, w, stop := watch(t.Context(), h.work)
				defer stop()
				h.must(end(h))
				limit := beat + look
				if news {
					w.say("news")
					limit = look
				}
				begun := time.Now()
				<-ctx.Done()
				if cause := context.Cause(ctx); !errors.Is(cause, files.ErrLost) {
					t.Errorf("%s: the work was ended by %v", name, cause)
				}
				if took := time.Since(begun); took > limit {
					t.Errorf("%s, with news %v: the work was ended after %s", name, news, took)
				}
			})
		}
	}
}

// TestAWatcherBearsFailures has a store that fails for a while: that is no reason to end the work.
func TestAWatcherBearsFailures(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := hold(t)
		ctx, w, stop := watch(t.Context(), h.work)
		defer stop()
		h.must(h.rows.Close())
		w.say("nobody hears it")
		pass(files.Lease / 2)
		if ctx.Err() != nil {
			t.Errorf("the work was ended: %v", context.Cause(ctx))
		}
	})
}
