package text

import (
	"cmp"
	"context"
	"encoding/xml"
	"errors"
	"io"
	"slices"
	"strings"

	"github.com/satchel-files/satchel"
)

// Limits of XML that becomes an outline.
const (
	maxNodes  = 200_000
	maxLevels = 100
	maxShift  = 24 // levels of an outline that are indented
	titleFrom = 3  // levels in which a document's title may stand
)

// xml gives short XML as an outline: a line for each element, with its attributes and its text, below that of the element around it. What
// is long, deep or broken is given as it stands.
func (p pager) xml(ctx context.Context, r io.Reader, doc *satchel.Document) error {
	source, all, err := short(r, maxXML)
	switch {
	case err != nil:
		return err
	case all != nil:
		return p.pages(ctx, all, &lineMarks{})
	}
	root, err := parse(source)
	if err != nil {
		return p.pages(ctx, strings.NewReader(source), &lineMarks{})
	}
	doc.Title = title(root, 0)
	doc.Language = root.language
	var b strings.Builder
	for _, n := range root.nodes {
		n.outline(&b, 0)
	}
	return p.pages(ctx, strings.NewReader(b.String()), &lineMarks{})
}

// node is an element, or a text, which has no name.
type node struct {
	name       string
	text       string
	attributes string
	language   string
	nodes      []*node
}

var errTooComplex = errors.New("text: XML that is too complex for an outline")

// parse reads XML without expanding entities: those that are not of HTML stay as they are written. Strictness is not wanted of documents.
func parse(source string) (*node, error) {
	d := xml.NewDecoder(strings.NewReader(source))
	d.Strict, d.Entity = false, xml.HTMLEntity
	d.CharsetReader = func(_ string, in io.Reader) (io.Reader, error) { return in, nil } // it is UTF-8 by now
	root := &node{}
	open := []*node{root}
	for count := 0; ; count++ {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			return root, nil
		}
		if err != nil {
			return nil, err
		}
		if open = place(open, token); count > maxNodes || len(open) > maxLevels {
			return nil, errTooComplex
		}
	}
}

// place puts a token into the innermost of the open elements, and gives those that are open after it.
func place(open []*node, token xml.Token) []*node {
	inner := open[len(open)-1]
	switch t := token.(type) {
	case xml.StartElement:
		n := element(t)
		inner.nodes = append(inner.nodes, n)
		open[0].language = cmp.Or(open[0].language, n.language)
		return append(open, n)
	case xml.EndElement:
		if len(open) > 1 {
			return open[:len(open)-1]
		}
	case xml.CharData:
		if len(t) > 0 {
			inner.nodes = append(inner.nodes, &node{text: string(t)})
		}
	}
	return open
}

func element(start xml.StartElement) *node {
	n := &node{name: start.Name.Local}
	var attributes []string
	for _, a := range start.Attr {
		switch {
		case a.Name.Space == "xmlns", a.Name.Local == "xmlns", a.Name.Local == "schemaLocation":
		case a.Name.Local == "lang":
			n.language = a.Value
		case strings.TrimSpace(a.Value) != "":
			attributes = append(attributes, a.Name.Local+": "+words(a.Value))
		}
	}
	n.attributes = strings.Join(attributes, ", ")
	return n
}

// words gives a text with single spaces.
func words(text string) string { return strings.Join(strings.Fields(text), " ") }

// outline writes an element and what is in it.
func (n *node) outline(b *strings.Builder, level int) {
	if n.name == "" {
		return // white space between elements
	}
	b.WriteString(strings.Repeat("  ", min(level, maxShift)))
	b.WriteString(n.name)
	if n.attributes != "" {
		b.WriteString(" (" + n.attributes + ")")
	}
	if !n.hasText() {
		b.WriteByte('\n')
		for _, inner := range n.nodes {
			inner.outline(b, level+1)
		}
		return
	}
	var running strings.Builder
	n.run(&running)
	b.WriteString(": " + words(running.String()) + "\n")
}

// hasText reports whether there is text of its own in an element. The elements beside it are then parts of sentences.
func (n *node) hasText() bool {
	return slices.ContainsFunc(n.nodes, func(inner *node) bool { return inner.name == "" && strings.TrimSpace(inner.text) != "" })
}

// run writes all text in an element as it reads. Elements that have no text of their own hold pieces that stand apart, and so do elements
// that follow each other without any text between them.
func (n *node) run(b *strings.Builder) {
	apart := n.name != "" && !n.hasText()
	b.WriteString(n.text)
	for i, inner := range n.nodes {
		if apart || i > 0 && inner.name != "" && n.nodes[i-1].name != "" {
			b.WriteByte(' ')
		}
		inner.run(b)
	}
	if apart {
		b.WriteByte(' ')
	}
}

// title gives the text of the first element of that name that is not far inside. What is in a list of equals is not the document's.
func title(n *node, level int) string {
	count := map[string]int{}
	for _, inner := range n.nodes {
		count[inner.name]++
	}
	for _, inner := range n.nodes {
		found := ""
		switch {
		case inner.name == "" || count[inner.name] > 1 || level > titleFrom:
		case strings.EqualFold(inner.name, "title"):
			var b strings.Builder
			inner.run(&b)
			found = words(b.String())
		default:
			found = title(inner, level+1)
		}
		if found != "" {
			return found
		}
	}
	return ""
}
