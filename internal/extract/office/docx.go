package office

import (
	"bytes"
	"cmp"
	"strconv"
	"strings"

	"github.com/satchel-files/satchel"
	"github.com/satchel-files/satchel/internal/extract"
)

// docx reads one WordprocessingML document.
type docx struct {
	*archive
	rels      relations         // of the part under way
	addresses map[string]string // those outside, by id
	styles    map[string]*wordStyle
	numbering *numbering
	paper     *paper
	fields    []field // that are open, the innermost last; they can go on over paragraphs
	broke     bool    // nothing has come since an explicit page break
	begun     bool    // a paragraph has come
	margin    bool    // a header or footer is under way
	carry     string  // text of paragraphs whose end was deleted
	noted     map[string]int
}

// field is a complex field: its code, then its result.
type field struct {
	code   string
	result bool
	in     *wordPara // in which the result begins
	from   int       // and where
}

// readDOCX gives the pages that the program which saved the document last had, where it says so, and one page otherwise.
func readDOCX(a *archive, out *paper, doc *satchel.Document) error {
	main, err := a.office(doc)
	if err != nil {
		return err
	}
	d := &docx{archive: a, paper: out, styles: map[string]*wordStyle{}, numbering: newNumbering(), noted: map[string]int{}}
	rels, err := a.relations(main)
	if err != nil {
		return err
	}
	for _, load := range []func(relations, *satchel.Document) error{d.loadStyles, d.loadNumbering, d.loadNotes, d.loadComments, d.loadMargins} {
		if err := optional(load(rels, doc)); err != nil {
			return err
		}
	}
	d.rels, d.addresses = rels, rels.addresses()
	err = a.walk(main, "w:document", func(e element) error {
		if e.name != "w:body" {
			return nil
		}
		return e.walk(func(e element) error { return d.block(e, out) })
	})
	if err != nil {
		return err
	}
	if err := out.put(block{text: d.carry}); err != nil {
		return err
	}
	return out.finish()
}

// block takes a paragraph, a table, or whatever holds some.
func (d *docx) block(e element, to sink) error {
	switch e.name {
	case "w:p":
		return d.paragraph(e, to)
	case "w:tbl":
		return d.table(e, to)
	case "w:sdtPr", "w:sectPr", "w:del", "w:moveFrom":
		return nil
	case "mc:AlternateContent":
		return alternative(e, func(e element) error { return d.block(e, to) })
	}
	return e.walk(func(e element) error { return d.block(e, to) })
}

// alternative visits the content of the first choice, or of the fallback when there is no choice.
func alternative(e element, visit func(element) error) error {
	chosen := false
	return e.walk(func(e element) error {
		if chosen || e.name != "mc:Choice" && e.name != "mc:Fallback" {
			return nil
		}
		chosen = true
		return e.walk(visit)
	})
}

// wordPara is a paragraph under way.
type wordPara struct {
	text   bytes.Buffer
	boxes  shelf // what stands in text boxes, to follow the paragraph
	style  string
	num    numRef
	level  int  // of a heading; 0: none
	open   bool // its end was deleted: the next paragraph goes on with it
	hidden bool // the run under way is hidden
	script script
	symbol string
	apart  bool // white space is due before the next text
}

func (d *docx) paragraph(e element, to sink) error {
	p := &wordPara{boxes: shelf{meter: d.meter}}
	if err := e.walk(func(e element) error { return d.inline(e, p) }); err != nil {
		return err
	}
	d.begun = true
	text := d.carry + scripts(p.text.String())
	if d.carry = ""; p.open {
		d.carry = text
		return p.boxes.replay(to)
	}
	b := block{text: text, label: d.numbering.label(d.effectiveNum(p))}
	if level := d.headingLevel(p); level > 0 {
		b.kind, b.level = heading, level
	} else if b.label != "" {
		b.kind, b.level = item, p.num.level
	}
	if err := to.put(b); err != nil {
		return err
	}
	return p.boxes.replay(to)
}

