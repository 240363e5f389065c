//go:build linux

package processing_test

import (
	"net/http"
	"strings"
	"syscall"
	"testing"

	"github.com/satchel-files/satchel/api"
	"github.com/satchel-files/satchel/internal/llm/llmtest"
	"github.com/satchel-files/satchel/tests/program"
)

// underWay is a long text in the middle of its extraction: a part of it is written, and the process that reads it is stopped.
type underWay struct {
	file  *api.File
	child int
}

// inTheMiddle begins the extraction of a long text, on a server with one worker. If it is over before it is stopped, another one is begun.
func inTheMiddle(t *testing.T, s *server) underWay {
	t.Helper()
	child := s.child()
	for range 10 {
		halt(t, child)
		file := s.put(long(), nil)
		s.reaches(file.ID, "running", "extract", "")
		before := s.Blobs()
		sendSignal(t, child, syscall.SIGCONT)
		program.Within(t, "a part of the text is written", func() bool { return len(s.Blobs()) > len(before) })
		halt(t, child)
		if s.file(file.ID).Status == "processing" && s.unfinished() {
			s.reaches(file.ID, "running", "extract", "reading page ")
			return underWay{file, child}
		}
		sendSignal(t, child, syscall.SIGCONT)
		s.settled(file.ID)
	}
	t.Fatal("extraction is too fast to be stopped")
	return underWay{}
}

// unfinished reports whether an object is being written.
func (s *server) unfinished() bool {
	s.t.Helper()
	for path, size := range s.Blobs() {
		if strings.HasSuffix(path, ".part") && size < int64(len(long().content)) {
			return true
		}
	}
	return false
}

// resume lets a process go on that may be gone.
func resume(child int) { _ = syscall.Kill(child, syscall.SIGCONT) }

// free waits until the only worker of a server has nothing else to do.
func (s *server) free() {
	s.t.Helper()
	file := s.put(plain("next.txt", "The next one."), nil)
	wantFile(s.t, s.settled(file.ID), "processed", "", "")
}

// TestKilledWhileExtracting kills the server when half of a text is written.
func TestKilledWhileExtracting(t *testing.T) {
	t.Parallel()
	data := newData(t)
	s := start(t, data, "SATCHEL_WORKERS=1")
	at := inTheMiddle(t, s)
	wantProblem(t, s.do(http.MethodGet, "/files/"+at.file.ID+"/text", nil), http.StatusNotFound, "no_text")
	s.Kill()
	program.Within(t, "the process that reads documents ends with its server", func() bool { return parentOf(at.child) == 0 })
	s = start(t, data, "SATCHEL_WORKERS=1")
	wantFile(t, s.settled(at.file.ID), "processed", "", "")
	if text := strings.ReplaceAll(s.text(at.file.ID), "\f", ""); text != string(long().content) { // a form feed stands between two pages
		t.Errorf("the text has %d bytes", len(text))
	}
	if runs := s.runs(at.file.ID); len(runs) != 1 || runs[0].Status != "succeeded" {
		t.Errorf("the runs are %s", encode(t, runs))
	}
	s.leaves(2 * s.count())
}

// count gives how many files there are.
func (s *server) count() int { return int(s.Metric("satchel_files")) }

// TestDeletedWhileExtracting deletes a file when half of its text is written: nothing is left of it.
func TestDeletedWhileExtracting(t *testing.T) {
	t.Parallel()
	s := start(t, newData(t), "SATCHEL_WORKERS=1")
	at := inTheMiddle(t, s)
	s.delete(at.file.ID)
	resume(at.child)
	s.free()
	s.gone(at.file.ID)
	s.leaves(2 * s.count())
}

// delete deletes a file.
func (s *server) delete(id string) {
	s.t.Helper()
	if a := s.do(http.MethodDelete, "/files/"+id, nil); a.status != http.StatusOK {
		s.t.Errorf("deletion: %s", a)
	}
}

// gone checks that nothing tells of a file any more.
func (s *server) gone(id string) {
	s.t.Helper()
	for _, path := range []string{"", "/content", "/text", "/pages", "/pages/1", "/runs", "/metadata", "/metadata/versions"} {
		wantProblem(s.t, s.do(http.MethodGet, "/files/"+id+path, nil), http.StatusNotFound, "not_found")
	}
}

