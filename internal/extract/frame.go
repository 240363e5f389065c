package extract

import (
	"bufio"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

// A Pool and its children speak in frames: a byte for the kind, four for the length, big end first, and that many bytes. A child gets one
// setup frame and answers hello when it is ready. Then, as often as it likes, the Pool sends a request with the document's descriptor, and the
// child answers: the type, perhaps how many pages to expect, then for each page its label, pieces of its text and its end; or pieces of an
// image; and at last done or failure.
type kind byte

const (
	kindSetup   kind = 'S' // setup as JSON
	kindRequest kind = 'R' // request as JSON; the descriptor comes along
	kindHello   kind = 'H' // one byte: protocol
	kindType    kind = 'T' // the content type
	kindExpect  kind = 'E' // eight bytes, big end first: the number of pages
	kindPage    kind = 'P' // a page begins: its label
	kindText    kind = 'X' // a piece of its text, whole characters
	kindPageEnd kind = 'Z' // empty
	kindImage   kind = 'I' // a piece of the image
	kindDone    kind = 'D' // satchel.Document as JSON
	kindFailure kind = 'F' // failure as JSON
)

const (
	protocol    = 1       // changes with the frames
	frameHeader = 5       // bytes before a frame's payload
	maxFrame    = 1 << 20 // bytes of a payload that anybody accepts
	pieceSize   = 32 << 10
)

// setup is what a child must know before its first document.
type setup struct {
	Memory int64 // bytes that it may use
	Mapped int64 // bytes of private memory that it may map besides what it has; 0: no limit
}

// request asks for a document's text or, when Page is not 0, for an image of that page.
type request struct {
	Size     int64
	Filename string
	Page     int
	Side     int
}

// The ways in which what comes from the other side can end before its end.
var (
	errBroken   = errors.New("extract: the connection broke")
	errProtocol = errors.New("extract: the child does not keep to the protocol")
)

// frameWriter sends frames. They leave with Flush at the latest.
type frameWriter struct{ *bufio.Writer }

func newFrameWriter(w io.Writer) *frameWriter {
	return &frameWriter{bufio.NewWriterSize(w, 2*pieceSize)}
}

// send writes a frame whose payload has at most maxFrame bytes.
func (w *frameWriter) send(k kind, payload []byte) error {
	if len(payload) > maxFrame {
		return fmt.Errorf("%w: a frame of %d bytes", errProtocol, len(payload))
	}
	if _, err := w.Write(appendHeader(w.AvailableBuffer(), k, len(payload))); err != nil {
		return err
	}
	_, err := w.Write(payload)
	return err
}

// sendJSON sends a frame and all before it.
func (w *frameWriter) sendJSON(k kind, value any) error {
	payload, err := json.Marshal(value)
	if err != nil {
		return err
	}
	if err := w.send(k, payload); err != nil {
		return err
	}
	return w.Flush()
}

func appendHeader(b []byte, k kind, size int) []byte {
	return binary.BigEndian.AppendUint32(append(b, byte(k)), uint32(size)) //nolint:gosec // at most maxFrame
}

// frameReader receives frames. Its memory is bounded by maxFrame, whatever the other side says.
type frameReader struct {
	in   *bufio.Reader
	buf  []byte
	seen bool // something has come
}

func newFrameReader(r io.Reader) *frameReader {
	return &frameReader{in: bufio.NewReaderSize(r, 2*pieceSize)}
}

// next gives the next frame. Its payload is valid until the one after. Errors wrap errBroken or errProtocol.
func (r *frameReader) next() (kind, []byte, error) {
	var header [frameHeader]byte
	if _, err := io.ReadFull(r.in, header[:]); err != nil {
		return 0, nil, fmt.Errorf("%w: %w", errBroken, err)
	}
	r.seen = true
	size := binary.BigEndian.Uint32(header[1:])
	if size > maxFrame {
		return 0, nil, fmt.Errorf("%w: a frame of %d bytes", errProtocol, size)
	}
	if int(size) > cap(r.buf) {
		r.buf = make([]byte, max(int(size), pieceSize))
	}
	payload := r.buf[:size]
	if _, err := io.ReadFull(r.in, payload); err != nil {
		return 0, nil, fmt.Errorf("%w: %w", errBroken, err)
	}
	return kind(header[0]), payload, nil
}

// parse reads a payload that is JSON.
func parse(payload []byte, value any) error {
	if err := json.Unmarshal(payload, value); err != nil {
		return fmt.Errorf("%w: %w", errProtocol, err)
	}
	return nil
}
