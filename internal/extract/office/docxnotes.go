package office

import (
	"strconv"
	"strings"

	"github.com/satchel-files/satchel"
)

// loadNotes reads the footnotes and endnotes, to be printed where the text names them.
func (d *docx) loadNotes(rels relations, _ *satchel.Document) error {
	for _, kind := range []string{"footnote", "endnote"} {
		name := rels.target(kind + "s")
		if name == "" {
			continue
		}
		err := d.otherPart(name, func() error {
			return d.walk(name, "w:"+kind+"s", func(e element) error { return d.loadNote(kind, e) })
		})
		if err := optional(err); err != nil {
			return err
		}
	}
	return nil
}

func (d *docx) loadNote(kind string, e element) error {
	key, special := kind+e.attr("w:id"), e.attr("w:type")
	if e.name != "w:"+kind || special != "" && special != "normal" {
		return nil
	}
	content := &shelf{meter: d.meter}
	if err := e.walk(func(e element) error { return d.block(e, content) }); err != nil {
		return err
	}
	text := strings.ReplaceAll(content.flat(), pageBreak, " ")
	d.paper.notes[key] = &note{text: text, late: kind == "endnote"}
	return d.keep(len(key) + len(text) + 4*cellCost)
}

// loadComments reads what was written upon the document, to be printed at the end of the page that it is about.
func (d *docx) loadComments(rels relations, _ *satchel.Document) error {
	name := rels.target("comments")
	if name == "" {
		return nil
	}
	return d.otherPart(name, func() error {
		return d.walk(name, "w:comments", func(e element) error {
			if e.name != "w:comment" {
				return nil
			}
			key, author := "comment"+e.attr("w:id"), tidy(oneLine(e.attr("w:author")))
			content := &shelf{meter: d.meter}
			if err := e.walk(func(e element) error { return d.block(e, content) }); err != nil {
				return err
			}
			text := strings.ReplaceAll(content.flat(), pageBreak, " ")
			d.paper.notes[key] = &note{label: author, text: text, comment: true}
			return d.keep(len(key) + len(author) + len(text) + 4*cellCost)
		})
	})
}

// cite marks where the text names a note, and numbers the note if it is named for the first time.
func (d *docx) cite(e element, p *wordPara) error {
	kind := strings.TrimSuffix(strings.TrimPrefix(e.name, "w:"), "Reference")
	key := kind + e.attr("w:id")
	n := d.paper.notes[key]
	if n == nil || p.hidden || d.suppressed() {
		return nil
	}
	if n.label == "" && !n.comment {
		d.noted[kind]++
		n.label = strconv.Itoa(d.noted[kind])
		if n.late {
			n.label = number("i", d.noted[kind])
		}
	}
	return d.write(p, noteOpen+key+noteClose)
}

// loadMargins reads the headers, which stand at the top of the first page, and the footers, which stand at its end. Each text stands once.
func (d *docx) loadMargins(rels relations, _ *satchel.Document) error {
	d.margin = true
	defer func() { d.margin = false }()
	seen := map[string]bool{}
	for _, kind := range []string{"header", "footer"} {
		for _, name := range rels.targets(kind) {
			content := &shelf{meter: d.meter}
			err := d.otherPart(name, func() error {
				return d.walk(name, map[string]string{"header": "w:hdr", "footer": "w:ftr"}[kind], func(e element) error { return d.block(e, content) })
			})
			if err := optional(err); err != nil {
				return err
			}
			text := strings.TrimSpace(content.flat())
			if text == "" || seen[text] {
				continue
			}
			seen[text] = true
			if err := content.replay(d.margins(kind)); err != nil {
				return err
			}
		}
	}
	return nil
}

func (d *docx) margins(kind string) sink {
	if kind == "header" {
		return d.paper
	}
	return d.paper.foot
}

// otherPart does something with another part than the main one: what it leads to is its own, and what is open in it ends with it.
func (d *docx) otherPart(name string, do func() error) error {
	rels, err := d.relations(name)
	if err != nil {
		return err
	}
	was, wasAt := d.rels, d.addresses
	d.rels, d.addresses = rels, rels.addresses()
	err = do()
	d.addresses = wasAt
	d.rels, d.fields, d.carry, d.broke, d.begun = was, nil, "", false, false
	return err
}
