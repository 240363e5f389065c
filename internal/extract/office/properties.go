package office

import (
	"strings"
	"time"
	"unicode/utf8"

	"github.com/satchel-files/satchel"
)

const (
	maxProperties = 64
	maxProperty   = 2 * kibi // bytes of one property; what is longer is cut
)

// coreProperties reads what an Office Open XML package says of itself in Dublin Core.
func (a *archive) coreProperties(name string, doc *satchel.Document) error {
	facts := map[string]string{
		"dc:title": "title", "dc:creator": "author", "dc:language": "language", "dcterms:created": "created", "dcterms:modified": "modified",
		"dc:subject": "subject", "dc:description": "description", "cp:keywords": "keywords", "cp:category": "category",
		"cp:contentStatus": "status", "cp:lastModifiedBy": "modified_by",
	}
	return a.walk(name, "cp:coreProperties", func(e element) error { return e.fact(doc, facts) })
}

// extendedProperties reads what the program that made an Office Open XML package says of it.
func (a *archive) extendedProperties(name string, doc *satchel.Document) error {
	facts := map[string]string{"ep:Application": "producer", "ep:Company": "company", "ep:Manager": "manager"}
	return a.walk(name, "ep:Properties", func(e element) error { return e.fact(doc, facts) })
}

// fact reads an element that says something of the document, if it is one of those: facts tell by names of elements what it is, as setFact knows it.
func (e element) fact(doc *satchel.Document, facts map[string]string) error {
	name := facts[e.name]
	if name == "" {
		return nil
	}
	value, err := e.text()
	if err != nil {
		return err
	}
	setFact(doc, name, value)
	return nil
}

// setFact sets the field of that name, or else the property.
func setFact(doc *satchel.Document, name, value string) {
	switch name {
	case "title":
		setText(&doc.Title, value)
	case "author":
		setText(&doc.Author, value)
	case "language":
		setText(&doc.Language, value)
	case "created":
		setTime(&doc.Created, value)
	case "modified":
		setTime(&doc.Modified, value)
	default:
		setProperty(doc, name, value)
	}
}

// setText sets what is not set yet.
func setText(to *string, value string) {
	if value = oneLine(value); *to == "" {
		*to = value
	}
}

// setTime sets what is not set yet, if value is a time as XML has them.
func setTime(to *time.Time, value string) {
	value = strings.TrimSpace(value)
	for _, layout := range []string{time.RFC3339Nano, "2006-01-02T15:04:05.999999999", "2006-01-02T15:04Z07:00", "2006-01-02", "2006-01", "2006"} {
		if t, err := time.Parse(layout, value); err == nil && to.IsZero() {
			*to = t.UTC()
		}
	}
}

// setProperty adds a fact. A second one with the same key is added to the first.
func setProperty(doc *satchel.Document, key, value string) {
	if value = oneLine(value); value == "" {
		return
	}
	if doc.Properties == nil {
		doc.Properties = map[string]string{}
	}
	if known := doc.Properties[key]; known != "" {
		value = cut(known + ", " + value)
	}
	if len(doc.Properties) < maxProperties || doc.Properties[key] != "" {
		doc.Properties[key] = value
	}
}

func oneLine(text string) string { return cut(strings.Join(strings.Fields(tidy(text)), " ")) }

func cut(text string) string {
	if len(text) <= maxProperty {
		return text
	}
	text = text[:maxProperty]
	for !utf8.ValidString(text) {
		text = text[:len(text)-1]
	}
	return text
}
