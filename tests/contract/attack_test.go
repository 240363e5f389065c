package contract

import (
	"bytes"
	"fmt"
	"io"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
)

// TestATokenInUseIsRevoked has many use a token while it is revoked: once the revocation is acknowledged, no request with it is answered any more.
func TestATokenInUseIsRevoked(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	made := s.makeToken(t, "acme ada owner")
	var gone atomic.Bool
	var started, used sync.WaitGroup
	started.Add(8)
	for range 8 {
		used.Go(func() {
			for first := true; ; first = false {
				over := gone.Load() // before the request is sent
				a := s.do(t, as(made.Token, "GET", "/files"))
				if first {
					started.Done()
				}
				switch {
				case over && a.status != 401:
					t.Errorf("%d after the token was revoked", a.status)
					return
				case over:
					return
				}
			}
		})
	}
	started.Wait()
	s.do(t, as(rootToken, "DELETE", "/tokens/"+made.ID)).want(t, 200)
	everywhereRevoked()
	gone.Store(true)
	used.Wait()
}

// TestNamesStayInTheirPlace sends names that would be something else if they were believed: none breaks out of the header or the text that it is in.
func TestNamesStayInTheirPlace(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	for _, name := range []string{
		"a\r\nSet-Cookie: x=1", "a\nX-Evil: 1", `a"; filename="b.html`, "a\x00.html", "../../etc/passwd", `..\..\boot.ini`, "a;b=c", "%0d%0aX-Evil: 1", "a\u2028b", "\u202etxt.exe",
	} {
		sent := strings.NewReplacer("\r", "", "\n", "", "\x00", "", `"`, "%22").Replace(name) // what a form can carry; JSON carries the rest
		f := s.do(t, as(rootToken, "POST", "/files?purpose=batch").form(file(sent, "x"))).file(t)
		a := s.do(t, as(rootToken, "POST", "/files/"+f.ID).json(t, map[string]string{"filename": name}))
		if a.status != 200 && a.status != 422 {
			t.Errorf("%q is answered with %d", name, a.status)
		}
		content := s.do(t, as(rootToken, "GET", "/files/"+f.ID+"/content"))
		if content.header.Get("Set-Cookie") != "" || content.header.Get("X-Evil") != "" {
			t.Errorf("%q became a header: %v", name, content.header)
		}
		disposition := content.header.Get("Content-Disposition")
		if !strings.HasPrefix(disposition, "attachment") || strings.ContainsAny(disposition, "\r\n\x00/\\") {
			t.Errorf("%q is given as %q", name, disposition)
		}
	}
}

// TestNothingRunsAsAPage uploads what browsers run under all names and types: it comes back as an attachment that nobody sniffs, in a sandbox.
func TestNothingRunsAsAPage(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	for name, content := range map[string]string{
		"page.html": "<!doctype html><script>alert(1)</script>", "image.svg": `<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>`,
		"feed.xml": `<?xml version="1.0"?><?xml-stylesheet href="x.xsl"?><a/>`, "code.js": "alert(1)", "style.css": "*{}", "book.xhtml": `<html xmlns="http://www.w3.org/1999/xhtml"/>`,
		"image.png": "<script>alert(1)</script>", "noname": "<html>", "doc.pdf": "%PDF-1.7 /JS (app.alert(1))", "archive.mht": "MIME-Version: 1.0\r\n\r\n<script>",
	} {
		for _, declared := range []string{"", "text/html", "image/svg+xml", "application/xhtml+xml"} {
			p := file(name, content)
			p.contentType = declared
			f := s.do(t, as(rootToken, "POST", "/files?purpose=batch").form(p)).file(t)
			a := s.do(t, as(rootToken, "GET", "/files/"+f.ID+"/content"))
			for header, want := range map[string]string{"Content-Disposition": "attachment", "X-Content-Type-Options": "nosniff", "Content-Security-Policy": "sandbox"} {
				if got := a.header.Get(header); !strings.Contains(got, want) {
					t.Errorf("%s as %q: %s is %q", name, declared, header, got)
				}
			}
			switch kind, _, _ := strings.Cut(a.header.Get("Content-Type"), ";"); kind {
			case "text/html", "image/svg+xml", "application/xhtml+xml", "text/xml", "application/xml", "text/javascript", "text/css", "multipart/related":
				t.Errorf("%s as %q is served as %s", name, declared, kind)
			}
		}
	}
}

