package office

import (
	"slices"
	"strconv"
	"strings"

	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"
)

// htmlTree is a tree of HTML under way. Only what Markdown has a form for becomes a node, and no deeper than Markdown can show; of the
// rest only the text counts. So what converts it cannot be made to work harder than the text is long.
type htmlTree struct {
	*meter
	part  string // its name
	root  *html.Node
	open  []htmlOpen
	text  strings.Builder // that has no node yet
	kinds [muted + 1]int  // open elements of each kind that has a node, and muted ones
	table htmlSize
}

// htmlOpen is an element that is open; node is nil if it has none.
type htmlOpen struct {
	name string
	kind htmlKind
	node *html.Node
}

// htmlSize is how large a table can become when all of its rows are as wide as the widest.
type htmlSize struct{ rows, width, widest int }

func newHTMLTree(m *meter, part string) *htmlTree {
	return &htmlTree{meter: m, part: part, root: &html.Node{Type: html.ElementNode, Data: "div", DataAtom: atom.Div}}
}

// take takes the next token.
func (t *htmlTree) take(z *html.Tokenizer, kind html.TokenType) error {
	switch kind {
	case html.TextToken:
		return t.write(tidy(string(z.Text())))
	case html.DoctypeToken:
		if definesEntities(z.Text()) {
			return t.fail(entities(t.part))
		}
	case html.StartTagToken, html.SelfClosingTagToken:
		token := z.Token()
		name := local(token.Data)
		if err := t.start(name, token); err != nil {
			return err
		}
		switch {
		case kind == html.SelfClosingTagToken:
			z.NextIsNotRawText() // in XHTML such a tag is all of its element
			return t.end(name)
		case isVoid(token.DataAtom):
			return t.end(name)
		}
	case html.EndTagToken:
		name, _ := z.TagName()
		return t.end(local(string(name)))
	}
	return nil
}

// local takes the prefix from a name that has one.
func local(name string) string { return name[strings.LastIndexByte(name, ':')+1:] }

func isVoid(a atom.Atom) bool {
	switch a {
	case atom.Br, atom.Hr, atom.Img, atom.Meta, atom.Link, atom.Input, atom.Col, atom.Area, atom.Base, atom.Embed, atom.Source, atom.Track, atom.Wbr, atom.Param:
		return true
	}
	return false
}

func (t *htmlTree) write(text string) error {
	if t.kinds[muted] > 0 {
		return nil
	}
	if t.kinds[celled] > 0 {
		text = strings.ReplaceAll(text, "|", `\|`)
	}
	t.text.WriteString(text)
	return t.hold(len(text))
}

func (t *htmlTree) start(name string, token html.Token) error {
	kind := kindOf(name)
	if err := t.close(name, kind); err != nil {
		return err
	}
	if err := t.element(len(t.open) + 1); err != nil {
		return err
	}
	o := htmlOpen{name: name, kind: kind}
	switch {
	case kind == muted || t.kinds[muted] > 0:
		o.kind = muted
		t.kinds[muted]++
	case name == "img":
		if err := t.write(attribute(token, "alt")); err != nil {
			return err
		}
	case name == "sup":
		t.text.WriteString(aboveOpen)
	case name == "sub":
		t.text.WriteString(belowOpen)
	case kind == inlined:
	case t.kinds[celled] > 0 || kind == nesting && t.kinds[nesting] >= maxNested || kind == blockwise && t.kinds[blockwise] >= maxBlocks:
		o.kind = inlined
		t.text.WriteByte(' ')
	default:
		if err := t.hang(&o, token); err != nil {
			return err
		}
	}
	t.open = append(t.open, o)
	return nil
}

// close ends what the author of HTML need not end: a paragraph before another block, and a row, cell or item before the next.
func (t *htmlTree) close(name string, kind htmlKind) error {
	if kind == inlined || kind == muted || name == "br" {
		return nil
	}
	last := len(t.open) - 1
	for last >= 0 && t.open[last].node == nil {
		last--
	}
	if last < 0 {
		return nil
	}
	switch open := t.open[last].name; {
	case open == "p":
		return t.end(open)
	case open == name && (name == "li" || name == "tr" || name == "td" || name == "th" || name == "dt" || name == "dd"):
		return t.end(open)
	}
	return nil
}

// hang gives an element its node.
func (t *htmlTree) hang(o *htmlOpen, token html.Token) error {
	t.flush()
	o.node = &html.Node{Type: html.ElementNode, Data: o.name, DataAtom: atom.Lookup([]byte(o.name))}
	switch o.name {
	case "table":
		t.table = htmlSize{}
	case "tr":
		t.table.rows, t.table.width = t.table.rows+1, 0
	case "td", "th":
		columns, rows := t.span(o.node, token, "colspan"), t.span(o.node, token, "rowspan")
		t.table.width += columns * rows
		t.table.widest = max(t.table.widest, t.table.width)
	case "ol":
		if start := attribute(token, "start"); start != "" {
			o.node.Attr = append(o.node.Attr, html.Attribute{Key: "start", Val: strconv.Itoa(count(start))})
		}
	}
	t.parent().AppendChild(o.node)
	t.kinds[o.kind]++
	return t.hold(nodeCost)
}

// span hands on how many columns or rows a cell has.
func (t *htmlTree) span(node *html.Node, token html.Token, name string) int {
	n := min(max(count(attribute(token, name)), 1), maxSpan)
	if n > 1 {
		node.Attr = append(node.Attr, html.Attribute{Key: name, Val: strconv.Itoa(n)})
	}
	return n
}

func attribute(token html.Token, name string) string {
	for _, a := range token.Attr {
		if a.Key == name {
			return a.Val
		}
	}
	return ""
}

// parent is the innermost open element with a node.
func (t *htmlTree) parent() *html.Node {
	for _, o := range slices.Backward(t.open) {
		if o.node != nil {
			return o.node
		}
	}
	return t.root
}

// flush gives the text so far its node.
func (t *htmlTree) flush() {
	if t.text.Len() == 0 {
		return
	}
	t.parent().AppendChild(&html.Node{Type: html.TextNode, Data: t.text.String()})
	t.text.Reset()
}

// end ends the innermost open element of that name, and those within it.
func (t *htmlTree) end(name string) error {
	at := len(t.open) - 1
	for at >= 0 && t.open[at].name != name {
		at--
	}
	if at < 0 {
		return nil
	}
	for len(t.open) > at {
		if err := t.pop(); err != nil {
			return err
		}
	}
	return nil
}

func (t *htmlTree) pop() error {
	o := t.open[len(t.open)-1]
	if o.node != nil {
		t.flush()
	}
	t.open = t.open[:len(t.open)-1]
	switch {
	case o.kind == muted || o.node != nil:
		t.kinds[o.kind]--
	case o.name == "sup", o.name == "sub":
		t.text.WriteString(scriptClose)
	case kindOf(o.name) != inlined:
		t.text.WriteByte(' ')
	}
	if o.name == "table" && o.node != nil {
		return t.hold(t.table.rows * t.table.widest * cellCost)
	}
	return nil
}
