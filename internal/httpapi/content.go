package httpapi

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/satchel-files/satchel"
	"github.com/satchel-files/satchel/internal/files"
)

// getContent answers GET and HEAD /files/{file_id}/content.
func (a *API) getContent(ctx context.Context, c *call) (any, error) {
	scope, err := a.enter(ctx, c, satchel.AccessViewer)
	if err != nil {
		return nil, err
	}
	file, content, err := a.files.Content(ctx, scope, c.id())
	if err != nil {
		return nil, err
	}
	defer content.Close()
	c.addReplyHeaders()
	served := servedObject{blob: file.Content, contentType: file.ContentType, filename: file.Filename, modified: file.CreatedAt()}
	if sent, err := a.sendElsewhere(ctx, c, served, content); sent || err != nil {
		return nil, err
	}
	return nil, serveObject(c.w, c.r, served, content)
}

// maxLocation is the longest URL that clients and stores are asked to take: the name of a file may make it longer.
const maxLocation = 6 << 10

// sendElsewhere answers with the address of the bytes in their store, where that is configured and possible. Requests with conditions are served here:
// the store has other ETags and times. The URL is a key to the bytes, and so nobody keeps it.
func (a *API) sendElsewhere(ctx context.Context, c *call, served servedObject, content io.ReadSeeker) (sent bool, err error) {
	presigner, ok := content.(files.Presigner)
	if !ok || !a.redirect || c.r.Method != http.MethodGet || hasCondition(c.r.Header) {
		return false, nil
	}
	location, err := presigner.Presign(ctx, servedType(served.contentType), disposition(served.filename))
	if err != nil || len(location) > maxLocation {
		return false, err
	}
	h := c.w.Header()
	h.Set("Location", location)
	h.Set("Cache-Control", "private, no-store")
	c.w.WriteHeader(http.StatusTemporaryRedirect)
	return true, nil
}

func hasCondition(h http.Header) bool {
	return slices.ContainsFunc([]string{"If-Match", "If-None-Match", "If-Modified-Since", "If-Unmodified-Since", "If-Range"}, func(name string) bool {
		return h.Get(name) != ""
	})
}

// servedObject is what is to be known of bytes that are sent.
type servedObject struct {
	blob        satchel.Blob
	contentType string
	filename    string
	modified    time.Time
}

// serveObject sends the bytes, or the part of them that the request wants.
func serveObject(w http.ResponseWriter, r *http.Request, served servedObject, content io.ReadSeeker) error {
	addContentHeaders(w.Header(), served)
	checkRange(r.Header, served.blob.Size)
	checked := &contentWriter{ResponseWriter: w}
	http.ServeContent(checked, r, "", served.modified, content)
	if checked.refused != 0 {
		return contentRefused(w.Header(), checked.refused, served.blob.Size)
	}
	return nil
}

// zeroSuffix is a range of the last 0 bytes, which no content satisfies.
var zeroSuffix = regexp.MustCompile(`[=,\s]-0+\s*(,|$)`)

// hugeNumber is a position beyond every file, and beyond what http.ServeContent can read.
var hugeNumber = regexp.MustCompile(`[1-9][0-9]{18,}`)

// maxRanges is how many ranges a request may ask for. http.ServeContent reads any number of them, and a head has room for tens of thousands.
const maxRanges = 100

// checkRange settles what http.ServeContent would answer wrongly (RFC 9110, 14): units that nobody knows are ignored, as are too many ranges,
// and ranges of empty content, of which no Content-Range can tell; and the last 0 bytes are out of range.
func checkRange(h http.Header, size int64) {
	if strings.Count(h.Get("Range"), ",") >= maxRanges {
		h.Del("Range")
	}
	given := hugeNumber.ReplaceAllString(h.Get("Range"), "999999999999999999")
	unit, ranges, found := strings.Cut(given, "=")
	switch {
	case found && !strings.EqualFold(unit, "bytes"), size == 0:
		h.Del("Range")
	case zeroSuffix.MatchString(given):
		h.Set("Range", "bytes=none")
	case found:
		h.Set("Range", "bytes="+ranges)
	}
}