// TestCancelledWhileExtracting cancels a run when half of the text is written. What was written is gone, and the file can be processed again.
func TestCancelledWhileExtracting(t *testing.T) {
	t.Parallel()
	s := start(t, newData(t), "SATCHEL_WORKERS=1")
	at := inTheMiddle(t, s)
	s.cancel(at.file.ID)
	resume(at.child)
	s.free()
	wantFile(t, s.file(at.file.ID), "error", "cancelled", "cancelled")
	if run := s.run(at.file.ID); run.Status != "cancelled" || run.EndedAt == nil {
		t.Errorf("the run is %s", encode(t, run))
	}
	wantProblem(t, s.do(http.MethodGet, "/files/"+at.file.ID+"/text", nil), http.StatusNotFound, "no_text")
	wantProblem(t, s.do(http.MethodPost, "/files/"+at.file.ID+"/cancel", nil), http.StatusConflict, "run_over")
	s.Swept(2)
	if objects, files := len(s.Blobs()), s.count(); objects != 2*files-1 {
		t.Errorf("%d objects of %d files, of which one has no text", objects, files)
	}
	s.do(http.MethodPost, "/files/"+at.file.ID+"/process", nil, "Prefer", "wait=120")
	wantFile(t, s.file(at.file.ID), "processed", "", "")
	s.leaves(2 * s.count())
}

func (s *server) cancel(id string) *api.File {
	s.t.Helper()
	file := decode[api.File](s.t, s.do(http.MethodPost, "/files/"+id+"/cancel", nil))
	return &file
}

// TestAChildIsKilled kills the process that reads a document in the middle of it: that document cannot be read, others can, and it can be tried
// again. Text that was found before stays.
func TestAChildIsKilled(t *testing.T) {
	t.Parallel()
	s := start(t, newData(t), "SATCHEL_WORKERS=1")
	at := inTheMiddle(t, s)
	sendSignal(t, at.child, syscall.SIGKILL)
	wantFile(t, s.settled(at.file.ID), "error", "extraction_failed", "processing it again may help")
	s.free()
	s.do(http.MethodPost, "/files/"+at.file.ID+"/process", nil, "Prefer", "wait=120")
	wantFile(t, s.file(at.file.ID), "processed", "", "")
	s.leaves(2 * s.count())
}

// TestAnIdleChildIsKilled kills the process that is to read the next document before it has begun: another one reads it.
func TestAnIdleChildIsKilled(t *testing.T) {
	t.Parallel()
	s := start(t, newData(t), "SATCHEL_WORKERS=1")
	child := s.child()
	halt(t, child)
	file := s.put(plain("a.txt", "Read by another one."), nil)
	s.reaches(file.ID, "running", "extract", "")
	sendSignal(t, child, syscall.SIGKILL)
	wantFile(t, s.settled(file.ID), "processed", "", "")
	if text := s.text(file.ID); text != "Read by another one." {
		t.Errorf("the text is %q", text)
	}
	s.leaves(2 * s.count())
}

// TestAChildStandsStill stops the process that reads a document: when its time is over, the document is given up and another process reads the next.
func TestAChildStandsStill(t *testing.T) {
	t.Parallel()
	s := start(t, newData(t), "SATCHEL_WORKERS=1", "SATCHEL_EXTRACT_TIMEOUT=300ms")
	child := s.child()
	halt(t, child)
	file := s.put(plain("a.txt", "Never read."), nil)
	wantFile(t, s.settled(file.ID), "error", "document_too_complex", "longer than 300ms")
	s.free()
	if all := s.children(); len(all) == 1 && all[0] == child {
		t.Error("the process that stood still is still there")
	}
}

// TestDeletedDuringARequest deletes a file while the model thinks about it, and cancels another run: what the model says comes to nothing.
func TestDeletedDuringARequest(t *testing.T) {
	t.Parallel()
	held := newGate(say(`{"set":{"secret":"found"}}`))
	model := llmtest.New(t, held.hold)
	s := start(t, newData(t), withModel(model, "SATCHEL_WORKERS=1")...)
	deleted := s.put(plain("deleted.txt", "Secret: found"), instructed("Find the secret."))
	cancelled := s.put(plain("cancelled.txt", "Secret: found"), instructed("Find the secret."))
	for range 2 {
		next(t, "a request to the model", held.entered)
	}
	s.delete(deleted.ID)
	wantFile(t, s.cancel(cancelled.ID), "error", "cancelled", "cancelled")
	held.release()
	last := s.put(plain("last.txt", "Secret: found"), instructed("Find the secret."))
	wantMetadata(t, s.settled(last.ID), `{"secret":"found"}`)
	s.gone(deleted.ID)
	file := s.file(cancelled.ID)
	wantFile(t, file, "error", "cancelled", "cancelled")
	wantMetadata(t, file, `{}`)
	if n := len(s.versions(cancelled.ID)); n != 1 {
		t.Errorf("%d versions", n)
	}
	if text := s.text(cancelled.ID); text != "Secret: found" {
		t.Errorf("the text is %q", text)
	}
	if n := len(model.Requests()); n != 3 {
		t.Errorf("%d requests to the model, want one for each file", n)
	}
	s.leaves(4)
}
