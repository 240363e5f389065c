package office

import (
	"errors"
	"strings"

	"github.com/satchel-files/satchel"
)

// odf reads one OpenDocument document.
type odf struct {
	*archive
	paper  *paper
	styles map[string]*odfStyle // styles of all families; those of the content win
	lists  map[string]*odfList  // list styles
	titles *odfList             // how headings are numbered
	pages  []odfPage            // master pages, with their headers and footers
	noted  map[string]int       // notes so far, by class
}

// odfStyle is what a style says that matters here.
type odfStyle struct {
	parent string
	list   string // list style
	master string // a paragraph begins a page of this kind
	before bool   // a page begins before the paragraph
	after  bool   // a page ends behind the paragraph
	hidden bool   // text, a slide or a sheet that is not shown
	level  int    // of a heading
	script string // how far text is shifted up; empty: not said
}

// odfPage is a master page.
type odfPage struct{ header, footer *shelf }

// openODF reads all but the content: what the document says of itself, and its styles.
func openODF(a *archive, out *paper, doc *satchel.Document) (*odf, error) {
	if err := a.odfEncrypted(); err != nil {
		return nil, err
	}
	o := &odf{archive: a, paper: out, styles: map[string]*odfStyle{}, lists: map[string]*odfList{}, noted: map[string]int{}}
	if err := optional(a.odfMeta(doc)); err != nil {
		return nil, err
	}
	err := a.walk("styles.xml", "office:document-styles", func(e element) error {
		switch e.name {
		case "office:styles", "office:automatic-styles":
			return o.loadStyles(e, doc)
		case "office:master-styles":
			return o.loadPages(e)
		}
		return nil
	})
	return o, optional(err)
}

// odfEncrypted looks whether the manifest names an encrypted part.
func (a *archive) odfEncrypted() error {
	err := a.walk("META-INF/manifest.xml", "manifest:manifest", func(e element) error {
		if e.name == "manifest:encrypted-key" {
			return encrypted()
		}
		return e.walk(func(e element) error {
			if e.name == "manifest:encryption-data" {
				return encrypted()
			}
			return nil
		})
	})
	if a.has("encrypted-package") {
		return encrypted()
	}
	return optional(err)
}

// odfMeta reads what the document says of itself.
func (a *archive) odfMeta(doc *satchel.Document) error {
	facts := map[string]string{
		"dc:title": "title", "dc:language": "language", "dc:creator": "modified_by", "meta:initial-creator": "author",
		"meta:creation-date": "created", "dc:date": "modified", "dc:subject": "subject", "dc:description": "description",
		"meta:keyword": "keywords", "meta:generator": "producer",
	}
	return a.walk("meta.xml", "office:document-meta", func(e element) error {
		return e.walk(func(e element) error { return e.fact(doc, facts) })
	})
}

// content visits the children of the document's body, which must be of that kind: "office:text", say.
func (o *odf) content(doc *satchel.Document, kind string, visit func(element) error) error {
	found := false
	err := o.walk("content.xml", "office:document-content", func(e element) error {
		switch e.name {
		case "office:automatic-styles":
			return o.loadStyles(e, doc)
		case "office:body":
			return e.walk(func(e element) error {
				if e.name != kind {
					return nil
				}
				found = true
				return e.walk(visit)
			})
		}
		return nil
	})
	if err == nil && !found || errors.Is(err, errNoPart) {
		return broken("its content is not what it should be", err)
	}
	return err
}

func (o *odf) loadStyles(e element, doc *satchel.Document) error {
	return e.walk(func(e element) error {
		switch e.name {
		case "style:default-style":
			if e.attr("style:family") == "paragraph" {
				return odfLanguage(e, doc)
			}
		case "style:style":
			return o.loadStyle(e)
		case "text:list-style":
			return o.loadList(e)
		case "text:outline-style":
			o.titles = newODFList()
			return o.titles.read(e)
		}
		return nil
	})
}

func odfLanguage(e element, doc *satchel.Document) error {
	return e.walk(func(e element) error {
		language, country := e.attr("fo:language"), e.attr("fo:country")
		if language == "" || language == "none" {
			return nil
		}
		if country != "" && country != "none" {
			language += "-" + country
		}
		setText(&doc.Language, language)
		return nil
	})
}

func (o *odf) loadStyle(e element) error {
	name := e.attr("style:name")
	s := &odfStyle{
		parent: e.attr("style:parent-style-name"),
		list:   e.attr("style:list-style-name"),
		master: e.attr("style:master-page-name"),
		level:  min(count(e.attr("style:default-outline-level")), numLevels),
	}
	if e.attr("style:family") == "paragraph" && s.level == 0 {
		s.level = namedLevel(strings.ToLower(name)) // the names of the built-in styles are English in every language
	}
	o.styles[e.attr("style:family")+" "+name] = s
	const cost = 128
	if err := o.keep(cost + len(name) + len(s.parent) + len(s.list) + len(s.master)); err != nil {
		return err
	}
	return e.walk(func(e element) error {
		switch e.name {
		case "style:paragraph-properties":
			s.before = e.attr("fo:break-before") == "page"
			s.after = e.attr("fo:break-after") == "page"
		case "style:text-properties":
			s.hidden, s.script = e.attr("text:display") == "none", strings.Clone(e.attr("style:text-position"))
		case "style:drawing-page-properties":
			s.hidden = e.attr("presentation:visibility") == "hidden"
		case "style:table-properties":
			s.hidden = e.attr("table:display") == "false"
		}
		return nil
	})
}

// inherits asks a style, and those that it is made from, until one answers.
func (o *odf) inherits(family, name string, answers func(*odfStyle) bool) {
	for n := 0; n < maxInherited && name != ""; n++ {
		s := o.styles[family+" "+name]
		if s == nil || answers(s) {
			return
		}
		name = s.parent
	}
}

// loadPages reads the headers and footers.
func (o *odf) loadPages(e element) error {
	return e.walk(func(e element) error {
		if e.name != "style:master-page" {
			return nil
		}
		page := odfPage{&shelf{meter: o.meter}, &shelf{meter: o.meter}}
		o.pages = append(o.pages, page)
		return e.walk(func(e element) error {
			name, display := e.name, e.attr("style:display")
			t := &odtText{odf: o, margin: true}
			switch {
			case display == "false":
			case strings.HasPrefix(name, "style:header"):
				t.to = page.header
				return e.walk(t.block)
			case strings.HasPrefix(name, "style:footer"):
				t.to = page.footer
				return e.walk(t.block)
			}
			return nil
		})
	})
}

// margins puts each header and footer once.
func (o *odf) margins() error {
	seen := map[string]bool{}
	put := func(from *shelf, to sink) error {
		text := strings.TrimSpace(from.flat())
		if text == "" || seen[text] {
			return nil
		}
		seen[text] = true
		return from.replay(to)
	}
	for _, page := range o.pages {
		if err := put(page.header, o.paper); err != nil {
			return err
		}
		if err := put(page.footer, o.paper.foot); err != nil {
			return err
		}
	}
	return nil
}
