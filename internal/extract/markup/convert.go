package markup

import (
	"context"
	"strings"

	"golang.org/x/net/html"

	"github.com/satchel-files/satchel"
	"github.com/satchel-files/satchel/internal/extract"
)

// Convert gives the text of a page of HTML, in UTF-8, as Markdown, and what the page says of itself. Its cost grows with the length of the
// page alone. It fails with satchel.CodeDocumentTooComplex for a page of more than a million tags, or with elements more than 512 deep, and
// with the error of ctx.
func Convert(ctx context.Context, page string) (markdown string, doc satchel.Document, err error) {
	doc = satchel.Document{Format: "html"}
	if strings.Count(page, "<") > maxTags {
		return "", doc, tooComplex("it has more than a million tags")
	}
	root, err := html.Parse(strings.NewReader(page))
	if err != nil {
		return "", doc, tooComplex("its elements are nested more than 512 deep")
	}
	c := converter{stop: ctx.Err}
	c.children(root)
	if err := ctx.Err(); err != nil {
		return "", doc, err
	}
	about(&doc, root)
	return c.String(), doc, nil
}

// converter writes what a reader sees of a page.
type converter struct {
	sheet
	stop  func() error
	nodes int // so far
	done  bool
}

// node writes a node and what is in it.
func (c *converter) node(n *html.Node) {
	if c.nodes++; c.nodes%1024 == 0 && c.stop() != nil {
		c.done = true
	}
	switch {
	case c.done:
	case n.Type == html.TextNode:
		c.words(n.Data)
	case n.Type == html.DocumentNode:
		c.children(n)
	case n.Type == html.ElementNode && !hidden(n):
		c.element(n)
	}
}

func (c *converter) children(n *html.Node) {
	for child := range n.ChildNodes() {
		c.node(child)
	}
}

// element writes an element that is shown.
func (c *converter) element(n *html.Node) {
	switch n.Data {
	case "h1", "h2", "h3", "h4", "h5", "h6":
		c.heading(n)
	case "p", "dl", "figure", "address", "center", "fieldset", "form", "math":
		c.apart(n, blankLine)
	case "br":
		c.lineBreak()
	case "hr":
		c.rule()
	case "ul", "ol", "menu", "dir":
		c.list(n)
	case "li":
		c.item(n, "- ")
	case "blockquote":
		c.nested(n, "> ", "> ", blankLine)
	case "dd":
		c.nested(n, ": ", "  ", newLine)
	case "pre", "listing", "xmp", "plaintext":
		c.verbatim(n)
	case "table":
		c.table(n)
	default:
		c.inline(n)
	}
}

// inline writes an element that stands within a line, or at least makes no paragraph of its own.
func (c *converter) inline(n *html.Node) {
	switch n.Data {
	case "a":
		c.link(n)
	case "img":
		c.image(n)
	case "input":
		c.input(n)
	case "q":
		c.words("“")
		c.children(n)
		c.words("”")
	case "del", "s", "strike":
		c.struck(n)
	case "select":
		c.selected(n)
	case "sup":
		c.rewrite(func() { c.children(n) }, extract.Superscript)
	case "sub":
		c.rewrite(func() { c.children(n) }, extract.Subscript)
	case "msup", "msub":
		c.power(n)
	default:
		if breaksLine(n.Data) {
			c.apart(n, newLine)
		} else {
			c.children(n)
		}
	}
}

// breaksLine reports whether an element stands on lines of its own.
func breaksLine(name string) bool {
	switch name {
	case "article", "aside", "body", "caption", "dd", "details", "dialog", "div", "dt", "figcaption", "footer", "header", "hgroup", "html",
		"legend", "main", "nav", "optgroup", "option", "search", "section", "summary", "tbody", "td", "tfoot", "th", "thead", "tr":
		return true
	}
	return false
}

// hidden reports whether a reader of the page does not see an element: by what it is, or by what it says of itself. Style sheets are not
// looked at.
func hidden(n *html.Node) bool {
	switch n.Data {
	case "head", "script", "style", "noscript", "template", "iframe", "noembed", "noframes", "object", "embed", "audio", "video", "canvas", "svg",
		"annotation", "annotation-xml", "datalist", "rp":
		return true
	case "dialog":
		if !has(n, "open") {
			return true
		}
	}
	for _, a := range n.Attr {
		switch a.Key {
		case "hidden":
			return !strings.EqualFold(a.Val, "until-found")
		case "style":
			style := strings.ToLower(strings.Join(strings.Fields(a.Val), ""))
			if strings.Contains(style, "display:none") || strings.Contains(style, "visibility:hidden") {
				return true
			}
		}
	}
	return false
}

func attribute(n *html.Node, name string) string {
	for _, a := range n.Attr {
		if a.Key == name {
			return strings.TrimSpace(a.Val)
		}
	}
	return ""
}

func has(n *html.Node, name string) bool {
	for _, a := range n.Attr {
		if a.Key == name {
			return true
		}
	}
	return false
}
