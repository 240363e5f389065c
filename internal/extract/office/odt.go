package office

import (
	"strings"

	"github.com/satchel-files/satchel"
)

// readODT gives the pages that the program which saved the document last had, where it says so, and one page otherwise.
func readODT(a *archive, out *paper, doc *satchel.Document) error {
	o, err := openODF(a, out, doc)
	if err != nil {
		return err
	}
	if err := o.margins(); err != nil {
		return err
	}
	t := &odtText{odf: o, to: out, runs: map[string]*odfRun{}, paged: true}
	if err := o.content(doc, "office:text", t.block); err != nil {
		return err
	}
	return out.finish()
}

// odtText is text under way: that of a document, or of a cell, a note, a text box.
type odtText struct {
	*odf
	to     sink
	paged  bool               // pages can end in it
	margin bool               // it is a header or footer
	runs   map[string]*odfRun // lists that can be gone on with, by their ids
	nest   []odtNest          // lists that are open
	begun  bool               // something stands in it already
}

// odtNest is a list that is open, and the item of it.
type odtNest struct {
	style string
	run   *odfRun
	start int  // the item's own number; -1: the next one
	named bool // the item has its number already, or gets none
}

// inner is text within this one that goes elsewhere.
func (t *odtText) inner(to sink) *odtText {
	return &odtText{odf: t.odf, to: to, margin: t.margin, runs: t.runs}
}

// block takes a paragraph, a list, a table, or whatever holds some.
func (t *odtText) block(e element) error {
	switch e.name {
	case "text:p", "text:h":
		return t.paragraph(e)
	case "text:list":
		return t.list(e)
	case "table:table":
		return t.table(e)
	case "text:soft-page-break":
		return t.turn()
	case "text:tracked-changes", "office:forms", "text:sequence-decls", "text:variable-decls", "text:user-field-decls", "text:dde-connection-decls",
		"office:annotation", "text:table-of-content-source", "text:alphabetical-index-source", "text:illustration-index-source",
		"text:table-index-source", "text:object-index-source", "text:user-index-source", "text:bibliography-source", "office:event-listeners":
		return nil
	case "draw:frame", "draw:custom-shape", "draw:rect", "draw:ellipse", "draw:g", "draw:a":
		return t.shape(e, t.to)
	case "text:section":
		if e.attr("text:display") == "none" {
			return nil
		}
	}
	return e.walk(t.block)
}

func (t *odtText) turn() error {
	if !t.paged {
		return nil
	}
	return t.to.put(block{text: pageBreak})
}

// paragraph puts a paragraph or heading, then the text boxes that are anchored in it.
func (t *odtText) paragraph(e element) error {
	p := &odtPara{odtText: t, boxes: &shelf{meter: t.meter}}
	style := e.attr("text:style-name")
	after, err := t.breaks(style)
	if err != nil {
		return err
	}
	t.begun = true
	b := block{}
	if e.name == "text:h" {
		b.kind, b.level = heading, max(count(e.attr("text:outline-level")), 1)
		if isTrue(e.attr("text:is-list-header")) && len(t.nest) > 0 {
			t.nest[len(t.nest)-1].named = true
		}
	} else {
		t.inherits("paragraph", style, func(s *odfStyle) bool { b.level = s.level; return b.level > 0 })
	}
	if err := e.s.mixed(p.plain, p.inline); err != nil {
		return err
	}
	b.text = scripts(p.text.String())
	t.name(&b, style)
	if b.kind == paragraph && b.level > 0 {
		b.kind = heading // by its style, so that it has no number of the headings' own
	}
	if err := t.to.put(b); err != nil {
		return err
	}
	if err := p.boxes.replay(t.to); err != nil {
		return err
	}
	if after {
		return t.turn()
	}
	return nil
}

// breaks ends the page before a paragraph if its style wants that, and says whether it wants it behind.
func (t *odtText) breaks(style string) (after bool, err error) {
	if !t.paged || style == "" {
		return false, nil
	}
	before := false
	t.inherits("paragraph", style, func(s *odfStyle) bool {
		before, after = before || s.before, after || s.after
		return false
	})
	if own := t.styles["paragraph "+style]; own != nil && own.master != "" {
		before = true
	}
	if before && t.begun {
		return after, t.turn()
	}
	return after, nil
}