// TestIdsThatArePaths asks for ids that would lead elsewhere if they became paths: none is there, and none is answered otherwise than an unknown one.
func TestIdsThatArePaths(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	s.do(t, as(rootToken, "POST", "/files?purpose=batch").form(file("a.txt", "a"))).file(t)
	for _, id := range []string{
		"..%2f..%2fsatchel.db", "%2e%2e", "%2e%2e%2fblobs", "%2fetc%2fpasswd", "..%5c..%5csatchel.db", "file-%00", "%00", "file-" + strings.Repeat("0", 5000), "file-0000000000000000000000000%2f..",
	} {
		for _, path := range []string{"/files/%s", "/files/%s/content", "/files/%s/text", "/files/%s/metadata", "/files/%s/runs", "/files/%s/runs/%[1]s", "/workspaces/%s", "/users/%s", "/tokens/%s"} {
			target := fmt.Sprintf(path, id)
			if strings.Count(path, "%") == 1 {
				target = strings.ReplaceAll(path, "%s", id)
			}
			method := "GET"
			if strings.HasPrefix(path, "/tokens") {
				method = "DELETE"
			}
			if a := s.do(t, as(rootToken, method, target)); a.status != 404 && a.status != 403 && a.status != 422 {
				t.Errorf("%s %s: %d", method, target, a.status)
			}
		}
	}
}

// TestTwoLengths sends requests whose end two readers could see in different places: they are refused, or read as one, and nothing behind them is taken for
// another request.
func TestTwoLengths(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	owner := s.token(t, "acme olga owner")
	hidden := as(owner, "POST", "/workspaces").json(t, map[string]string{"id": "smuggled"}).wire()
	for name, r := range map[string]request{
		"both":          as(owner, "POST", "/workspaces").with("Connection", "close").with("Content-Length", "4").with("Transfer-Encoding", "chunked").content("application/json", []byte(`{"id":"both"}`)),
		"two lengths":   as(owner, "POST", "/workspaces").with("Content-Length", "12").with("Content-Length", "13").content("application/json", []byte(`{"id":"twolen"}`)),
		"odd encoding":  as(owner, "POST", "/workspaces").with("Transfer-Encoding", "xchunked").content("application/json", hidden),
		"signed length": as(owner, "POST", "/workspaces").with("Content-Length", "+5").content("application/json", hidden),
	} {
		conn := s.dial(t)
		behind := hidden
		if name == "both" { // net/http goes by the chunks, and what follows the last one is a request like any other
			behind = nil
		}
		if _, err := conn.Write(append(r.wire(), behind...)); err != nil {
			t.Fatal(err)
		}
		all, _ := io.ReadAll(conn) // a connection that is cut has said enough
		a, err := tryAnswer(bytes.NewReader(all), r)
		if err != nil || a.status != 200 && a.status != 400 && a.status != 501 {
			t.Errorf("%s: %d, %v", name, a.status, err)
		}
		if n := bytes.Count(all, []byte("HTTP/1.1 ")); n != 1 {
			t.Errorf("%s: %d answers to what is one request, if it is any:\n%s", name, n, all)
		}
	}
	s.do(t, as(owner, "GET", "/workspaces/smuggled")).want(t, 404)
	for _, target := range []string{"/files", "/health", "example.com:443"} { // a 2xx would make a tunnel of the connection
		conn := s.dial(t)
		r := as(owner, "CONNECT", target)
		if _, err := conn.Write(r.wire()); err != nil {
			t.Fatal(err)
		}
		if a := readAnswer(t, conn, r); a.status != 405 && a.status != 404 {
			t.Errorf("CONNECT %s: %d", target, a.status)
		}
	}
}

// TestNobodyIsFoundByGuessing asks for what others have and for what nobody has: the answers are the same but for the name that was asked for.
func TestNobodyIsFoundByGuessing(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	s.do(t, as(s.token(t, "acme olga owner"), "POST", "/workspaces").json(t, map[string]string{"id": "secret"})).want(t, 200)
	s.token(t, "acme ada member")
	eve, mary := s.token(t, "rival eve owner"), s.token(t, "acme vera viewer lab")
	for _, c := range []struct{ who, method, path, there, none string }{
		{eve, "GET", "/workspaces/%s", "secret", "nobody"}, {eve, "GET", "/users/%s", "ada", "bob"}, {eve, "GET", "/organizations/%s", "acme", "none"},
		{eve, "DELETE", "/users/%s", "ada", "bob"}, {eve, "GET", "/usage?org=%s", "acme", "none"}, {eve, "GET", "/audit?org=%s", "acme", "none"},
		{eve, "GET", "/users?org=%s", "acme", "none"}, {mary, "GET", "/users/%s", "ada", "bob"}, {mary, "GET", "/workspaces/%s", "secret", "nobody"},
		{mary, "GET", "/files?workspace=%s", "secret", "nobody"},
	} {
		ask := func(name string) string {
			a := s.do(t, as(c.who, c.method, fmt.Sprintf(c.path, url.QueryEscape(name))))
			return fmt.Sprint(a.status, strings.ReplaceAll(string(a.body), name, "…"))
		}
		if there, none := ask(c.there), ask(c.none); there != none {
			t.Errorf("%s: %s\nfor what is there, and for what is not: %s", c.path, there, none)
		}
	}
}
