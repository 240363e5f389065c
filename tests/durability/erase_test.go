//go:build linux

package durability_test

import (
	"bytes"
	"database/sql"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	_ "modernc.org/sqlite" // to move an expiry into the past

	"github.com/satchel-files/satchel/internal/maintain"
	"github.com/satchel-files/satchel/tests/program"
)

// traces gives the files of the data folder in which one of the marks stands, in their names or anywhere in their raw bytes.
func (s *server) traces(marks ...string) []string {
	s.t.Helper()
	var found []string
	for path := range program.Walk(s.t, s.Data) {
		raw, err := os.ReadFile(path)
		if err != nil {
			continue // gone meanwhile
		}
		for _, mark := range marks {
			if bytes.Contains(raw, []byte(mark)) {
				found = append(found, fmt.Sprintf("%s in %s", mark, filepath.Base(path)))
			}
		}
	}
	slices.Sort(found)
	return found
}

// secret is a file that can be found again in raw bytes: by its content, name and metadata, the former ones too.
func (s *server) secret(name string) (id string, marks []string) {
	s.t.Helper()
	marks = []string{name + "-content-3f9a", name + "-filename-77c1", name + "-metadata-5be0", name + "-former-metadata-1d24"}
	f := content{name: marks[1], head: marks[0], size: 100_000}
	file := s.put(f, map[string]string{"first": marks[3], marks[2]: "a key is no better"})
	a, err := s.patch(s.t.Context(), file.ID, map[string]string{"first": marks[2]})
	if err != nil || !a.acknowledged() {
		s.t.Fatal(a, err)
	}
	for _, mark := range marks {
		if len(s.traces(mark)) == 0 {
			s.t.Fatalf("%s is nowhere: the test cannot see it vanish", mark)
		}
	}
	return file.ID, marks
}

func (s *server) vanish(marks []string) {
	s.t.Helper()
	var left []string
	defer func() {
		if s.t.Failed() {
			s.t.Logf("what is left: %q", left)
		}
	}()
	program.Within(s.t, "deleted files leave no trace in the data folder", func() bool {
		left = s.traces(marks...)
		return len(left) == 0
	})
}

// TestDeletedLeavesNoTrace looks for deleted and expired files in the raw bytes of everything that the server keeps.
func TestDeletedLeavesNoTrace(t *testing.T) {
	s := start(t, filepath.Join(t.TempDir(), "data"), "SATCHEL_SWEEP_INTERVAL=20ms")
	for _, f := range marked("others", 10, 10, 5000) { // pages are shared with rows that stay
		s.put(f, map[string]string{"other": f.name})
	}
	t.Run("deleted", func(t *testing.T) {
		id, marks := s.secret("deleted")
		a, err := s.remove(t.Context(), id)
		if err != nil || !a.acknowledged() {
			t.Fatal(a, err)
		}
		s.absent(t, id)
		s.vanish(marks)
	})
	t.Run("expired", func(t *testing.T) {
		id, marks := s.secret("expired")
		s.expire(id)
		s.absent(t, id)
		s.vanish(marks)
	})
	t.Run("deleted while a backup runs", func(t *testing.T) {
		end, err := maintain.BeginBackup(t.Context(), s.Data)
		program.Must(t, err)
		id, marks := s.secret("backup")
		a, err := s.remove(t.Context(), id)
		if err != nil || !a.acknowledged() {
			t.Fatal(a, err)
		}
		s.absent(t, id)
		s.Swept(3)
		if len(s.traces(marks[0])) == 0 {
			t.Error("the bytes are gone while a backup may need them")
		}
		program.Must(t, end())
		s.vanish(marks)
	})
	t.Run("deleted before a crash", func(t *testing.T) {
		id, marks := s.secret("crash")
		a, err := s.remove(t.Context(), id)
		if err != nil || !a.acknowledged() {
			t.Fatal(a, err)
		}
		s.Kill()
		again := start(t, s.Data)
		again.absent(t, id)
		again.vanish(marks)
		if files := again.list(100); len(files) != 20 {
			t.Errorf("%d files are left, want 20", len(files))
		}
		again.Stop()
		fsck(t, s.Data)
	})
}

// absent expects that no answer knows a file any more.
func (s *server) absent(t *testing.T, id string) {
	t.Helper()
	for _, path := range []string{"/files/" + id, "/files/" + id + "/content"} {
		if a := s.get(path); a.status != http.StatusNotFound {
			t.Errorf("%s: %s, want 404", path, a)
		}
	}
	for _, file := range s.list(10) {
		if file.ID == id {
			t.Errorf("the list has %s", id)
		}
	}
}

// expire lets a file's time be over. Through the API none expires within the hour.
func (s *server) expire(id string) {
	s.t.Helper()
	db, err := sql.Open("sqlite", "file:"+filepath.Join(s.Data, "satchel.db")+"?_pragma=busy_timeout(10000)&_pragma=secure_delete(1)")
	program.Must(s.t, err)
	defer func() { program.Must(s.t, db.Close()) }()
	done, err := db.ExecContext(s.t.Context(), "UPDATE files SET expires_at = $1 WHERE id = $2", time.Now().Add(-time.Second).UnixMicro(), id)
	program.Must(s.t, err)
	if n, err := done.RowsAffected(); err != nil || n != 1 {
		s.t.Fatalf("%d files expire (%v)", n, err)
	}
}
