package mail

import (
	"bytes"
	"errors"
	"io"
	"strings"

	"github.com/jhillyerd/enmime/v2"
	"github.com/jhillyerd/enmime/v2/mediatype"

	"github.com/satchel-files/satchel"
)

// Limits of one mail, with all that is in it.
const (
	maxMail       = 64 << 20 // bytes
	maxMultiparts = 100      // parts that hold parts
	maxBoundaries = 20_000   // lines that may be a boundary between parts
)

// parse reads a mail into its parts. Text keeps its bytes: in which encoding it is, is found out when it is read.
func parse(r io.Reader) (*enmime.Part, error) {
	w := &warden{in: r}
	parser := enmime.NewParser(
		enmime.SkipMalformedParts(true),
		enmime.MultipartWOBoundaryAsSinglePart(true),
		enmime.SetReadPartErrorPolicy(func(*enmime.Part, error) bool { return true }),
		enmime.MaxStoredPartErrors(1),
		enmime.DisableCharacterDetection(true),
		enmime.SetCustomParseMediaType(w.mediaType),
	)
	root, err := parser.ReadParts(w)
	switch {
	case w.err != nil:
		return nil, w.err
	case err != nil:
		return nil, broken(err)
	}
	return root, nil
}

// warden bounds what is read of a mail while it is being read.
type warden struct {
	in         io.Reader
	read       int64
	boundaries int
	last       [2]byte // read before
	multiparts int
	nesting    nesting
	err        error // why no more is read
}

// Read implements io.Reader.
func (w *warden) Read(p []byte) (int, error) {
	if w.err != nil {
		return 0, w.err
	}
	n, err := w.in.Read(p)
	w.read += int64(n)
	w.count(p[:n])
	w.nesting.write(p[:n])
	switch {
	case w.read > maxMail:
		w.err = tooComplex("it has more than 64 MiB")
	case w.boundaries > maxBoundaries:
		w.err = tooComplex("it has more than 20,000 parts, or lines that look like their boundaries")
	case w.nesting.tooDeep():
		w.err = tooDeep()
	case err != nil && !errors.Is(err, io.EOF):
		w.err = err
	}
	if w.err != nil {
		return 0, w.err
	}
	return n, err
}

// count counts lines that begin like a boundary.
func (w *warden) count(p []byte) {
	edge := append(w.last[:], p[:min(len(p), 2)]...)
	w.boundaries += bytes.Count(edge, []byte("\n--")) + bytes.Count(p, []byte("\n--"))
	for _, b := range p[max(len(p)-2, 0):] {
		w.last[0], w.last[1] = w.last[1], b
	}
}

// mediaType reads a content type or a disposition. All text is called UTF-8, so that nobody converts it.
func (w *warden) mediaType(value string) (string, map[string]string, []string, error) {
	contentType, params, invalid, err := mediatype.Parse(value)
	if strings.HasPrefix(contentType, "multipart/") {
		if w.multiparts++; w.multiparts > 2*maxMultiparts && w.err == nil { // each is asked about twice
			w.err = tooComplex("more than 100 of its parts hold other parts")
		}
		return w.multipart(contentType, params, invalid, err)
	}
	if strings.HasPrefix(contentType, "text/") && params != nil {
		params["charset"] = "utf-8"
	}
	return contentType, params, invalid, err
}

// multipart looks at the type of a part that holds others. One that would be too deep, or whose boundary no program writes, becomes a part
// without others: the parser might not come to an end with it.
func (w *warden) multipart(contentType string, params map[string]string, invalid []string, err error) (string, map[string]string, []string, error) {
	boundary := params["boundary"]
	w.nesting.found(boundary)
	if w.nesting.tooDeep() && w.err == nil {
		w.err = tooDeep()
	}
	if w.err != nil || len(boundary) > maxBoundary {
		delete(params, "boundary")
	}
	return contentType, params, invalid, err
}

func tooDeep() *satchel.Error { return tooComplex("its parts are nested more than 12 deep") }
