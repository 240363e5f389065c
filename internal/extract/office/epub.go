package office

import (
	"errors"
	"net/url"
	"path"
	"strings"

	"github.com/satchel-files/satchel"
)

// epub reads one e-book.
type epub struct {
	*archive
	folder   string              // of the package document, which names other parts as seen from there
	manifest map[string]epubItem // by id
	spine    []string            // ids of the chapters, in reading order
	contents string              // id of the old table of contents
	titles   map[string]string   // of chapters, by the part's name
}

// epubItem is a part as the package document lists it.
type epubItem struct{ name, kind, properties string }

// readEPUB gives a page for each chapter, in reading order.
func readEPUB(a *archive, out *paper, doc *satchel.Document) error {
	b := &epub{archive: a, manifest: map[string]epubItem{}, titles: map[string]string{}}
	opf, err := b.rootFile()
	if err != nil {
		return err
	}
	b.folder = path.Dir(opf)
	if err := b.packageDocument(opf, doc); err != nil {
		return err
	}
	chapters := b.chapters()
	if len(chapters) == 0 {
		return broken("its list of chapters names none that is there", nil)
	}
	if err := b.locked(chapters); err != nil {
		return err
	}
	if err := b.tableOfContents(); err != nil {
		return err
	}
	if err := out.out.Expect(len(chapters)); err != nil {
		return err
	}
	convert := newMarkdown()
	for _, name := range chapters {
		text, err := a.chapter(convert, name)
		if err != nil {
			return err
		}
		if err := out.page(b.titles[fold(name)], text); err != nil {
			return err
		}
	}
	return nil
}

// rootFile gives the name of the package document.
func (b *epub) rootFile() (name string, err error) {
	err = b.walk("META-INF/container.xml", "ocf:container", func(e element) error {
		if e.name != "ocf:rootfiles" {
			return nil
		}
		return e.walk(func(e element) error {
			if name == "" {
				name = resolve("", e.attr("full-path"))
			}
			return nil
		})
	})
	if errors.Is(err, errNoPart) || err == nil && !b.has(name) {
		return "", broken("it has no list of its parts", err)
	}
	return name, err
}

func (b *epub) packageDocument(name string, doc *satchel.Document) error {
	return b.walk(name, "opf:package", func(e element) error {
		switch e.name {
		case "opf:metadata":
			return b.metadata(e, doc)
		case "opf:manifest":
			return e.walk(b.item)
		case "opf:spine":
			b.contents = e.attr("toc")
			return e.walk(func(e element) error {
				if e.name == "opf:itemref" {
					b.spine = append(b.spine, e.attr("idref"))
				}
				return b.keep(cellCost)
			})
		}
		return nil
	})
}

func (b *epub) metadata(e element, doc *satchel.Document) error {
	return e.walk(func(e element) error {
		value, err := e.text()
		if err != nil {
			return err
		}
		switch e.name {
		case "opf:dc-metadata", "opf:x-metadata":
			return nil
		case "dc:title":
			setText(&doc.Title, value)
		case "dc:creator":
			setText(&doc.Author, value)
			setProperty(doc, "creators", value)
		case "dc:language":
			setText(&doc.Language, value)
		case "dc:date":
			setTime(&doc.Created, value)
		case "opf:meta":
			if e.attr("property") == "dcterms:modified" {
				setTime(&doc.Modified, value)
			}
		case "dc:subject", "dc:description", "dc:publisher", "dc:identifier", "dc:rights":
			setProperty(doc, strings.TrimPrefix(e.name, "dc:"), value)
		}
		return nil
	})
}

func (b *epub) item(e element) error {
	id := e.attr("id")
	item := epubItem{b.name(e.attr("href")), strings.ToLower(e.attr("media-type")), e.attr("properties")}
	b.manifest[id] = item
	return b.keep(len(id) + len(item.name) + len(item.kind) + len(item.properties) + 4*cellCost)
}

// name gives the part that a reference in the package document means, without the place in it.
func (b *epub) name(href string) string { return reference(b.folder, href) }

func reference(folder, href string) string {
	href, _, _ = strings.Cut(href, "#")
	if plain, err := url.PathUnescape(href); err == nil {
		href = plain
	}
	return resolve(folder, href)
}

// chapters gives the names of the chapters' parts. A part is one chapter, however often it is listed.
func (b *epub) chapters() (names []string) {
	listed := map[string]bool{}
	for _, id := range b.spine {
		item, ok := b.manifest[id]
		html := strings.Contains(item.kind, "html") || item.kind == "text/x-oeb1-document"
		if name := fold(item.name); ok && html && !listed[name] && b.has(name) {
			listed[name] = true
			names = append(names, item.name)
		}
	}
	return names
}

// locked fails if a chapter is encrypted. Fonts can be, in ways that need no key.
func (b *epub) locked(chapters []string) error {
	chapter := map[string]bool{}
	for _, name := range chapters {
		chapter[fold(name)] = true
	}
	var visit func(element) error
	visit = func(e element) error {
		if e.name == "enc:CipherReference" && chapter[fold(reference("", e.attr("URI")))] {
			return satchel.Errorf(satchel.CodeDocumentEncrypted, "the book is protected against copying (DRM), so that its text cannot be read; upload a copy without that")
		}
		return e.walk(visit)
	}
	return optional(b.walk("META-INF/encryption.xml", "ocf:encryption", visit))
}

// tableOfContents reads the titles of the chapters: from the navigation document, or from the older list.
func (b *epub) tableOfContents() error {
	for _, item := range b.manifest {
		for property := range strings.FieldsSeq(item.properties) {
			if property == "nav" {
				if err := optional(b.navigation(item.name)); err != nil {
					return err
				}
			}
		}
	}
	item := b.manifest[b.contents]
	if len(b.titles) > 0 || !b.has(item.name) {
		return nil
	}
	return optional(b.walk(item.name, "ncx:ncx", func(e element) error { return b.navPoints(e, path.Dir(item.name)) }))
}

// navigation reads the list of contents in a navigation document.
func (b *epub) navigation(name string) error {
	folder := path.Dir(name)
	var list, links func(element) error
	links = func(e element) error {
		if e.name != "html:a" {
			return e.walk(links)
		}
		target := reference(folder, e.attr("href"))
		title, err := e.text()
		if err != nil {
			return err
		}
		return b.title(target, title)
	}
	list = func(e element) error {
		if e.name == "html:nav" && e.attr("epub:type") == "toc" {
			return e.walk(links)
		}
		return e.walk(list)
	}
	return b.walk(name, "html:html", list)
}

// title names a chapter, if it has no name yet.
func (b *epub) title(part, title string) error {
	part, title = fold(part), oneLine(title)
	if b.titles[part] != "" || title == "" {
		return nil
	}
	b.titles[part] = title
	return b.keep(len(part) + len(title) + 2*cellCost)
}

// navPoints reads the older list of contents: labels come before what they name, and before points within.
func (b *epub) navPoints(e element, folder string) error {
	label := ""
	var visit func(element) error
	visit = func(e element) (err error) {
		switch e.name {
		case "ncx:navLabel":
			label, err = e.text()
			return err
		case "ncx:content":
			return b.title(reference(folder, e.attr("src")), label)
		case "ncx:pageList", "ncx:navList":
			return nil
		}
		return e.walk(visit)
	}
	if e.name != "ncx:navMap" {
		return nil
	}
	return e.walk(visit)
}
