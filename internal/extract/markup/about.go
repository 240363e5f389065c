package markup

import (
	"strings"
	"time"

	"golang.org/x/net/html"

	"github.com/satchel-files/satchel"
)

const maxFact = 2 << 10 // bytes of what a page says of itself, each

// about finds what a page says of itself: in its head, and in its first heading if it has no title.
func about(doc *satchel.Document, root *html.Node) {
	var title, heading, named string
	for n := range root.Descendants() {
		if n.Type != html.ElementNode {
			continue
		}
		switch n.Data {
		case "html":
			doc.Language = first(doc.Language, attribute(n, "lang"), attribute(n, "xml:lang"))
		case "title":
			if title == "" && n.Namespace == "" {
				title = plain(n)
			}
		case "h1":
			if heading == "" && !hidden(n) {
				heading = plain(n)
			}
		case "meta":
			name := strings.ToLower(first(attribute(n, "name"), attribute(n, "property"), attribute(n, "itemprop"), attribute(n, "http-equiv")))
			value := fact(attribute(n, "content"))
			if name == "og:title" || name == "dc.title" {
				named = first(named, value)
			}
			fill(doc, name, value)
		}
	}
	doc.Title = first(title, named, heading)
}

// fill takes one fact into a document, by any of the names under which pages have it.
func fill(doc *satchel.Document, name, value string) {
	switch name {
	case "author", "authors", "article:author", "dc.creator", "dcterms.creator", "citation_author":
		doc.Author = first(doc.Author, value)
	case "content-language", "language", "lang", "dc.language", "dcterms.language":
		doc.Language = first(doc.Language, value)
	case "article:published_time", "date", "published", "created", "pubdate", "datepublished", "dc.date", "dcterms.created", "dc.date.created",
		"dcterms.date", "creation_date", "citation_publication_date":
		if doc.Created.IsZero() {
			doc.Created = moment(value)
		}
	case "article:modified_time", "modified", "updated", "lastmod", "last-modified", "datemodified", "dcterms.modified", "dc.date.modified":
		if doc.Modified.IsZero() {
			doc.Modified = moment(value)
		}
	case "description", "keywords", "generator", "publisher", "subject", "copyright":
		property(doc, name, value)
	case "og:site_name":
		property(doc, "site", value)
	}
}

// first gives the first text that is not empty.
func first(texts ...string) string {
	for _, text := range texts {
		if text != "" {
			return text
		}
	}
	return ""
}

// plain gives the text of an element as one line.
func plain(n *html.Node) string {
	c := converter{stop: func() error { return nil }, sheet: sheet{flat: true}}
	c.children(n)
	return fact(string(c.out))
}

// fact gives a text in one line that is not too long.
func fact(text string) string {
	text = strings.Join(strings.Fields(text), " ")
	return strings.ToValidUTF8(text[:min(len(text), maxFact)], "")
}

// moment reads a date in one of the ways in which programs write them; the zero time for any other.
func moment(text string) time.Time {
	for _, layout := range []string{
		time.RFC3339, "2006-01-02T15:04:05", "2006-01-02T15:04Z07:00", "2006-01-02T15:04", "2006-01-02 15:04:05 -0700", "2006-01-02 15:04:05Z07:00",
		"2006-01-02 15:04:05", "2006-01-02 15:04", "2006-01-02", "2006/01/02", time.RFC1123, time.RFC1123Z, "January 2, 2006", "2 January 2006",
	} {
		if t, err := time.Parse(layout, text); err == nil {
			return t.UTC()
		}
	}
	return time.Time{}
}
