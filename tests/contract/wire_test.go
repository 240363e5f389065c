package contract

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"testing"

	"github.com/satchel-files/satchel/api"
)

const formBoundary = "satchel-form"

// header is one line of a request's head, sent as it stands.
type header struct{ name, value string }

// request is what goes over the wire, byte for byte.
type request struct {
	method, target string
	header         []header
	body           []byte
	hasBody        bool
	encoded        []byte // the body in its transfer encoding, where that is not small chunks
}

// with gives the request with a further header.
func (r request) with(name, value string) request {
	r.header = append(r.header[:len(r.header):len(r.header)], header{name, value})
	return r
}

// content gives the request with a body of some type.
func (r request) content(contentType string, body []byte) request {
	r = r.with("Content-Type", contentType)
	r.body, r.hasBody = body, true
	return r
}

func (r request) json(t testing.TB, value any) request {
	t.Helper()
	body, err := json.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	return r.content("application/json", body)
}

// form gives the request with a multipart form.
func (r request) form(parts ...part) request {
	return r.content("multipart/form-data; boundary="+formBoundary, formBody(parts))
}

func (r request) has(name string) bool {
	for _, h := range r.header {
		if strings.EqualFold(h.name, name) {
			return true
		}
	}
	return false
}

// head is the request line and the headers, with what the body needs.
func (r request) head() []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, "%s %s HTTP/1.1\r\n", r.method, r.target)
	if !r.has("Host") {
		b.WriteString("Host: satchel.test\r\n")
	}
	for _, h := range r.header {
		fmt.Fprintf(&b, "%s: %s\r\n", h.name, h.value)
	}
	if r.hasBody && !r.has("Content-Length") && !r.has("Transfer-Encoding") {
		fmt.Fprintf(&b, "Content-Length: %d\r\n", len(r.body))
	}
	b.WriteString("\r\n")
	return b.Bytes()
}

// wire is the whole request.
func (r request) wire() []byte {
	if r.encoded != nil {
		return append(r.head(), r.encoded...)
	}
	if r.has("Transfer-Encoding") {
		return append(r.head(), chunked(r.body)...)
	}
	return append(r.head(), r.body...)
}

// chunked encodes a body in pieces of at most 64 bytes, so that small bodies have several.
func chunked(body []byte) []byte {
	var b bytes.Buffer
	for len(body) > 0 {
		n := min(len(body), 64)
		fmt.Fprintf(&b, "%x\r\n%s\r\n", n, body[:n])
		body = body[n:]
	}
	b.WriteString("0\r\n\r\n")
	return b.Bytes()
}

// part is one part of a form; a file has a name (which may be empty).
type part struct {
	name, content string
	isFile        bool
	filename      string
	contentType   string
}

func field(name, value string) part { return part{name: name, content: value} }

func file(filename, content string) part {
	return part{name: "file", content: content, isFile: true, filename: filename}
}

// formBody writes a form as browsers and SDKs do: names raw, except for the quotation mark.
func formBody(parts []part) []byte {
	var b bytes.Buffer
	for _, p := range parts {
		fmt.Fprintf(&b, "--%s\r\nContent-Disposition: form-data; name=%q", formBoundary, p.name)
		if p.isFile {
			fmt.Fprintf(&b, `; filename="%s"`, p.filename)
		}
		if p.contentType != "" {
			b.WriteString("\r\nContent-Type: " + p.contentType)
		}
		b.WriteString("\r\n\r\n" + p.content + "\r\n")
	}
	b.WriteString("--" + formBoundary + "--\r\n")
	return b.Bytes()
}

// answer is a whole response.
type answer struct {
	status int
	header http.Header
	body   []byte
	length int64 // what Content-Length says, -1 when it is absent
}

// readAnswer reads the answer to r from a connection.
func readAnswer(t testing.TB, conn io.Reader, r request) answer {
	t.Helper()
	a, err := tryAnswer(conn, r)
	if err != nil {
		t.Fatalf("no answer to %s %.200s: %v", r.method, r.target, err)
	}
	return a
}

func tryAnswer(conn io.Reader, r request) (answer, error) {
	response, err := http.ReadResponse(bufio.NewReader(conn), &http.Request{Method: r.method})
	if err != nil {
		return answer{}, err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	return answer{response.StatusCode, response.Header, body, response.ContentLength}, err
}

func (a answer) isJSON() bool { return a.header.Get("Content-Type") == "application/json" }

func (a answer) want(t testing.TB, status int) {
	t.Helper()
	if a.status != status {
		t.Fatalf("status %d, want %d: %.1000s", a.status, status, a.body)
	}
}

func (a answer) decode(t testing.TB, into any) {
	t.Helper()
	if err := json.Unmarshal(a.body, into); err != nil {
		t.Fatalf("%v in %.500s", err, a.body)
	}
}

func (a answer) file(t testing.TB) api.File {
	t.Helper()
	a.want(t, http.StatusOK)
	var f api.File
	a.decode(t, &f)
	return f
}

func (a answer) list(t testing.TB) api.FileList {
	t.Helper()
	a.want(t, http.StatusOK)
	var l api.FileList
	a.decode(t, &l)
	return l
}

// code is the error's code, with the status, such as "422 out_of_range".
func (a answer) code(t testing.TB) string {
	t.Helper()
	var p api.Problem
	a.decode(t, &p)
	if p.Error.Code == nil {
		return strconv.Itoa(a.status)
	}
	return strconv.Itoa(a.status) + " " + *p.Error.Code
}
