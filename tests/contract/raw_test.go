package contract

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/satchel-files/satchel/internal/daemon"
)

// Names that would be headers, or the end of a head, if they got into one as they are.
func breakingNames() []string {
	return []string{
		"a\r\nX-Evil: 1", "a\nX-Evil: 1", "a\rX-Evil: 1", "a\r\n\r\n<script>alert(1)</script>", "a\x00X-Evil: 1", "a\u2028X-Evil: 1", "a\u0085X-Evil: 1", "%0d%0aX-Evil: 1",
		`a"; X-Evil="1`, "\u560d\u560aX-Evil: 1", // whose last bytes would be CR and LF to whoever cuts runes off
	}
}

var headLine = regexp.MustCompile(`^[A-Za-z-]+: [ -~]*$`)

// raw sends a request and checks the bytes of the answer's head: it has whole lines of ASCII, and none that a name has made.
func (s *server) raw(t *testing.T, r request) {
	t.Helper()
	conn := s.dial(t)
	defer conn.Close()
	if _, err := conn.Write(r.with("Connection", "close").wire()); err != nil {
		t.Fatal(err)
	}
	all, err := io.ReadAll(conn)
	if err != nil {
		t.Fatal(err)
	}
	head, body, found := bytes.Cut(all, []byte("\r\n\r\n"))
	lines := strings.Split(string(head), "\r\n")
	if !found || !strings.HasPrefix(lines[0], "HTTP/1.1 ") || strings.HasPrefix(lines[0], "HTTP/1.1 5") {
		t.Errorf("%s %s: %.300q", r.method, r.target, all)
	}
	for _, line := range lines[1:] {
		if !headLine.MatchString(line) || strings.HasPrefix(strings.ToLower(line), "x-evil") {
			t.Errorf("%s %s: the head has the line %q", r.method, r.target, line)
		}
	}
	if strings.Contains(string(head), "Content-Type: application/json") && bytes.ContainsAny(body[:max(len(body)-1, 0)], "\r\n\x00") { // the last byte is a line end
		t.Errorf("%s %s: the body has raw line ends: %.300q", r.method, r.target, body)
	}
}

// TestNothingBreaksOutOfItsLine puts such names wherever there is room for a name, and reads the bytes of all answers that have them.
func TestNothingBreaksOutOfItsLine(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	owner := s.makeToken(t, "acme olga owner")
	on := func(method, target string) request { return as(owner.Token, method, target) }
	f := s.do(t, on("POST", "/files?purpose=batch").form(file("a.txt", "a"))).file(t)
	s.do(t, on("POST", "/workspaces").json(t, map[string]string{"id": "lab"})).want(t, http.StatusOK)
	for _, name := range breakingNames() {
		for _, r := range []request{
			on("POST", "/files/"+f.ID).json(t, map[string]string{"filename": name}), on("PATCH", "/workspaces/lab").json(t, map[string]string{"name": name}),
			on("POST", "/workspaces").json(t, map[string]string{"id": name}), on("POST", "/users").json(t, map[string]string{"name": name}),
			on("PATCH", "/organizations/"+owner.OrgID).json(t, map[string]string{"name": name}), on("POST", "/tokens").json(t, map[string]string{"user": name, "role": "member"}),
			on("PUT", "/files/"+f.ID+"/metadata").json(t, map[string]any{name: name}), on("PUT", "/workspaces/lab/user").json(t, map[string]string{"user": name, "access": name}),
			on("POST", "/files?purpose=batch").form(field(url.QueryEscape(name), name), field("metadata", fmt.Sprintf(`{"%s":1}`, name)), file("b.txt", "b")),
			on("GET", "/files?"+url.QueryEscape(name)+"=1"), on("GET", "/files?filename="+url.QueryEscape(name)), on("GET", "/files?workspace="+url.QueryEscape(name)),
			on("GET", "/files?after="+url.QueryEscape(name)), on("GET", "/files/"+url.PathEscape(name)), on("GET", "/"+url.PathEscape(name)),
			on("GET", "/workspaces/"+url.PathEscape(name)), on("GET", "/audit?action="+url.QueryEscape(name)), on(http.MethodDelete, "/users/"+url.PathEscape(name)),
			on("GET", "/files").with("Prefer", url.PathEscape(name)), on("GET", "/files").with("X-Activeloop-Org-Id", url.PathEscape(name)),
			on("GET", "/files/"+f.ID+"/content"), on("HEAD", "/files/"+f.ID+"/content"), on("GET", "/files/"+f.ID), on("GET", "/files/"+f.ID+"/metadata"),
			on("GET", "/files"), on("GET", "/workspaces"), on("GET", "/users"), on("GET", "/organizations"), on("GET", "/audit"),
		} {
			s.raw(t, r)
		}
	}
}

