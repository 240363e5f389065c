package daemon_test

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/satchel-files/satchel/api"
	"github.com/satchel-files/satchel/internal/blob/s3test"
	"github.com/satchel-files/satchel/internal/daemon"
	"github.com/satchel-files/satchel/internal/meta/sqlstore"
)

// started opens a server and closes it again.
func started(t *testing.T, c daemon.Config) error {
	t.Helper()
	d, err := daemon.Open(t.Context(), c, io.Discard)
	if err != nil {
		return err
	}
	return d.Close()
}

// wantRefused checks that a server does not start, and says why.
func wantRefused(t *testing.T, c daemon.Config, why string) {
	t.Helper()
	if err := started(t, c); err == nil || !strings.Contains(err.Error(), why) {
		t.Errorf("a start with the blobs in %q: %v; it should say %q", c.Blobs, err, why)
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func folder(t *testing.T) string { return "file://" + filepath.Join(t.TempDir(), "blobs") }

// TestBytesBelongToTheirRows: a sweep removes what the rows do not name, so no installation may be given the place of another one.
func TestBytesBelongToTheirRows(t *testing.T) {
	server := s3test.Start(t)
	for name, places := range map[string][2]string{
		"folders": {folder(t), folder(t)},
		"buckets": {server.URL("one"), server.URL("two")},
	} {
		t.Run(name, func(t *testing.T) {
			c, other := config(t), config(t)
			c.Blobs, other.Blobs = places[0], places[0]
			must(t, started(t, c))
			must(t, started(t, c))
			wantRefused(t, other, "belongs to another installation")
			for _, elsewhere := range []string{"", places[1], folder(t)} {
				moved := c
				moved.Blobs = elsewhere
				wantRefused(t, moved, "lie in "+places[0])
			}
			other.Blobs = places[1]
			must(t, started(t, other))
			c.Blobs = places[1]
			wantRefused(t, c, "lie in "+places[0])
		})
	}
}

func TestMaintenanceLooksAtTheRightPlace(t *testing.T) {
	c := config(t)
	c.Blobs = s3test.Start(t).URL("")
	must(t, started(t, c))
	report, err := daemon.Fsck(t.Context(), c, daemon.FsckOptions{})
	if err != nil || !report.Clean() {
		t.Errorf("fsck: %v", err)
	}
	wrong := c
	wrong.Blobs = ""
	if _, err := daemon.Fsck(t.Context(), wrong, daemon.FsckOptions{Repair: true}); err == nil || !strings.Contains(err.Error(), "SATCHEL_BLOBS") {
		t.Errorf("fsck elsewhere: %v", err)
	}
	if _, err := daemon.Backup(t.Context(), wrong, t.TempDir(), nil); err == nil || !strings.Contains(err.Error(), "SATCHEL_BLOBS") {
		t.Errorf("backup from elsewhere: %v", err)
	}
	offline, err := daemon.OpenOffline(t.Context(), wrong) // tokens are rows
	must(t, err)
	_, err = offline.CreateToken(t.Context(), api.TokenRequest{User: "ada", Role: "owner"})
	must(t, errors.Join(err, offline.Close()))
}

// TestACopyNeverGetsTheOriginalsPlace: whoever tries a backup must not sweep what came after it.
func TestACopyNeverGetsTheOriginalsPlace(t *testing.T) {
	c := config(t)
	c.Blobs = folder(t)
	must(t, started(t, c))
	dest, restored := filepath.Join(t.TempDir(), "backup"), config(t)
	_, err := daemon.Backup(t.Context(), c, dest, nil)
	must(t, err)
	_, err = daemon.Restore(t.Context(), restored, dest, false, nil)
	must(t, err)
	for _, data := range []string{dest, restored.Data} {
		again := c
		again.Data = data
		wantRefused(t, again, "belongs to another installation")
		again.Blobs = ""
		must(t, started(t, again))
	}
	if _, err := daemon.Fsck(t.Context(), daemon.Config{Data: restored.Data, Blobs: folder(t)}, daemon.FsckOptions{}); err == nil || !strings.Contains(err.Error(), "no server") {
		t.Errorf("fsck takes a place: %v", err)
	}
}

// TestAPlaceThatMoved is known by the sign that moved along.
func TestAPlaceThatMoved(t *testing.T) {
	c := config(t)
	dir := t.TempDir()
	c.Blobs = "file://" + filepath.Join(dir, "old")
	must(t, started(t, c))
	must(t, os.Rename(filepath.Join(dir, "old"), filepath.Join(dir, "new")))
	wantRefused(t, c, "owner") // an empty folder in its place, as where nothing is mounted
	c.Blobs = "file://" + filepath.Join(dir, "new")
	must(t, started(t, c))
}

// TestAnInterruptedClaimIsFinished: the rows knew the name, and the place did not yet.
func TestAnInterruptedClaimIsFinished(t *testing.T) {
	c := config(t)
	c.Blobs = folder(t)
	must(t, started(t, c))
	rows, err := sqlstore.OpenSQLite(t.Context(), sqlstore.Options{Path: filepath.Join(c.Data, "satchel.db")})
	must(t, err)
	mark, err := rows.Mark(t.Context(), "blobs.place")
	must(t, err)
	must(t, errors.Join(rows.SetMark(t.Context(), "blobs.place", mark+" (claiming)"), rows.Close()))
	must(t, os.Remove(filepath.Join(strings.TrimPrefix(c.Blobs, "file://"), "owner")))
	must(t, started(t, c))
	must(t, started(t, c))
	elsewhere := c
	elsewhere.Blobs = folder(t)
	wantRefused(t, elsewhere, "lie in "+c.Blobs)
}

func TestFaultsOfBlobs(t *testing.T) {
	for blobs, want := range map[string]string{
		"/srv/blobs":            "no place for bytes",
		"file://host/blobs":     "no place for bytes",
		"file:blobs":            "no place for bytes",
		"https://example.com/a": "no place for bytes",
		"s3://Files":            "no name of a bucket",
		"s3://files?versions=1": `"versions" means nothing`,
	} {
		c := config(t)
		c.Blobs = blobs
		if err := c.Check(); err == nil || !strings.Contains(err.Error(), "blobs: ") || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v; it should say %q", blobs, err, want)
		}
	}
}
