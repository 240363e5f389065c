package office

import (
	"archive/zip"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"path"
	"strings"

	"github.com/satchel-files/satchel/internal/extract"
)

// errNoPart says that an archive has no part of that name.
var errNoPart = errors.New("no such part")

// archive is a zip whose files are the parts of a document.
type archive struct {
	*meter
	parts map[string]*zip.File // by folded name
}

// openArchive reads the list of parts.
func openArchive(in extract.Input, m *meter) (*archive, error) {
	m.packed = in.Size()
	if err := m.checkCount(in.SectionReader); err != nil {
		return nil, err
	}
	budget := &budgetReader{ReaderAt: in.SectionReader, left: m.directory, spent: func() error {
		return m.fail(tooComplex("its list of files takes more than %d MiB", m.directory/mebi))
	}}
	list, err := zip.NewReader(budget, in.Size())
	switch {
	case m.err != nil:
		return nil, m.err
	case err != nil && !errors.Is(err, zip.ErrInsecurePath):
		return nil, broken("it is no complete zip archive", err)
	case len(list.File) > m.entries:
		return nil, tooManyEntries(m.entries)
	}
	budget.open = true
	a := &archive{meter: m, parts: make(map[string]*zip.File, len(list.File))}
	for _, f := range list.File {
		if name := fold(f.Name); a.parts[name] == nil {
			a.parts[name] = f
		}
	}
	return a, nil
}

func tooManyEntries(limit int) error {
	return tooComplex("it is an archive of more than %d files", limit)
}

// checkCount refuses an archive that promises more entries than allowed, before anybody makes room for them.
func (m *meter) checkCount(r *io.SectionReader) error {
	const record, comment = 22, 1 << 16 // the fixed part of the end record, and the longest comment behind it
	tail := make([]byte, min(r.Size(), record+comment))
	if n, err := r.ReadAt(tail, r.Size()-int64(len(tail))); n < len(tail) {
		return broken("it cannot be read to its end", err)
	}
	at := bytes.LastIndex(tail, []byte("PK\x05\x06"))
	if at < 0 || len(tail)-at < record {
		return broken("it is no complete zip archive", nil)
	}
	count := uint64(binary.LittleEndian.Uint16(tail[at+10:]))
	if wide := bytes.LastIndex(tail[:at], []byte("PK\x06\x06")); wide >= 0 && at-wide >= 40 {
		count = binary.LittleEndian.Uint64(tail[wide+32:])
	}
	if count > uint64(m.entries) { //nolint:gosec // a positive limit
		return m.fail(tooManyEntries(m.entries))
	}
	return nil
}

// budgetReader lets left bytes be read, and all of them once it is open.
type budgetReader struct {
	io.ReaderAt
	left  int64
	open  bool
	spent func() error
}

func (b *budgetReader) ReadAt(p []byte, off int64) (int, error) {
	if b.left -= int64(len(p)); b.left < 0 && !b.open {
		return 0, b.spent()
	}
	return b.ReaderAt.ReadAt(p, off)
}

// fold makes names equal that programs take for equal: case, slashes and a leading one do not count.
func fold(name string) string {
	return strings.ToLower(strings.TrimPrefix(path.Clean("/"+strings.ReplaceAll(name, `\`, "/")), "/"))
}

// has reports whether there is such a part.
func (a *archive) has(name string) bool { return a.parts[fold(name)] != nil }

// open opens a part to be read once, from its beginning. Every byte counts. It fails with errNoPart when there is no such part.
func (a *archive) open(name string) (*part, error) {
	f := a.parts[fold(name)]
	if f == nil {
		return nil, fmt.Errorf("open part %q: %w", name, errNoPart)
	}
	if f.Flags&1 != 0 {
		return nil, encrypted()
	}
	r, err := f.Open()
	if err != nil {
		return nil, broken("its part "+quote(name)+" cannot be unpacked", err)
	}
	return &part{ReadCloser: r, meter: a.meter, name: name, piece: a.token}, nil
}

// part is the content of one part.
type part struct {
	io.ReadCloser
	*meter
	name  string
	fresh int // bytes read since the last token
	piece int // how many there can be
}

func (p *part) Read(b []byte) (int, error) {
	n, err := p.ReadCloser.Read(b)
	if over := p.unpack(n); over != nil {
		return 0, over
	}
	if p.fresh += n; p.fresh > p.piece {
		return 0, p.fail(tooComplex("its part %s has a tag or text of more than %d MiB in one piece", quote(p.name), p.piece/mebi))
	}
	return n, err
}

// drain reads the part to its end, where it turns out whether all of it was in order.
func (p *part) drain() error {
	p.piece = math.MaxInt
	if _, err := io.Copy(io.Discard, p); err != nil {
		return p.fault(err)
	}
	return nil
}

// fault says what err means that came from reading the part: a limit, or damage.
func (p *part) fault(err error) error {
	if p.err != nil {
		return p.err
	}
	return broken("its part "+quote(p.name)+" cannot be read", err)
}

// quote makes a name of the document's own fit to stand in a message.
func quote(name string) string {
	const most = 100
	if runes := []rune(name); len(runes) > most {
		name = string(runes[:most]) + "…"
	}
	return fmt.Sprintf("%q", name)
}
