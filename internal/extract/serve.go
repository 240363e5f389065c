package extract

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/signal"
	"runtime/debug"
	"strings"
	"sync/atomic"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/satchel-files/satchel"
)

// inheritedDescriptor is where a child finds its connection: the first after the three that every program has.
const inheritedDescriptor = 3

// ServeConfig is what a child can do.
type ServeConfig struct {
	Formats []Format
	// Detect finds a document's content type.
	Detect func(in *io.SectionReader, filename string) (contentType string, err error)
}

// Starter is what a Format can be that needs files of the program for its work. Serve calls Start before anything of a document is seen; afterwards
// no file can be opened. If it fails, that is noted, and the Format is used as it is.
type Starter interface {
	Start(ctx context.Context) error
}

// Inherited gives the connection to the Pool that has started this process.
func Inherited() (*net.UnixConn, error) {
	conn, err := connection(os.NewFile(inheritedDescriptor, "pool"))
	if err != nil {
		return nil, fmt.Errorf("extract: this command is for satchel itself, which starts it with a connection: %w", err)
	}
	return conn, nil
}

// connection makes a Unix connection of a descriptor, which it takes over.
func connection(file *os.File) (*net.UnixConn, error) {
	defer func() { _ = file.Close() }() // the connection has a descriptor of its own
	conn, err := net.FileConn(file)
	if err != nil {
		return nil, err
	}
	pair, ok := conn.(*net.UnixConn)
	if !ok {
		_ = conn.Close()
		return nil, fmt.Errorf("a connection of another kind: %s", conn.RemoteAddr().Network())
	}
	return pair, nil
}

// Serve reads the documents that a Pool sends until the Pool goes, which is no error. It is for a process that does nothing else, because it gives
// up what it does not need, for good: files, connections and programs cannot be opened, made or started afterwards, memory is bounded, and the
// signals that ask a program to stop are ignored, for it is the Pool who decides. If the Pool goes or ctx ends during a document, the process
// ends at once, whatever a Format is doing. After a Format panicked, Serve returns an error.
func Serve(ctx context.Context, config ServeConfig, conn *net.UnixConn) error {
	signal.Ignore(syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP)
	defer func() { _ = conn.Close() }()
	s := &server{detect: config.Detect, formats: map[string]Format{}, conn: conn, out: newFrameWriter(conn)}
	for _, format := range config.Formats {
		for _, contentType := range format.Types() {
			s.formats[contentType] = format
		}
	}
	for _, format := range config.Formats {
		if starter, ok := format.(Starter); ok {
			if err := starter.Start(ctx); err != nil {
				_, _ = fmt.Fprintln(os.Stderr, "extract: start a format:", err) // the Pool's log
			}
		}
	}
	if err := s.prepare(); err != nil {
		return err
	}
	defer context.AfterFunc(ctx, func() { _ = conn.Close() })()
	incoming := make(chan incoming)
	go s.receive(ctx, incoming)
	for in := range incoming {
		if in.err != nil {
			return ending(in.err)
		}
		if err := s.handle(ctx, in); err != nil {
			return err
		}
	}
	return ctx.Err()
}

// ending says whether the end of the connection is an error.
func ending(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, net.ErrClosed) || errors.Is(err, syscall.ECONNRESET) {
		return nil
	}
	return fmt.Errorf("extract: receive a request: %w", err)
}

// server is a child's side.
type server struct {
	detect  func(in *io.SectionReader, filename string) (string, error)
	formats map[string]Format // by content type
	conn    *net.UnixConn
	out     *frameWriter
	busy    atomic.Bool
	memory  int64
}

// prepare takes the limits and says hello.
func (s *server) prepare() error {
	k, payload, err := newFrameReader(s.conn).next() // nothing follows before hello
	if err != nil {
		return fmt.Errorf("extract: receive the limits: %w", err)
	}
	var limits setup
	if err := parse(payload, &limits); err != nil || k != kindSetup {
		return fmt.Errorf("extract: receive the limits: frame %q: %w", k, err)
	}
	s.memory = limits.Memory
	if err := limitProcess(limits); err != nil {
		return fmt.Errorf("extract: limit the process: %w", err)
	}
	if err := s.out.send(kindHello, []byte{protocol}); err != nil {
		return err
	}
	return s.out.Flush()
}

// incoming is a request with its document, or the end.
type incoming struct {
	request
	file *os.File
	err  error
}

