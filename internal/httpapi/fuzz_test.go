package httpapi

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/satchel-files/satchel"
	"github.com/satchel-files/satchel/internal/blob"
	"github.com/satchel-files/satchel/internal/blob/diskblob"
	"github.com/satchel-files/satchel/internal/files"
	"github.com/satchel-files/satchel/internal/meta/sqlstore"
)

// FuzzForm: whatever arrives as a form is read or refused with a fault of the client's, and a discarded upload leaves no bytes.
func FuzzForm(f *testing.F) {
	part := func(disposition, body string) string {
		return "--b\r\nContent-Disposition: " + disposition + "\r\n\r\n" + body + "\r\n"
	}
	const good = `multipart/form-data; boundary=b`
	f.Add(good, part(`form-data; name="file"; filename="a.txt"`, "hello")+part(`form-data; name="purpose"`, "user_data")+"--b--\r\n")
	f.Add(good, part(`form-data; name="metadata[tags][]"`, "a")+part(`form-data; name="metadata[tags]"`, "b")+"--b--")
	f.Add(good, part(`form-data; name="expires_after[seconds]"`, "3600")+part(`form-data; name="file[]"; filename="..\\x"`, "")+"--b-")
	f.Add(good, part(`form-data`, "x")+"--b--\r\n")
	f.Add(`multipart/form-data`, "x")
	f.Add(`multipart/form-data; boundary=""`, "--\r\n--")
	f.Add(`application/json`, "{}")
	disk, err := diskblob.Open(f.TempDir())
	if err != nil {
		f.Fatal(err)
	}
	rows, err := sqlstore.OpenSQLite(f.Context(), sqlstore.Options{Path: filepath.Join(f.TempDir(), "satchel.db")})
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() { _ = rows.Close() })
	api := &API{buffers: sync.Pool{New: newUploadBuffer}, files: files.New(files.Config{Store: rows, Vault: blob.NewVault(disk, blob.Options{MaxBytes: 1 << 20})})}
	f.Fuzz(func(t *testing.T, contentType, body string) {
		r := httptest.NewRequest(http.MethodPost, "/files", strings.NewReader(body))
		r.Header["Content-Type"] = []string{contentType}
		c := newCall(httptest.NewRecorder(), r, &route{}, time.Minute)
		c.parseQuery()
		upload, err := api.files.NewUpload(t.Context(), satchel.Scope{Org: "org-1"}, r.ContentLength, "")
		if err != nil {
			t.Fatal(err)
		}
		form := newForm(upload)
		err = api.readForm(t.Context(), c, form)
		if err == nil {
			_, _, err = c.checkForm(form)
		}
		if status := statusOf(satchel.CodeOf(err)); err != nil && status >= http.StatusInternalServerError {
			t.Errorf("%d for a client's fault: %v", status, err)
		}
		if err := form.upload.Discard(t.Context()); err != nil {
			t.Error(err)
		}
		if left := objects(t, disk); left > 0 {
			t.Errorf("%d objects are left", left)
		}
	})
}

