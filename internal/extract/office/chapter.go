package office

import (
	"errors"
	"io"
	"math"
	"strings"

	"github.com/JohannesKaufmann/html-to-markdown/v2/converter"
	"github.com/JohannesKaufmann/html-to-markdown/v2/plugin/base"
	"github.com/JohannesKaufmann/html-to-markdown/v2/plugin/commonmark"
	"github.com/JohannesKaufmann/html-to-markdown/v2/plugin/table"
	"golang.org/x/net/html"
	"golang.org/x/net/html/charset"
)

const (
	maxNested = 8   // lists and quotations inside of each other; what is deeper is not indented any further
	maxBlocks = 64  // other blocks inside of each other; what is deeper is only text
	nodeCost  = 160 // bytes that a node of HTML takes
)

// newMarkdown makes what turns a tree of HTML into Markdown. Text stays as it is: nothing is escaped, for nobody will render it.
func newMarkdown() *converter.Converter {
	conv := converter.NewConverter(
		converter.WithEscapeMode(converter.EscapeModeDisabled),
		converter.WithPlugins(
			base.NewBasePlugin(),
			commonmark.NewCommonmarkPlugin(commonmark.WithListEndComment(false)),
			table.NewTablePlugin(table.WithCellPaddingBehavior(table.CellPaddingBehaviorMinimal), table.WithHeaderPromotion(true), table.WithSkipEmptyRows(true)),
		),
	)
	raw := strings.NewReplacer("&lt;", "<", "&gt;", ">")
	conv.Register.TextTransformer(func(_ converter.Context, text string) string { return raw.Replace(text) }, converter.PriorityLate)
	return conv
}

// chapter gives a chapter of a book as Markdown.
func (a *archive) chapter(convert *converter.Converter, name string) (string, error) {
	p, err := a.open(name)
	if err != nil {
		return "", err
	}
	defer p.Close()
	body, err := a.tree(p)
	if err != nil {
		return "", err
	}
	text, err := convert.ConvertNode(body)
	if err != nil {
		return "", broken("its part "+quote(name)+" cannot be read", err)
	}
	return trimLines(tidy(scripts(string(text)))), nil
}

// htmlKind is what becomes of an element.
type htmlKind int

const (
	inlined   htmlKind = iota // only its text counts
	blockwise                 // a node
	nesting                   // a node that indents what it holds
	celled                    // a cell of a table: a node whose text is one line
	single                    // a node without content
	muted                     // nothing
)

func kindOf(name string) htmlKind {
	switch name {
	case "p", "div", "section", "article", "h1", "h2", "h3", "h4", "h5", "h6", "li", "pre", "table", "thead", "tbody", "tfoot", "tr", "caption",
		"figure", "figcaption", "header", "footer", "aside", "nav", "main", "dl", "dt", "dd", "address", "body":
		return blockwise
	case "ul", "ol", "blockquote":
		return nesting
	case "td", "th":
		return celled
	case "br", "hr":
		return single
	case "head", "script", "style", "template", "svg", "iframe", "object", "audio", "video", "canvas", "rt", "rp", "annotation", "annotation-xml":
		return muted
	}
	return inlined
}

// tree reads HTML or XHTML, well-formed or not. It holds no more nodes and no deeper ones than the converter can take.
func (a *archive) tree(p *part) (*html.Node, error) {
	p.piece = math.MaxInt // a picture can stand in a tag; the chapter as a whole has its limit
	decoded, err := charset.NewReader(p, "application/xhtml+xml")
	if err != nil {
		return nil, p.fault(err)
	}
	left := &io.LimitedReader{R: decoded, N: int64(a.limits.chapter) + 1}
	z := html.NewTokenizer(left)
	z.AllowCDATA(true)
	t := newHTMLTree(a.meter, p.name)
	for {
		kind := z.Next()
		switch {
		case left.N == 0:
			return nil, a.fail(tooComplex("its chapter %s takes more than %d MiB", quote(p.name), a.limits.chapter/mebi))
		case kind == html.ErrorToken && errors.Is(z.Err(), io.EOF):
			t.flush()
			return t.root, nil
		case kind == html.ErrorToken:
			return nil, p.fault(z.Err())
		}
		if err := t.take(z, kind); err != nil {
			return nil, err
		}
	}
}
