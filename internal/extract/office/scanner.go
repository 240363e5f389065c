package office

import (
	"bufio"
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"strings"

	"golang.org/x/net/html/charset"
	"golang.org/x/text/encoding/unicode"
)

const (
	readAhead = 32 * kibi
	maxNames  = 4096 // names that a scanner remembers
)

// scanner walks through the elements of one XML part, within limits. It knows no entities but XML's own.
type scanner struct {
	part  *part
	dec   *xml.Decoder
	level int                 // elements that are open
	names map[xml.Name]string // their short names
}

// scan opens a part and goes to its outermost element. The caller closes the part.
func (a *archive) scan(name string) (*scanner, element, error) {
	p, err := a.open(name)
	if err != nil {
		return nil, element{}, err
	}
	s := newScanner(p)
	root, err := s.root()
	if err != nil {
		s.part.Close()
		return nil, element{}, err
	}
	return s, root, nil
}

// walk opens a part and visits the children of its outermost element, which must have one of the names wanted.
func (a *archive) walk(name, wanted string, visit func(element) error) error {
	s, root, err := a.scan(name)
	if err != nil {
		return err
	}
	defer s.part.Close()
	if root.name != wanted {
		return broken("its part "+quote(name)+" is not what it should be", nil)
	}
	return s.all(visit)
}

// all is walk for the outermost element of a part.
func (s *scanner) all(visit func(element) error) error {
	if err := s.walk(visit); err != nil {
		return err
	}
	return s.part.drain()
}

func newScanner(p *part) *scanner {
	s := &scanner{part: p, names: map[xml.Name]string{}}
	s.dec = xml.NewDecoder(utf8Reader(p))
	s.dec.Strict = false
	s.dec.CharsetReader = func(label string, r io.Reader) (io.Reader, error) {
		if strings.HasPrefix(strings.ToLower(label), "utf-16") {
			return r, nil // decoded already, by its byte order mark
		}
		return charset.NewReaderLabel(label, r)
	}
	return s
}

// utf8Reader reads what a byte order mark says is UTF-16 as UTF-8.
func utf8Reader(r io.Reader) io.Reader {
	b := bufio.NewReaderSize(r, readAhead)
	head, _ := b.Peek(2)
	if bytes.Equal(head, []byte{0xff, 0xfe}) || bytes.Equal(head, []byte{0xfe, 0xff}) {
		return bufio.NewReaderSize(unicode.UTF16(unicode.LittleEndian, unicode.UseBOM).NewDecoder().Reader(b), readAhead)
	}
	return b
}

func (s *scanner) root() (element, error) {
	for {
		t, err := s.token()
		if err != nil {
			return element{}, err
		}
		if start, ok := t.(xml.StartElement); ok {
			return s.element(start), nil
		}
	}
}

func (s *scanner) token() (xml.Token, error) {
	s.part.fresh = 0
	t, err := s.dec.Token()
	if errors.Is(err, io.EOF) {
		err = io.ErrUnexpectedEOF
	}
	if err != nil {
		return nil, s.part.fault(err)
	}
	switch t := t.(type) {
	case xml.StartElement:
		s.level++
		return t, s.part.element(s.level)
	case xml.EndElement:
		s.level--
	case xml.Directive:
		if definesEntities(t) {
			return nil, s.part.fail(entities(s.part.name))
		}
	}
	return t, nil
}

func definesEntities(doctype []byte) bool {
	return bytes.Contains(bytes.ToUpper(doctype), []byte("<!ENTITY"))
}

// walk visits the children of the element that is open, and ends behind it. What a visit has not read is skipped.
func (s *scanner) walk(visit func(element) error) error { return s.mixed(nil, visit) }

// mixed is walk that also takes the text between the children.
func (s *scanner) mixed(text func(string) error, visit func(element) error) error {
	for level := s.level; ; {
		t, err := s.token()
		if err != nil {
			return err
		}
		switch t := t.(type) {
		case xml.StartElement:
			err = visit(s.element(t))
			if err == nil {
				err = s.skipTo(level)
			}
		case xml.EndElement:
			if s.level < level {
				return nil
			}
		case xml.CharData:
			if text != nil {
				err = text(string(t))
			}
		}
		if err != nil {
			return err
		}
	}
}

func (s *scanner) skipTo(level int) error {
	for s.level > level {
		if _, err := s.token(); err != nil {
			return err
		}
	}
	return nil
}

// text gives all text in the element that is open, and ends behind it.
func (s *scanner) text() (string, error) {
	var b strings.Builder
	err := s.collect(&b)
	return b.String(), err
}

func (s *scanner) collect(b *strings.Builder) error {
	add := func(t string) error {
		if b.WriteString(t); b.Len() > s.part.token {
			return s.part.fail(tooComplex("its part %s has a text of more than %d MiB in one piece", quote(s.part.name), s.part.token/mebi))
		}
		return nil
	}
	return s.mixed(add, func(element) error { return s.collect(b) })
}

// element is a start tag. Names are short: the prefix that is usual for the namespace, a colon, and the local name; without a prefix
// when the document gives no namespace, and with the prefix "?" when it is none that matters here.
type element struct {
	name  string
	attrs []xml.Attr
	s     *scanner
}

func (s *scanner) element(t xml.StartElement) element { return element{s.short(t.Name), t.Attr, s} }

// attr gives the value of an attribute, or "".
func (e element) attr(name string) string {
	for i := range e.attrs {
		if e.s.short(e.attrs[i].Name) == name {
			return e.attrs[i].Value
		}
	}
	return ""
}

// walk visits the element's children.
func (e element) walk(visit func(element) error) error { return e.s.walk(visit) }

// text gives all text in the element.
func (e element) text() (string, error) { return e.s.text() }

func (s *scanner) short(n xml.Name) string {
	if n.Space == "" {
		return n.Local
	}
	if name, ok := s.names[n]; ok {
		return name
	}
	name := prefix(n.Space) + ":" + n.Local
	if len(s.names) < maxNames {
		s.names[n] = name
	}
	return name
}