// TestTextIsNoPage reads documents with scripts in them: what is read comes as text or JSON that nobody sniffs, and so does every other answer.
func TestTextIsNoPage(t *testing.T) {
	t.Parallel()
	s := newServer(t, func(c *daemon.Config) { c.Workers = 2 })
	for name, content := range map[string]string{
		"page.html": "<!doctype html><title><script>alert(1)</script></title><p>Being is.<script>alert(2)</script>", "notes.md": "# Notes\n\n<script>alert(1)</script>\n",
		"plain.txt": "<html><script>alert(1)</script>Being is.</html>", "feed.xml": `<?xml version="1.0"?><a>Being &lt;script> is.</a>`,
	} {
		f := s.do(t, as(rootToken, "POST", "/files").with("Prefer", "wait=60").form(file(name, content))).file(t)
		for _, path := range []string{"/text", "/pages", "/pages?include=text", "/pages/1", "/metadata", "/runs", ""} {
			for _, method := range []string{"GET", "HEAD"} {
				if method == "HEAD" && path != "/text" {
					continue
				}
				a := s.do(t, as(rootToken, method, "/files/"+f.ID+path))
				if a.status != http.StatusOK {
					t.Errorf("%s of %s: %d %s", path, name, a.status, a.body)
				}
				kind, _, _ := strings.Cut(a.header.Get("Content-Type"), ";")
				if kind != "application/json" && kind != "text/markdown" && kind != "text/plain" || a.header.Get("X-Content-Type-Options") != "nosniff" {
					t.Errorf("%s of %s is served with %v", path, name, a.header)
				}
			}
		}
	}
	hostile := "/%3Cscript%3Ealert(1)%3C%2Fscript%3E" // is repeated in the answer, which is JSON
	if a := s.do(t, as(rootToken, "GET", hostile)); !a.isJSON() {
		t.Errorf("what is not there is answered with %v", a.header)
	}
}

// TestIdsInTheMiddle asks for parts of a file that is there by names that would lead elsewhere if they became paths.
func TestIdsInTheMiddle(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	f := s.do(t, as(rootToken, "POST", "/files?purpose=batch").form(file("a.txt", "a"))).file(t)
	before := s.blobs(t)
	for _, id := range []string{
		"..%2f..%2fsatchel.db", "%2e%2e", "%2e%2e%2f%2e%2e", "%2fetc%2fpasswd", "..%5csatchel.db", "run-%00", "%00", "1%00", "1%2f..", "+1", "0x1", "1e0", "%EF%BC%91",
		"run-" + strings.Repeat("0", 5000), strings.Repeat("9", 5000), "%ff%fe",
	} {
		for _, path := range []string{"/runs/%s", "/pages/%s", "/text?page=%s", "/metadata/versions/%s/restore", "?workspace=%s", "/runs?after=%s"} {
			method := "GET"
			if strings.HasSuffix(path, "/restore") {
				method = "POST"
			}
			a := s.do(t, as(rootToken, method, "/files/"+f.ID+strings.ReplaceAll(path, "%s", id)))
			if fine := path == "/text?page=%s" || path == "/runs?after=%s"; a.status < http.StatusBadRequest && !fine || a.status >= http.StatusInternalServerError {
				t.Errorf("%s %s with %.50s: %d %.200s", method, path, id, a.status, a.body)
			}
		}
		for _, query := range []string{"workspace", "org", "after"} {
			if a := s.do(t, as(rootToken, "GET", "/files?"+query+"="+id)); a.status >= http.StatusInternalServerError {
				t.Errorf("%s=%.50s: %d %.200s", query, id, a.status, a.body)
			}
		}
	}
	if after := s.blobs(t); len(after) != len(before) {
		t.Errorf("what is stored has changed: %v, %v", before, after)
	}
}
