//go:build linux

package durability_test

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/satchel-files/satchel/tests/program"
)

// slow is an upload of which the server has the first half.
type slow struct {
	conn net.Conn
	rest io.Reader
	in   *bufio.Reader
}

// sendHalf begins an upload and stops in the middle. The server is at work on it: it has asked for the body.
func (s *server) sendHalf(u upload) *slow {
	s.t.Helper()
	conn, err := net.Dial("tcp", strings.TrimPrefix(s.URL, "http://"))
	program.Must(s.t, err)
	s.t.Cleanup(func() { conn.Close() })
	body, size := u.body()
	_, err = fmt.Fprintf(conn, "POST /files HTTP/1.1\r\nHost: satchel\r\nAuthorization: Bearer %s\r\nContent-Length: %d\r\nExpect: 100-continue\r\n"+
		"Content-Type: multipart/form-data; boundary=%q\r\n\r\n", program.RootToken, size, boundary)
	program.Must(s.t, err)
	in := bufio.NewReader(conn)
	line, err := in.ReadString('\n')
	program.Must(s.t, err)
	if !strings.HasPrefix(line, "HTTP/1.1 100 ") {
		s.t.Fatalf("the server does not ask for the body: %s", line)
	}
	_, err = in.ReadString('\n') // the empty line behind it
	program.Must(s.t, err)
	_, err = io.CopyN(conn, body, size/2)
	program.Must(s.t, err)
	return &slow{conn, body, in}
}

// finish sends the other half and gives the status of the answer.
func (u *slow) finish() (status int, err error) {
	if _, err := io.Copy(u.conn, u.rest); err != nil {
		return 0, err
	}
	response, err := http.ReadResponse(u.in, nil)
	if err != nil {
		return 0, err
	}
	defer response.Body.Close()
	_, err = io.Copy(io.Discard, response.Body)
	return response.StatusCode, err
}

// refusesConnections waits until nobody can connect any more.
func (s *server) refusesConnections() {
	s.t.Helper()
	program.Within(s.t, "new connections are refused", func() bool {
		conn, err := net.Dial("tcp", strings.TrimPrefix(s.URL, "http://"))
		if err == nil {
			conn.Close()
		}
		return errors.Is(err, syscall.ECONNREFUSED)
	})
}

// TestStopLetsUploadsFinish asks a server to stop in the middle of uploads: they are finished, and kept.
func TestStopLetsUploadsFinish(t *testing.T) {
	data := filepath.Join(t.TempDir(), "data")
	s := start(t, data)
	files := marked("running", 4, 10_000, 2*mib)
	var running []*slow
	for _, f := range files {
		running = append(running, s.sendHalf(upload{files: []content{f}}))
	}
	s.Signal(syscall.SIGTERM)
	s.refusesConnections()
	for i, u := range running {
		if status, err := u.finish(); err != nil || status != http.StatusOK {
			t.Errorf("%s: %d (%v), want 200", files[i].name, status, err)
		}
	}
	s.EndsInOrder()
	fsck(t, data)
	s = start(t, data)
	found := s.list(100)
	if len(found) != len(files) {
		t.Errorf("%d files are there, want %d", len(found), len(files))
	}
	for _, file := range found {
		for _, f := range files {
			if f.name == file.Filename {
				program.Must(t, s.download(t.Context(), file.ID, f))
			}
		}
	}
}

// TestStopDoesNotWaitForever cuts off an upload that takes longer than the limit. It was not acknowledged, and nothing of it stays.
func TestStopDoesNotWaitForever(t *testing.T) {
	data := filepath.Join(t.TempDir(), "data")
	s := start(t, data, "SATCHEL_SHUTDOWN_TIMEOUT=100ms")
	kept := content{name: "kept", size: 1000}
	file := s.put(kept, nil)
	running := s.sendHalf(upload{files: []content{{name: "cut", size: 2 * mib}}})
	s.Stop()
	if status, err := running.finish(); err == nil {
		t.Errorf("the upload that was cut off was answered with %d", status)
	}
	s = start(t, data)
	s.firstSweep()
	if files := s.list(10); len(files) != 1 || files[0].ID != file.ID {
		t.Errorf("%d files are there, want the one that was kept", len(files))
	}
	program.Must(t, s.download(t.Context(), file.ID, kept))
	s.Stop()
	fsck(t, data)
}

