package markup

import (
	"strings"

	"golang.org/x/net/html"

	"github.com/satchel-files/satchel/internal/extract"
)

// link writes a link with its address, if that means something outside of the page and the text does not say it already.
func (c *converter) link(n *html.Node) {
	address := attribute(n, "href")
	c.rewrite(func() { c.children(n) }, func(text string) string { return extract.Link(text, address) })
}

// image writes what stands for an image: its description, apart from the words around it, and its address if that means something outside
// of the page.
func (c *converter) image(n *html.Node) {
	alternative, address := strings.Join(strings.Fields(attribute(n, "alt")), " "), attribute(n, "src")
	if alternative == "" {
		return
	}
	if extract.Meaningful(address) {
		alternative = "![" + alternative + "](" + address + ")"
	}
	c.need(space)
	c.words(alternative)
	c.need(space)
}

// input writes what a field of a form shows.
func (c *converter) input(n *html.Node) {
	switch strings.ToLower(attribute(n, "type")) {
	case "hidden", "password", "file", "color", "range":
	case "checkbox", "radio":
		if has(n, "checked") {
			c.words("[x]")
		} else {
			c.words("[ ]")
		}
	case "image":
		c.image(n)
	default:
		c.words(attribute(n, "value"))
	}
}

// selected writes the choices of a list that are made, which is the first one when none is.
func (c *converter) selected(n *html.Node) {
	var first *html.Node
	found := false
	for child := range n.Descendants() {
		if child.Type != html.ElementNode || child.Data != "option" {
			continue
		}
		if first == nil {
			first = child
		}
		if has(child, "selected") {
			found = true
			c.need(space)
			c.children(child)
		}
	}
	if !found && first != nil {
		c.children(first)
	}
	c.need(space)
}

// struck writes text that is struck out.
func (c *converter) struck(n *html.Node) {
	c.rewrite(func() { c.children(n) }, func(text string) string { return "~~" + text + "~~" })
}

// power writes what has something above or below it in a formula, which is its last element.
func (c *converter) power(n *html.Node) {
	as := extract.Superscript
	if n.Data == "msub" {
		as = extract.Subscript
	}
	last := n.LastChild
	for last != nil && last.Type != html.ElementNode {
		last = last.PrevSibling
	}
	for child := range n.ChildNodes() {
		switch {
		case child == last:
			c.rewrite(func() { c.node(child) }, as)
		case child.Type == html.ElementNode:
			c.node(child)
		}
	}
}