// receive waits for requests, also while one is being handled: then all that can come is the end, and nobody wants the answer any more.
func (s *server) receive(ctx context.Context, to chan<- incoming) {
	defer close(to)
	for {
		in := receiveRequest(s.conn)
		if in.err != nil && s.busy.Load() {
			unix.Exit(1) // a Format may never return
		}
		s.busy.Store(in.err == nil)
		select {
		case to <- in:
		case <-ctx.Done():
			return
		}
		if in.err != nil {
			return
		}
	}
}

// handle answers a request. Its error ends the child.
func (s *server) handle(ctx context.Context, in incoming) error {
	defer func() { _ = in.file.Close() }() // it was only read
	stop := s.guard()
	doc, err := s.work(ctx, in)
	stop()
	if goMemory() > trimAbove {
		debug.FreeOSMemory() // before the Pool looks at what is left
	}
	s.busy.Store(false)
	if err == nil {
		return s.out.sendJSON(kindDone, cleanDocument(doc))
	}
	f := newFailure(err)
	f.Last = errors.Is(err, errPanic)
	if sent := s.out.sendJSON(kindFailure, f); sent != nil || f.Last {
		return errors.Join(err, sent)
	}
	return nil
}

var errPanic = errors.New("extract: a format panicked")

// work does what a request asks for.
func (s *server) work(ctx context.Context, in incoming) (doc satchel.Document, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("%w: %v: %s", errPanic, p, debug.Stack())
		}
	}()
	content := func() *io.SectionReader { return io.NewSectionReader(in.file, 0, in.Size) }
	contentType, err := s.detect(content(), in.Filename)
	if err != nil {
		return doc, fmt.Errorf("find the content type: %w", err)
	}
	if err := s.out.send(kindType, []byte(oneLine(contentType, maxLabel))); err != nil {
		return doc, err
	}
	if err := s.out.Flush(); err != nil {
		return doc, err
	}
	input := Input{SectionReader: content(), Type: contentType, Filename: in.Filename}
	format := s.format(contentType)
	if in.Page > 0 {
		return doc, s.render(ctx, format, input, in.request)
	}
	if format == nil {
		return doc, ErrUnsupported
	}
	return format.Extract(ctx, input, &pageSender{s.out})
}

// format gives the Format for a content type, with or without its parameters; nil if there is none.
func (s *server) format(contentType string) Format {
	if f, ok := s.formats[contentType]; ok {
		return f
	}
	bare, _, _ := strings.Cut(contentType, ";")
	return s.formats[strings.TrimSpace(bare)]
}

// render sends the image of a page.
func (s *server) render(ctx context.Context, format Format, in Input, r request) error {
	renderer, ok := format.(Renderer)
	if !ok {
		return ErrUnsupported
	}
	image, err := renderer.Render(ctx, in, r.Page, r.Side)
	if err != nil {
		return err
	}
	if len(image) > maxImage {
		return tooComplex("the image of page %d has more than %s", r.Page, size(maxImage))
	}
	for len(image) > 0 {
		piece := image[:min(len(image), pieceSize)]
		if err := s.out.send(kindImage, piece); err != nil {
			return err
		}
		image = image[len(piece):]
	}
	return nil
}

// pageSender is the Output of a child's Formats.
type pageSender struct{ out *frameWriter }

// Expect sends how many pages there will be.
func (p *pageSender) Expect(pages int) error {
	var b [8]byte
	binary.BigEndian.PutUint64(b[:], uint64(max(pages, 0)))
	if err := p.out.send(kindExpect, b[:]); err != nil {
		return err
	}
	return p.out.Flush()
}

// Page sends a page.
func (p *pageSender) Page(page Page) error { return p.Stream(page.Label, strings.NewReader(page.Text)) }

// Stream sends a page, normalized.
func (p *pageSender) Stream(label string, text io.Reader) error {
	if err := p.out.send(kindPage, []byte(oneLine(label, maxLabel))); err != nil {
		return err
	}
	n := &normalizer{emit: func(piece []byte) error { return p.out.send(kindText, piece) }}
	if _, err := io.Copy(n, text); err != nil {
		return err
	}
	if err := n.end(); err != nil {
		return err
	}
	if err := p.out.send(kindPageEnd, nil); err != nil {
		return err
	}
	return p.out.Flush()
}