// TestSecondSignal ends a server at once that waits for an upload.
func TestSecondSignal(t *testing.T) {
	data := filepath.Join(t.TempDir(), "data")
	s := start(t, data, "SATCHEL_SHUTDOWN_TIMEOUT=1h")
	s.sendHalf(upload{files: []content{{name: "cut", size: 2 * mib}}})
	s.Signal(syscall.SIGTERM)
	s.refusesConnections()
	program.Within(t, "a further SIGTERM ends the server", func() bool {
		s.Signal(syscall.SIGTERM)
		select {
		case <-s.Ended():
			return true
		default:
			return false
		}
	})
	s = start(t, data)
	s.firstSweep()
	if files := s.list(10); len(files) != 0 {
		t.Errorf("%d files are there, want none", len(files))
	}
	s.Stop()
	fsck(t, data)
}

// TestSecondServer refuses a second server on one data folder, also by another name of the folder. The first one is not disturbed.
func TestSecondServer(t *testing.T) {
	data := filepath.Join(t.TempDir(), "data")
	s := start(t, data)
	file := s.put(content{name: "a", size: 1000}, nil)
	link := filepath.Join(t.TempDir(), "link")
	program.Must(t, os.Symlink(data, link))
	for _, folder := range []string{data, link} {
		out, code := refused(t, folder)
		if code != 1 || !strings.Contains(out, "another server runs on "+folder) {
			t.Errorf("a second server on %s ended with %d:\n%s", folder, code, out)
		}
	}
	s.accepts(t, file.ID)
	s.Kill()
	start(t, data).Stop() // the lock went with the process
}

// TestVersions takes a data folder to the next version, which is this one with one more migration, and back.
func TestVersions(t *testing.T) {
	next := nextVersion(t)
	data := filepath.Join(t.TempDir(), "data")
	s := start(t, data)
	l := newLedger()
	l.crowd(t.Context(), fsyncClients(t, s, "old", 2), 20)
	s.Stop()

	s = startProgram(t, next, data)
	l.settle(t, s)
	l.crowd(t.Context(), fsyncClients(t, s, "new", 2), 20)
	s.Stop()
	aside, err := filepath.Glob(filepath.Join(data, "satchel.db.before-*"))
	program.Must(t, err)
	if len(aside) != 1 {
		t.Fatalf("set aside before the migration: %v, want one copy", aside)
	}

	before := program.Walk(t, data)
	out, code := refused(t, data)
	if code != 1 || !strings.Contains(out, "newer version") {
		t.Errorf("the start on a newer data folder ended with %d:\n%s", code, out)
	}
	if after := program.Walk(t, data); len(after) != len(before) || after[filepath.Join(data, "satchel.db")] != before[filepath.Join(data, "satchel.db")] {
		t.Errorf("the refused start changed the folder: %v; before: %v", after, before)
	}
	s = startProgram(t, next, data)
	l.settle(t, s)
	s.firstSweep()
	s.Stop()

	program.Must(t, os.Rename(aside[0], filepath.Join(data, "satchel.db")))
	s = start(t, data) // the copy is a whole database of the old version
	for _, file := range s.list(100) {
		if !strings.HasPrefix(metadataOf(t, file)[opKey], "old") {
			t.Errorf("the copy has %s, which was made after the migration", file.Filename)
		}
	}
}

// nextVersion builds the program with one more migration.
func nextVersion(t *testing.T) string {
	t.Helper()
	folder := t.TempDir()
	migration := filepath.Join(folder, "migration.sql")
	program.Must(t, os.WriteFile(migration, []byte("-- +goose Up\nALTER TABLE orgs ADD COLUMN motto TEXT;\n"), 0o600))
	place, err := filepath.Abs("../../internal/meta/sqlstore/migrations/sqlite/99999_next.sql")
	program.Must(t, err)
	overlay := filepath.Join(folder, "overlay.json")
	program.Must(t, os.WriteFile(overlay, encode(map[string]any{"Replace": map[string]string{place: migration}}), 0o600))
	next := filepath.Join(folder, "satchel")
	program.Must(t, program.Build(t.Context(), next, "-overlay", overlay))
	return next
}