// contentRefused takes back what was said of the content and answers for a precondition that does not hold, or a range that is not there.
func contentRefused(h http.Header, status int, size int64) error {
	for _, name := range []string{"ETag", "Content-Disposition", "Content-Security-Policy", "Last-Modified"} {
		h.Del(name)
	}
	if status == http.StatusPreconditionFailed {
		return satchel.Errorf(satchel.CodePreconditionFailed, "the content is not what If-Match or If-Unmodified-Since asks for")
	}
	h.Set("Content-Range", fmt.Sprintf("bytes */%d", size))
	return &satchel.Error{
		Code: satchel.CodeRangeNotSatisfiable, In: satchel.InHeader, Param: "Range",
		Message: fmt.Sprintf("the range lies outside the file, which has %d bytes, or is malformed; a right one: bytes=0-99", size),
	}
}

func addContentHeaders(h http.Header, served servedObject) {
	h.Set("ETag", fmt.Sprintf(`"%x"`, served.blob.SHA256))
	h.Set("Content-Type", servedType(served.contentType))
	h.Set("Content-Disposition", disposition(served.filename))
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Content-Security-Policy", "default-src 'none'; sandbox")
	h.Set("Cache-Control", "private, no-cache")
}

// servedType gives the type as which content is served: its own where no browser makes a page or a script of it.
func servedType(contentType string) string {
	switch contentType {
	case "text/plain", "text/csv", "text/markdown", "text/tab-separated-values":
		return contentType + "; charset=utf-8"
	case "application/json", "application/pdf", "application/zip", "application/gzip", "application/epub+zip", "application/x-ndjson",
		"application/yaml", "application/msword", "application/rtf":
		return contentType
	}
	kind, subtype, _ := strings.Cut(contentType, "/")
	safe := kind == "image" || kind == "audio" || kind == "video" || kind == "font" ||
		kind == "application" && strings.HasPrefix(subtype, "vnd.")
	if safe && !strings.Contains(subtype, "xml+") && !strings.HasSuffix(subtype, "+xml") && !strings.HasSuffix(subtype, "html") {
		return contentType
	}
	return "application/octet-stream"
}

// disposition gives a file's name to whoever saves the content (RFC 6266): in ASCII for old programs, and exactly (RFC 8187).
func disposition(filename string) string {
	ascii := strings.Map(func(r rune) rune {
		if r < ' ' || r > '~' || r == '"' || r == '\\' || r == '%' {
			return '_'
		}
		return r
	}, filename)
	return `attachment; filename="` + ascii + `"; filename*=UTF-8''` + extValue(filename)
}

func extValue(text string) string {
	const unreserved = "!#$&+-.^_`|~"
	var b strings.Builder
	for i := range len(text) {
		switch c := text[i]; {
		case c >= '0' && c <= '9', c >= 'A' && c <= 'Z', c >= 'a' && c <= 'z', strings.IndexByte(unreserved, c) >= 0:
			b.WriteByte(c)
		default:
			fmt.Fprintf(&b, "%%%02X", c)
		}
	}
	return b.String()
}

// contentWriter keeps http.ServeContent from answering 412 with nothing and 416 with text: it swallows those answers, and the handler
// gives ours.
type contentWriter struct {
	http.ResponseWriter
	refused int // the status that was swallowed
}

func (w *contentWriter) WriteHeader(status int) {
	if status == http.StatusPreconditionFailed || status == http.StatusRequestedRangeNotSatisfiable {
		w.refused = status
		return
	}
	w.ResponseWriter.WriteHeader(status)
}

// ReadFrom leaves copying to the writer below, which can have the kernel do it.
func (w *contentWriter) ReadFrom(src io.Reader) (int64, error) {
	if w.refused != 0 {
		return io.Copy(io.Discard, src)
	}
	return io.Copy(w.ResponseWriter, src)
}

func (w *contentWriter) Write(p []byte) (int, error) {
	if w.refused != 0 {
		return len(p), nil
	}
	return w.ResponseWriter.Write(p)
}