// inline takes what stands in a paragraph.
func (d *docx) inline(e element, p *wordPara) error {
	switch e.name {
	case "w:pPr":
		return d.paragraphProperties(e, p)
	case "w:r":
		was, font, script := p.hidden, p.symbol, p.script
		err := e.walk(func(e element) error { return d.inline(e, p) })
		p.hidden, p.symbol, p.script = was, font, script
		return err
	case "m:sup", "m:sub":
		was := p.script
		p.script = map[string]script{"m:sup": above, "m:sub": below}[e.name]
		err := e.walk(func(e element) error { return d.inline(e, p) })
		p.script = was
		return err
	case "w:rPr":
		return runProperties(e, p)
	case "w:t", "m:t", "a:t":
		text, err := e.text()
		if err != nil {
			return err
		}
		return d.write(p, p.script.mark(fromSymbols(p.symbol, tidy(text))))
	case "w:del", "w:moveFrom", "w:delText", "w:rt", "w:sdtPr":
		return nil
	case "w:fldChar", "w:fldSimple", "w:instrText":
		return d.field(e, p)
	case "w:footnoteReference", "w:endnoteReference", "w:commentReference":
		return d.cite(e, p)
	case "w:hyperlink":
		return d.link(e, p)
	case "mc:AlternateContent":
		return alternative(e, func(e element) error { return d.inline(e, p) })
	}
	return d.object(e, p)
}

// object takes what stands in a paragraph beside its runs, and single characters.
func (d *docx) object(e element, p *wordPara) error {
	switch e.name {
	case "w:tab", "w:ptab":
		return d.write(p, "\t")
	case "w:cr":
		return d.write(p, "\n")
	case "w:noBreakHyphen":
		return d.write(p, "-")
	case "w:br":
		if e.attr("w:type") != "page" {
			return d.write(p, "\n")
		}
		err := d.write(p, pageBreak)
		d.broke = true
		return err
	case "w:lastRenderedPageBreak":
		return d.renderedBreak(p)
	case "w:sym":
		return d.write(p, symbol(e.attr("w:font"), e.attr("w:char")))
	case "w:txbxContent":
		return e.walk(func(e element) error { return d.block(e, &p.boxes) })
	case "v:textpath":
		return d.write(p, tidy(e.attr("string")))
	case "wp:docPr":
		return d.picture(p, tidy(oneLine(e.attr("descr"))))
	case "c:chart":
		return d.chart(d.rels.byID(e.attr("r:id")), &p.boxes)
	case "dgm:relIds":
		return d.diagram(d.rels.byID(e.attr("r:dm")), &p.boxes)
	}
	return e.walk(func(e element) error { return d.inline(e, p) })
}

// write adds text to a paragraph, unless it is hidden or part of a field's code.
func (d *docx) write(p *wordPara, text string) error {
	if text == "" || p.hidden || d.suppressed() {
		return nil
	}
	if p.apart && !strings.ContainsAny(text[:1], " \t\n"+pageBreak) {
		text = " " + text
	}
	p.text.WriteString(text)
	d.broke, p.apart = false, false
	return d.hold(len(text))
}

// picture writes the description of a picture, or of whatever is drawn, apart from the words around it.
func (d *docx) picture(p *wordPara, description string) error {
	before, was := p.text.Len(), p.apart
	p.apart = was || before > 0 && !bytes.HasSuffix(p.text.Bytes(), []byte(" "))
	err := d.write(p, description)
	p.apart = was || p.text.Len() > before
	return err
}

// link writes text that leads elsewhere.
func (d *docx) link(e element, p *wordPara) error {
	from, address := p.text.Len(), d.addresses[e.attr("r:id")]
	if place := e.attr("w:anchor"); place != "" && address != "" {
		address += "#" + place
	}
	err := e.walk(func(e element) error { return d.inline(e, p) })
	return cmp.Or(err, d.leads(p, from, address))
}