func objects(t *testing.T, store blob.Store) (n int) {
	t.Helper()
	err := store.List(context.WithoutCancel(t.Context()), "", func(blob.Entry) error { n++; return nil })
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// FuzzPartHeaders: what the multipart reader understands of a form is the same with and without the cleaning of its headers, however
// the body is cut into reads.
func FuzzPartHeaders(f *testing.F) {
	f.Add("--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a\"\r\n\r\nx\r\n--bb\x01\r\n--b \r\nA: b\r\n\r\n\r\n--b--\r\n", 3)
	f.Add("\r\n--b\nA: b\n\n\x00\x01\r\n--b\r\nA:\t\r\n\r\n--b--", 1)
	f.Add("--b\r \n--b\x01\n--b\n", -18)
	f.Add("pre\x02amble\r\n--b\r\n\r\n\x03\r\n--b\rx\x04--b--", 2)
	f.Fuzz(func(t *testing.T, body string, size int) {
		plain, plainErr := readParts(strings.NewReader(body))
		headers := newPartHeaders(&cutReader{strings.NewReader(body), max(1, size%64)}, "b")
		cleaned, cleanedErr := readParts(headers)
		if plainErr == nil && (cleanedErr != nil || !slices.Equal(plain, cleaned)) {
			t.Errorf("%q\nbecame %q, %v", plain, cleaned, cleanedErr)
		}
		if cleanedErr == nil && headers.complete() && !strings.Contains(body, "--b--") {
			t.Errorf("%q was never closed", body)
		}
	})
}

// cutReader gives a few bytes at a time.
type cutReader struct {
	io.Reader
	size int
}

func (r *cutReader) Read(p []byte) (int, error) { return r.Reader.Read(p[:min(len(p), r.size)]) }

// readParts gives the headers and contents of a form with the boundary "b".
func readParts(body io.Reader) (all []string, err error) {
	reader := multipart.NewReader(body, "b")
	for {
		part, err := reader.NextRawPart()
		if err == io.EOF { //nolint:errorlint // as in readForm
			return all, nil
		}
		if err != nil {
			return nil, err
		}
		content, err := io.ReadAll(part)
		if err != nil {
			return nil, err
		}
		all = append(all, fmt.Sprint(part.Header), string(content))
	}
}

// A form is complete with its last boundary, and not before: a body that ends within a part's headers is cut off.
func TestAFormIsCompleteWithItsLastBoundary(t *testing.T) {
	const crlf = "--b\r\nA: b\r\n\r\nx\r\n--b\r\nC: d\r\n\r\n\r\n--b--\r\n"
	for _, form := range []string{crlf, strings.ReplaceAll(crlf, "\r\n", "\n")} {
		whole := strings.Index(form, "--b--") + len("--b--")
		for n := range len(form) + 1 {
			headers := newPartHeaders(&cutReader{strings.NewReader(form[:n]), 3}, "b")
			_, err := readParts(headers)
			cutLineBreak := strings.HasSuffix(form[:n], "\r")
			if got := err == nil && headers.complete(); got != (n >= whole && !cutLineBreak) {
				t.Errorf("%q is complete: %v (%v)", form[:n], got, err)
			}
		}
	}
}

func TestControlCharactersInFileNames(t *testing.T) {
	for _, size := range []int{1, 2, 7, 4096} {
		body := "--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a\x01b\x7f\tc\x00.txt\"\r\n\r\n\x00\x01\r\n--b--\r\n"
		parts, err := readParts(newPartHeaders(&cutReader{strings.NewReader(body), size}, "b"))
		if err != nil || len(parts) != 2 || parts[1] != "\x00\x01" || !strings.Contains(parts[0], "a\tb\t\tc\t.txt") {
			t.Errorf("reads of %d: %q, %v", size, parts, err)
		}
	}
}

// FuzzRange: a Range header gives the whole, exactly the part that Content-Range names, or 416 in our own form.
func FuzzRange(f *testing.F) {
	for _, seed := range []string{"bytes=0-0", "bytes=5-", "bytes=-3", "bytes=0-1,4-5", "bytes=99-", "bytes=-0", "bytes=1-0", "bits=0-1", "bytes=", "bytes=0-0,-1, 2-2", "bytes=18446744073709551616-"} {
		f.Add(seed)
	}
	content := []byte("0123456789abcdefghij")
	served := servedObject{filename: "x.bin", blob: satchel.Blob{Size: int64(len(content))}}
	f.Fuzz(func(t *testing.T, header string) {
		r := httptest.NewRequest(http.MethodGet, "/files/x/content", nil)
		r.Header["Range"] = []string{header}
		recorder := httptest.NewRecorder()
		err := serveObject(recorder, r, served, bytes.NewReader(content))
		answer := recorder.Result()
		if err != nil {
			if satchel.CodeOf(err) != satchel.CodeRangeNotSatisfiable || answer.Header.Get("Content-Range") != "bytes */20" || answer.Header.Get("ETag") != "" {
				t.Errorf("%q: %v, %v", header, err, answer.Header)
			}
			return
		}
		body := recorder.Body.Bytes()
		var first, last, size int
		switch n, _ := fmt.Sscanf(answer.Header.Get("Content-Range"), "bytes %d-%d/%d", &first, &last, &size); {
		case answer.StatusCode == http.StatusOK && !bytes.Equal(body, content):
			t.Errorf("%q: 200 with %q", header, body)
		case answer.StatusCode == http.StatusPartialContent && n == 3 && !bytes.Equal(body, content[first:last+1]):
			t.Errorf("%q: %d-%d gave %q", header, first, last, body)
		case answer.StatusCode != http.StatusOK && answer.StatusCode != http.StatusPartialContent:
			t.Errorf("%q: status %d", header, answer.StatusCode)
		}
	})
}

func TestServedTypesNeverRun(t *testing.T) {
	for _, c := range []string{"text/html", "image/svg+xml", "application/xhtml+xml", "text/xml", "application/xml", "text/javascript", "application/javascript", "text/css",
		"application/vnd.mozilla.xul+xml", "application/vnd.wap.xhtml+xml", "", "nonsense", "application/x-shockwave-flash"} {
		if got := servedType(c); got != "application/octet-stream" {
			t.Errorf("%s is served as %s", c, got)
		}
	}
	for _, c := range []string{"image/png", "application/pdf", "application/vnd.openxmlformats-officedocument.wordprocessingml.document", "video/mp4"} {
		if got := servedType(c); got != c {
			t.Errorf("%s is served as %s", c, got)
		}
	}
}

func TestDisposition(t *testing.T) {
	for name, want := range map[string]string{
		"logic.pdf":    `attachment; filename="logic.pdf"; filename*=UTF-8''logic.pdf`,
		`a "b" 50%.md`: `attachment; filename="a _b_ 50_.md"; filename*=UTF-8''a%20%22b%22%2050%25.md`,
		"ملف 📄.pdf":    `attachment; filename="___ _.pdf"; filename*=UTF-8''%D9%85%D9%84%D9%81%20%F0%9F%93%84.pdf`,
	} {
		if got := disposition(name); got != want {
			t.Errorf("%s:\n got %s\nwant %s", name, got, want)
		}
	}
}

// Every code of an answer has the status that stands beside it where it is declared.
func TestEveryCodeHasItsStatus(t *testing.T) {
	source, err := os.ReadFile("../../error.go")
	if err != nil {
		t.Fatal(err)
	}
	answers, _, found := strings.Cut(string(source), "// The codes with which processing fails.")
	declared := regexp.MustCompile(`(?m)^\tCode\w+ +Code += "(\w+)" +// (\d+)`).FindAllStringSubmatch(answers, -1)
	if all := regexp.MustCompile(`(?m)^\tCode\w+ +Code +=`).FindAllString(answers, -1); !found || len(all) == 0 || len(declared) != len(all) {
		t.Fatalf("%d codes are declared with a status", len(declared))
	}
	for _, code := range declared {
		if got := strconv.Itoa(statusOf(satchel.Code(code[1]))); got != code[2] {
			t.Errorf("%s is %s, and declared as %s", code[1], got, code[2])
		}
	}
}

// An unknown error tells the client nothing but the request's id.
func TestUnknownErrorsStayInTheLog(t *testing.T) {
	recorder := httptest.NewRecorder()
	recorder.Header().Set("X-Request-Id", "req-1")
	faults := knownFaults(errors.New("database password is hunter2"))
	writeProblem(recorder, statusOf(faults[0].Code), faults)
	if body := recorder.Body.String(); recorder.Code != 500 || strings.Contains(body, "hunter2") || !strings.Contains(body, "req-1") {
		t.Errorf("%d %s", recorder.Code, body)
	}
}
