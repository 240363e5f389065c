//go:build linux

package processing_test

import (
	"net/http"
	"sync"
	"testing"
)

// TestHostileDocuments uploads documents that nobody can read, all at once: each ends in a clear error or without text, while the server answers
// whoever asks for another file.
func TestHostileDocuments(t *testing.T) {
	t.Parallel()
	pdfsAreFast(t)
	s := start(t, newData(t), "SATCHEL_WORKERS=2", "SATCHEL_EXTRACT_MEMORY=256MiB")
	other := s.read(plain("other.txt", "An innocent file."), nil)
	stop := make(chan struct{})
	var asking sync.WaitGroup
	answers := 0
	asking.Go(func() {
		for {
			select {
			case <-stop:
				return
			default:
			}
			if a, err := s.ask(t.Context(), http.MethodGet, "/files/"+other.ID, nil); err != nil || a.status != http.StatusOK {
				t.Errorf("GET of another file: %s, %v", a, err)
				return
			}
			answers++
		}
	})
	for _, c := range []struct {
		document
		status, code, details string
	}{
		{bomb(t), "error", "document_too_complex", ""}, // for its text or for its memory, whichever is noticed first
		{lockedPDF(), "error", "document_encrypted", "password"},
		{plain("liar.pdf", "This is no PDF at all."), "processed", "", ""},
		{plain("broken.pdf", "%PDF-1.7\nand nothing else"), "error", "document_broken", ""},
		{plain("broken.docx", "PK\x03\x04 and nothing else"), "error", "document_broken", "no complete zip archive"},
		{nested(), "error", "document_too_complex", "nested"},
		{document{"noise.bin", []byte{0, 1, 2, 3, 0xff, 0xfe, 0xfd, 0, 9, 8, 7}}, "processed", "", "No text was found"},
	} {
		file := s.settled(s.put(c.document, nil).ID)
		wantFile(t, file, c.status, c.code, c.details)
		if a := s.do(http.MethodGet, "/files/"+file.ID+"/content", nil); string(a.body) != string(c.content) {
			t.Errorf("the content of %s is not what was sent", c.name)
		}
	}
	close(stop)
	asking.Wait()
	if answers == 0 {
		t.Error("nobody was answered")
	}
	s.read(invoice(), nil)
	s.leaves(9 + 3) // contents, and the texts of three of them
}