// leads makes a link of the text of a paragraph from some place on.
func (d *docx) leads(p *wordPara, from int, address string) error {
	if !extract.Meaningful(address) {
		return nil
	}
	text := string(p.text.Bytes()[from:])
	linked := extract.Link(text, address)
	p.text.Truncate(from)
	p.text.WriteString(linked)
	return d.hold(len(linked) - len(text))
}

// renderedBreak is where a page ended when the document was last laid out. Behind an explicit break it means the same one.
func (d *docx) renderedBreak(p *wordPara) error {
	if d.broke {
		d.broke = false
		return nil
	}
	return d.write(p, pageBreak)
}

func (d *docx) paragraphProperties(e element, p *wordPara) error {
	return e.walk(func(e element) error {
		switch e.name {
		case "w:pStyle":
			p.style = e.attr("w:val")
		case "w:outlineLvl":
			p.level = outline(e)
		case "w:numPr":
			return p.num.read(e)
		case "w:rPr":
			return e.walk(func(e element) error {
				p.open = p.open || e.name == "w:del" || e.name == "w:moveFrom"
				return nil
			})
		case "w:pageBreakBefore":
			if on(e) && !d.broke && d.begun {
				p.text.WriteString(pageBreak)
				d.broke = true
			}
		}
		return nil
	})
}

// outline gives the level of a heading, from 1, or 0 for text.
func outline(e element) int {
	if level, err := strconv.Atoi(e.attr("w:val")); err == nil && level >= 0 && level < 9 {
		return level + 1
	}
	return 0
}

func runProperties(e element, p *wordPara) error {
	return e.walk(func(e element) error {
		switch e.name {
		case "w:vanish":
			p.hidden = on(e)
		case "w:rFonts":
			p.symbol = e.attr("w:ascii")
		case "w:vertAlign":
			p.script = scriptNamed(e.attr("w:val"))
		}
		return nil
	})
}

// on reports whether a property that is there is meant.
func on(e element) bool {
	switch e.attr("w:val") {
	case "0", "false", "off":
		return false
	}
	return true
}

// field follows a field from its code to its result.
func (d *docx) field(e element, p *wordPara) error {
	const most = 256 // bytes of a code that are looked at
	switch {
	case e.name == "w:fldSimple":
		code, from := e.attr("w:instr"), p.text.Len()
		d.fields = append(d.fields, field{code: code, result: true})
		err := e.walk(func(e element) error { return d.inline(e, p) })
		d.fields = d.fields[:len(d.fields)-1]
		return cmp.Or(err, d.leads(p, from, hyperlink(code)))
	case e.name == "w:fldChar" && e.attr("w:fldCharType") == "begin":
		d.fields = append(d.fields, field{})
		return d.hold(cellCost)
	case len(d.fields) == 0:
		return nil
	}
	last := &d.fields[len(d.fields)-1]
	switch {
	case e.name == "w:instrText":
		code, err := e.text()
		if len(last.code) < most {
			last.code += code
		}
		return err
	case e.attr("w:fldCharType") == "separate":
		last.result, last.in, last.from = true, p, p.text.Len()
	case e.attr("w:fldCharType") == "end":
		done := *last
		if d.fields = d.fields[:len(d.fields)-1]; done.in == p {
			return d.leads(p, done.from, hyperlink(done.code))
		}
	}
	return nil
}

// hyperlink gives the address to which a field leads, "" for other fields and places in the document.
func hyperlink(code string) string {
	words := strings.Fields(code)
	if len(words) < 2 || !strings.EqualFold(words[0], "HYPERLINK") {
		return ""
	}
	return strings.Trim(words[1], `"`)
}

// suppressed reports whether text belongs to a field's code, or is a page number of a header: headers stand only once.
func (d *docx) suppressed() bool {
	for _, f := range d.fields {
		if !f.result || d.margin && isPageNumber(f.code) {
			return true
		}
	}
	return false
}

func isPageNumber(code string) bool {
	name, _, _ := strings.Cut(strings.TrimSpace(code), " ")
	switch strings.ToUpper(name) {
	case "PAGE", "NUMPAGES", "SECTIONPAGES":
		return true
	}
	return false
}