// name gives a paragraph the number or bullet that it has as an item of a list, or as a heading.
func (t *odtText) name(b *block, style string) {
	at := len(t.nest) - 1
	if at < 0 {
		t.numberHeading(b)
		return
	}
	if b.kind != heading {
		b.kind, b.level = item, at
	}
	last := &t.nest[at]
	if last.named {
		return
	}
	last.named = true
	if last.run.style == nil {
		t.inherits("paragraph", style, func(s *odfStyle) bool { last.run.style = t.lists[s.list]; return last.run.style != nil })
	}
	if b.label = last.run.next(at, last.start); b.kind == heading && b.label == bullet {
		b.label = ""
	}
}

// numberHeading gives a heading its number, if the document numbers its headings.
func (t *odtText) numberHeading(b *block) {
	if b.kind != heading || t.titles == nil || strings.TrimSpace(b.text) == "" {
		return
	}
	if t.titles.run == nil {
		t.titles.run = &odfRun{style: t.titles}
	}
	if label := t.titles.run.next(min(b.level, numLevels)-1, -1); label != bullet {
		b.label = label
	}
}

// list takes the items of a list.
func (t *odtText) list(e element) error {
	nest := odtNest{style: e.attr("text:style-name")}
	id, goesOn := e.attr("xml:id"), e.attr("text:continue-list")
	if outer := len(t.nest) - 1; outer >= 0 {
		if nest.style == "" || nest.style == t.nest[outer].style {
			nest.style, nest.run = t.nest[outer].style, t.nest[outer].run
		}
	}
	style := t.lists[nest.style]
	switch {
	case nest.run != nil:
	case goesOn != "" && t.runs[goesOn] != nil:
		nest.run = t.runs[goesOn]
	case isTrue(e.attr("text:continue-numbering")) && style != nil && style.run != nil:
		nest.run = style.run
	default:
		nest.run = &odfRun{style: style}
	}
	if style != nil {
		style.run = nest.run
	}
	if id != "" {
		t.runs[id] = nest.run
		if err := t.keep(len(id) + 4*cellCost); err != nil {
			return err
		}
	}
	t.nest = append(t.nest, nest)
	err := e.walk(t.item)
	t.nest = t.nest[:len(t.nest)-1]
	return err
}

func isTrue(value string) bool { return value == "true" }

// item takes one item of a list.
func (t *odtText) item(e element) error {
	last := &t.nest[len(t.nest)-1]
	switch e.name {
	case "text:list-item":
		last.named, last.start = false, -1
		if start := e.attr("text:start-value"); start != "" {
			last.start = count(start)
		}
	case "text:list-header":
		last.named = true
	}
	return e.walk(t.block)
}

// table puts a table. Where a page ends within it, it goes on with a new one.
func (t *odtText) table(e element) error {
	t.begun = true
	table := &odtTable{t: t, grid: &grid{}}
	if err := e.walk(table.content); err != nil {
		return err
	}
	if table.cells == 1 && table.only != nil {
		return table.only.replay(t.to)
	}
	return t.to.put(block{kind: tabular, table: table.grid})
}

// odtTable is a table under way.
type odtTable struct {
	t           *odtText
	grid        *grid
	row, column int
	cells       int
	only        *shelf // the only cell so far
}

func (o *odtTable) content(e element) error {
	switch e.name {
	case "table:table-row":
		o.column = 0
		err := e.walk(o.content)
		o.row++
		return err
	case "table:table-cell":
		return o.cell(e)
	case "table:covered-table-cell":
		o.column += repeated(e)
		return nil
	case "text:soft-page-break":
		return o.turn()
	case "table:title", "table:desc":
		return nil
	}
	return e.walk(o.content)
}

func (o *odtTable) turn() error {
	if !o.t.paged || o.grid.empty() {
		return o.t.turn()
	}
	done := o.grid
	o.grid, o.only, o.cells = &grid{}, nil, o.cells+1
	if err := o.t.to.put(block{kind: tabular, table: done}); err != nil {
		return err
	}
	return o.t.turn()
}

func (o *odtTable) cell(e element) error {
	content := &shelf{meter: o.t.meter}
	if err := e.walk(o.t.inner(content).block); err != nil {
		return err
	}
	if o.cells++; o.cells == 1 {
		o.only = content
	} else {
		o.only = nil
	}
	text := content.flat()
	for range min(repeated(e), maxSpan) {
		if err := o.grid.add(o.t.meter, o.row, o.column, text); err != nil {
			return err
		}
		o.column++
	}
	return nil
}

// repeated says how many cells or rows an element stands for.
func repeated(e element) int {
	for _, name := range []string{"table:number-columns-repeated", "table:number-rows-repeated"} {
		if n := count(e.attr(name)); n > 0 {
			return n
		}
	}
	return 1
}
