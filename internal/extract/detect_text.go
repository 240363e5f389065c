package extract

import (
	"encoding/xml"
	"errors"
	"io"
	"regexp"
	"slices"
	"strings"

	"github.com/gabriel-vasile/mimetype"
)

// The types of text that Detect tells apart by more than their names.
const (
	typeMail     = "message/rfc822"
	typeMailbox  = "application/mbox"
	typeHTML     = "text/html"
	typeXHTML    = "application/xhtml+xml"
	typeXML      = "text/xml"
	typeSVG      = "image/svg+xml"
	typeJSON     = "application/json"
	typeLines    = "application/x-ndjson"
	typeCSV      = "text/csv"
	typeTSV      = "text/tab-separated-values"
	typeMarkdown = "text/markdown"
	typeYAML     = "application/yaml"
)

// beginning is the beginning of a text in UTF-8.
type beginning struct {
	text string
	cut  bool // there is more
}

// detectText finds what kind of text it is. What proves itself goes before the name, and the name before what is merely likely.
func detectText(head beginning, filename string) string {
	named := typeByName(filename)
	found := baseType(mimetype.Detect([]byte(head.text)))
	for _, contentType := range []string{
		mailType(head.text, named),
		structured(head, found, named),
		markupType(head, found, named),
		plausible(head.text, named),
		likely(head),
	} {
		if contentType != "" {
			return contentType
		}
	}
	return typeText
}

// structured believes what was found by a grammar or by a mark that nothing else begins with.
func structured(head beginning, found, named string) string {
	switch {
	case found == typeJSON && named == typeLines:
		return named
	case found == typeLines, strings.HasSuffix(found, "json") && !sourceCode(named):
		return found
	case strings.HasPrefix(found, "text/x-"), found == "text/javascript": // a script, by its first line
		if sourceCode(named) {
			return named
		}
		return found
	case slices.Contains([]string{"text/rtf", "text/vcard", "text/calendar", "text/vtt", "application/warc"}, found):
		return found
	case found == "application/x-subrip" && strings.Contains(head.text, "-->"):
		return found
	}
	return ""
}

// plausible gives the type of the name, unless the text cannot be that.
func plausible(text, named string) string {
	text = strings.TrimSpace(text)
	switch {
	case named == typeMail, named == typeMailbox:
		return "" // mailType did not find one
	case isMarkup(named) && !anyTag.MatchString(text), named == typeJSON && !strings.ContainsAny(text[:min(len(text), 1)], `{["/`):
		return typeText
	}
	return named
}

func isMarkup(contentType string) bool {
	return slices.Contains([]string{typeHTML, typeXHTML, typeXML, typeSVG}, contentType)
}

// sourceCode reports whether a type that was found by the name is one that other formats stand inside of: code holds markup and mails.
func sourceCode(contentType string) bool {
	return strings.HasPrefix(contentType, "text/x-") || slices.Contains([]string{
		"text/javascript", "text/css", typeMarkdown, typeYAML, "application/toml", "application/sql",
	}, contentType)
}

var (
	headerLine = regexp.MustCompile(`^([!-9;-~]+)[ \t]*:`)
	mailHeader = regexp.MustCompile(`(?i)^(received|return-path|delivered-to|message-id|mime-version|from|sender|date|subject|to|cc|reply-to|` +
		`in-reply-to|references|content-type|content-transfer-encoding|dkim-signature|x-mailer|list-unsubscribe)$`)
	mailOrigin = regexp.MustCompile(`(?i)^(received|return-path|delivered-to|message-id|mime-version|from|sender)$`)
)

// mailType recognizes a mail by its header: lines with names up to an empty line, at least three that mails have, and one that says where
// it comes from. For a name that says mail one is enough. A mailbox begins with "From " and such a header.
func mailType(text, named string) string {
	if sourceCode(named) || isMarkup(named) {
		return ""
	}
	contentType, need := typeMail, 3
	if strings.HasPrefix(text, "From ") {
		_, text, _ = strings.Cut(text, "\n")
		contentType = typeMailbox
	}
	if named == typeMail || named == typeMailbox {
		need = 1
	}
	if known, origin := countHeaders(text); known < need || need > 1 && !origin {
		return ""
	}
	return contentType
}

