package markup

import (
	"strconv"
	"strings"

	"golang.org/x/net/html"
)

// apart writes an element with a gap before and behind it.
func (c *converter) apart(n *html.Node, g gap) {
	c.need(g)
	c.children(n)
	c.need(g)
}

// nested writes an element whose lines all begin in the same way, the first one otherwise.
func (c *converter) nested(n *html.Node, first, rest string, g gap) {
	c.need(g)
	end := c.mark(first, rest)
	c.children(n)
	end()
	c.need(g)
}

func (c *converter) heading(n *html.Node) {
	if c.flat {
		c.apart(n, space)
		return
	}
	c.need(blankLine)
	end := c.mark(strings.Repeat("#", int(n.Data[1]-'0'))+" ", "")
	c.flat = true
	c.children(n)
	c.flat = false
	end()
	c.need(blankLine)
}

// lineBreak ends a line; on an empty one it makes room.
func (c *converter) lineBreak() {
	if c.gap >= newLine {
		c.need(blankLine)
	}
	c.need(newLine)
}

func (c *converter) rule() {
	c.need(blankLine)
	if !c.flat {
		c.word("---")
	}
	c.need(blankLine)
}

// list writes a list. Its items are numbered from where the page says, if they are.
func (c *converter) list(n *html.Node) {
	g := blankLine
	if n.Parent != nil && n.Parent.Data == "li" {
		g = newLine
	}
	number, err := strconv.Atoi(attribute(n, "start"))
	if err != nil || number < 0 || number > 1_000_000 {
		number = 1
	}
	c.need(g)
	for child := range n.ChildNodes() {
		if n.Data == "ol" && child.Data == "li" && child.Type == html.ElementNode && !hidden(child) {
			c.item(child, strconv.Itoa(number)+". ")
			number++
		} else {
			c.node(child)
		}
	}
	c.need(g)
}

func (c *converter) item(n *html.Node, marker string) {
	c.nested(n, marker, strings.Repeat(" ", len(marker)), newLine)
}

// verbatim writes text whose white space counts, as a block of code.
func (c *converter) verbatim(n *html.Node) {
	text := strings.Trim(rawText(n), "\n")
	if c.flat || strings.TrimSpace(text) == "" {
		c.words(text)
		return
	}
	fence := "```"
	for strings.Contains(text, fence) {
		fence += "`"
	}
	c.need(blankLine)
	c.begin()
	c.out = append(append(c.out, fence...), codeLanguage(n)...)
	for line := range strings.SplitSeq(text, "\n") {
		c.nextLine()
		c.out = append(c.out, line...)
	}
	c.nextLine()
	c.out = append(c.out, fence...)
	c.need(blankLine)
}

// rawText gives the text of an element as it stands.
func rawText(n *html.Node) string {
	var b strings.Builder
	for child := range n.Descendants() {
		switch {
		case child.Type == html.TextNode && !hidden(child.Parent):
			b.WriteString(child.Data)
		case child.Type == html.ElementNode && child.Data == "br":
			b.WriteByte('\n')
		}
	}
	return strings.ToValidUTF8(b.String(), "")
}

// codeLanguage gives the language of a block of code, as most programs say it: in a class of the element or of the one within.
func codeLanguage(n *html.Node) string {
	if n.FirstChild != nil && n.FirstChild.Data == "code" {
		n = n.FirstChild
	}
	for class := range strings.FieldsSeq(attribute(n, "class")) {
		if language, ok := strings.CutPrefix(class, "language-"); ok && len(language) < 32 && !strings.Contains(language, "`") {
			return language
		}
	}
	return ""
}