// countHeaders counts the lines of a header that mails have; 0 if it is none.
func countHeaders(text string) (known int, origin bool) {
	for line := range strings.Lines(text) {
		line = strings.TrimRight(line, "\n")
		if line == "" {
			break
		}
		if line[0] == ' ' || line[0] == '\t' {
			continue // goes on with the line before
		}
		match := headerLine.FindStringSubmatch(line)
		if match == nil {
			return 0, false
		}
		if mailHeader.MatchString(match[1]) {
			known++
			origin = origin || mailOrigin.MatchString(match[1])
		}
	}
	return known, origin
}

// markupType recognizes HTML and XML by the root element. Fragments of HTML have none; what begins with an element of HTML is one if the
// name does not say anything else.
func markupType(head beginning, found, named string) string {
	text := strings.TrimSpace(head.text)
	if !strings.HasPrefix(text, "<") {
		return ""
	}
	root, doctype := rootElement(text)
	declared := strings.HasPrefix(text, "<?xml")
	switch {
	case root == "svg":
		return typeSVG
	case strings.EqualFold(doctype, "html"), slices.Contains([]string{"html", "head", "body"}, root):
		if declared || named == typeXHTML {
			return typeXHTML
		}
		return typeHTML
	case declared && (named == typeHTML || named == typeXHTML):
		return typeXHTML
	case declared:
		return xmlType(found)
	case named != "" && named != typeXML && named != typeHTML:
		return ""
	case fragment(root), named == typeHTML:
		return typeHTML
	case named == typeXML || wellFormed(text, head.cut):
		return typeXML
	}
	return ""
}

// xmlType keeps what was found of a document with an XML declaration, if that is a kind of XML.
func xmlType(found string) string {
	if strings.HasSuffix(found, "+xml") || found == "application/x-amf" {
		return found
	}
	return typeXML
}

var (
	prologue = regexp.MustCompile(`^(?s:\s+|<\?.*?\?>|<!--.*?-->)`)
	docType  = regexp.MustCompile(`^(?i)<!doctype\s+([\w:.-]+)[^>\[]*(?:\[[^\]]*\]\s*)?>`)
	anyTag   = regexp.MustCompile(`<[A-Za-z!/]`)
	startTag = regexp.MustCompile(`^<([A-Za-z_][\w:.-]*)[\s/>]`)
)

// rootElement gives the name of the first element, in small letters, and that in the document type declaration.
func rootElement(text string) (root, doctype string) {
	for {
		if skip := prologue.FindString(text); skip != "" {
			text = text[len(skip):]
			continue
		}
		match := docType.FindStringSubmatch(text)
		if match == nil {
			break
		}
		text, doctype = text[len(match[0]):], match[1]
	}
	if match := startTag.FindStringSubmatch(text); match != nil {
		root = strings.ToLower(match[1])
	}
	return root, doctype
}

// fragment reports whether an element of that name stands at the beginning of pieces of HTML.
func fragment(root string) bool {
	return slices.Contains(strings.Fields("a article b blockquote br center details div dl em figure font footer form h1 h2 h3 h4 h5 h6 header hr i "+
		"iframe img link main meta nav noscript ol p picture pre script section span strong style table title ul"), root)
}

// wellFormed reports whether a text is XML as far as it goes, with one element at least.
func wellFormed(text string, cut bool) bool {
	d := xml.NewDecoder(strings.NewReader(text))
	d.CharsetReader = func(_ string, in io.Reader) (io.Reader, error) { return in, nil }
	elements := 0
	for range 200 {
		token, err := d.Token()
		if err != nil {
			var syntax *xml.SyntaxError
			atEnd := errors.As(err, &syntax) && d.InputOffset() >= int64(len(text))
			return elements > 0 && (errors.Is(err, io.EOF) || cut && atEnd)
		}
		if _, ok := token.(xml.StartElement); ok {
			elements++
		}
	}
	return elements > 0
}
