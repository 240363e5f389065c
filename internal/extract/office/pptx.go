package office

import (
	"strconv"
	"strings"

	"github.com/satchel-files/satchel"
)

const maxListLevels = 9 // of text in shapes

// pptx reads one PresentationML document.
type pptx struct {
	*archive
	paper   *paper
	layouts map[string]*layout // by the part's name
	margins map[string]bool    // dates and footers that were written
	speech  map[string]int     // characters of text in each language
}

// readPPTX gives a page for each slide, in the order of the presentation.
func readPPTX(a *archive, out *paper, doc *satchel.Document) error {
	main, err := a.office(doc)
	if err != nil {
		return err
	}
	rels, err := a.relations(main)
	if err != nil {
		return err
	}
	slides, err := a.slides(main, rels)
	if err != nil {
		return err
	}
	if err := out.out.Expect(len(slides)); err != nil {
		return err
	}
	p := &pptx{archive: a, paper: out, layouts: map[string]*layout{}, margins: map[string]bool{}, speech: map[string]int{}}
	for _, name := range slides {
		if err := p.slide(name); err != nil {
			return err
		}
	}
	setText(&doc.Language, mostSpoken(p.speech))
	return nil
}

// slides gives the names of the slides' parts. A part is one slide, however often it is listed.
func (a *archive) slides(main string, rels relations) (names []string, err error) {
	target, listed := map[string]string{}, map[string]bool{}
	for _, r := range rels {
		target[r.id] = r.target
	}
	err = a.walk(main, "p:presentation", func(e element) error {
		if e.name != "p:sldIdLst" {
			return nil
		}
		return e.walk(func(e element) error {
			name := target[e.attr("r:id")]
			if e.name != "p:sldId" || listed[name] || !a.has(name) {
				return nil
			}
			listed[name] = true
			if names = append(names, name); len(names) > a.pages {
				return a.fail(tooComplex("it has more than %d slides", a.pages))
			}
			return a.keep(len(name) + cellCost)
		})
	})
	return names, err
}

func mostSpoken(speech map[string]int) (most string) {
	for language, n := range speech {
		if n > speech[most] || n == speech[most] && language < most {
			most = language
		}
	}
	return most
}

// slide writes one slide: its title, the text of its shapes in their order, and what its speaker is to say.
func (p *pptx) slide(name string) error {
	rels, err := p.relations(name)
	if err != nil {
		return err
	}
	s := &slide{pptx: p, rels: rels, body: &shelf{meter: p.meter}}
	if s.layout, err = p.layout(rels.target("slideLayout")); err != nil {
		return err
	}
	hidden := false
	err = p.besides(name, func(root element) error {
		hidden = isFalse(root.attr("show"))
		return s.shapes(root)
	})
	if err != nil {
		return err
	}
	if hidden {
		if err := p.paper.put(block{text: "(hidden slide)"}); err != nil {
			return err
		}
	}
	if err := p.paper.put(block{kind: heading, level: 1, text: s.title}); err != nil {
		return err
	}
	if err := s.body.replay(p.paper); err != nil {
		return err
	}
	if err := p.speakerNotes(rels.target("notesSlide")); err != nil {
		return err
	}
	return p.paper.end(oneLine(s.title))
}

func isFalse(value string) bool { return value == "0" || value == "false" }

// speakerNotes writes the notes of a slide.
func (p *pptx) speakerNotes(name string) error {
	s := &slide{pptx: p, body: &shelf{meter: p.meter}, notes: true}
	if err := p.besides(name, s.shapes); err != nil || len(s.body.blocks) == 0 {
		return err
	}
	if err := p.paper.put(block{text: "Notes:"}); err != nil {
		return err
	}
	return s.body.replay(p.paper)
}

// slide is one slide, or the page of notes of one.
type slide struct {
	*pptx
	rels   relations
	layout *layout
	title  string
	body   *shelf
	notes  bool
}

// shapes takes all shapes in an element, in their order.
func (s *slide) shapes(e element) error {
	return e.walk(s.shape)
}

func (s *slide) shape(e element) error {
	switch e.name {
	case "p:sp", "xdr:sp":
		return s.textShape(e)
	case "p:graphicFrame":
		return s.graphic(e)
	case "p:pic":
		return s.picture(e)
	case "mc:AlternateContent":
		return alternative(e, s.shape)
	case "p:cSld", "p:spTree", "p:grpSp", "xdr:grpSp", "xdr:twoCellAnchor", "xdr:oneCellAnchor", "xdr:absoluteAnchor", "xdr:graphicFrame":
		return s.shapes(e)
	case "a:graphic":
		return s.graphic(e)
	}
	return nil
}

// textShape takes a shape with text. What it says of itself comes before its text.
func (s *slide) textShape(e element) error {
	var place placeholder
	return e.walk(func(e element) error {
		switch e.name {
		case "p:nvSpPr":
			return place.read(e)
		case "p:txBody", "xdr:txBody":
			return s.textBody(e, place)
		}
		return nil
	})
}

func (s *slide) textBody(e element, place placeholder) error {
	if s.notes && place.kind != "body" {
		return nil
	}
	content := &shelf{meter: s.meter}
	list := &textList{slide: s, place: place, to: content}
	if err := e.walk(list.content); err != nil {
		return err
	}
	switch place.kind {
	case "title", "ctrTitle":
		if s.title == "" {
			s.title = strings.TrimSpace(content.flat())
			return nil
		}
	case "sldNum":
		return nil
	case "dt", "ftr", "hdr":
		text := content.flat()
		if s.margins[text] {
			return nil
		}
		s.margins[text] = true
		if err := s.keep(len(text) + cellCost); err != nil {
			return err
		}
	}
	return content.replay(s.body)
}

// picture takes the description of a picture.
func (s *slide) picture(e element) error {
	return e.walk(func(e element) error {
		if e.name != "p:nvPicPr" {
			return nil
		}
		return e.walk(func(e element) error {
			if e.name != "p:cNvPr" {
				return nil
			}
			return s.body.put(block{text: tidy(oneLine(e.attr("descr")))})
		})
	})
}

// graphic takes a table, the titles of a chart, or the text of a diagram.
func (s *slide) graphic(e element) error {
	return e.walk(func(e element) error {
		switch e.name {
		case "a:tbl":
			return s.table(e)
		case "c:chart":
			return s.chart(s.rels.byID(e.attr("r:id")), s.body)
		case "dgm:relIds":
			return s.diagram(s.rels.byID(e.attr("r:dm")), s.body)
		case "mc:AlternateContent":
			return alternative(e, s.graphic)
		}
		return s.graphic(e)
	})
}

func (s *slide) table(e element) error {
	g, row := &grid{}, 0
	err := e.walk(func(e element) error {
		if e.name != "a:tr" {
			return nil
		}
		column := 0
		err := e.walk(func(e element) error {
			if e.name != "a:tc" {
				return nil
			}
			content := &shelf{meter: s.meter}
			list := &textList{slide: s, to: content}
			err := e.walk(func(e element) error {
				if e.name == "a:txBody" {
					return e.walk(list.content)
				}
				return nil
			})
			if err == nil {
				err = g.add(s.meter, row, column, content.flat())
			}
			column++
			return err
		})
		row++
		return err
	})
	if err != nil {
		return err
	}
	return s.body.put(block{kind: tabular, table: g})
}

// textList is the text of one shape: paragraphs that can be items of lists.
type textList struct {
	*slide
	place  placeholder
	to     sink
	own    bullets // what the shape itself says
	counts [maxListLevels]int
}

func (l *textList) content(e element) error {
	switch e.name {
	case "a:lstStyle":
		return l.own.read(e)
	case "a:p":
		return l.paragraph(e)
	}
	return nil
}

func (l *textList) paragraph(e element) error {
	var text strings.Builder
	var own bulletStyle
	level := 0
	err := e.walk(func(e element) error {
		switch e.name {
		case "a:pPr":
			level = min(count(e.attr("lvl")), maxListLevels-1)
			return own.read(e)
		case "a:r", "a:fld":
			return l.run(e, &text)
		case "a:br":
			text.WriteByte('\n')
		case "a:endParaRPr":
		case "mc:AlternateContent":
			return alternative(e, func(e element) error { return drawnRuns(e, &text) })
		default:
			return drawnRuns(e, &text)
		}
		return nil
	})
	if err != nil || strings.TrimSpace(text.String()) == "" {
		return err
	}
	b := block{text: scripts(text.String())}
	if b.label = l.label(l.style(own, level), level); b.label != "" {
		b.kind, b.level = item, level
	}
	return l.to.put(b)
}

// run takes a run of text, and counts its language.
func (l *textList) run(e element, to *strings.Builder) error {
	language, before, shift := "", to.Len(), onLine
	err := e.walk(func(e element) error {
		switch e.name {
		case "a:rPr":
			language, shift = e.attr("lang"), scriptShifted(e.attr("baseline"))
		case "a:t":
			text, err := e.text()
			to.WriteString(shift.mark(tidy(text)))
			return err
		}
		return nil
	})
	if len(l.speech) < maxProperties || l.speech[language] > 0 {
		l.speech[language] += to.Len() - before
	}
	return err
}

// style gives how a paragraph is marked: by its own word, or that of whoever it inherits from.
func (l *textList) style(own bulletStyle, level int) bulletStyle {
	if own.kind == inherited {
		own = l.own[level]
	}
	if own.kind == inherited {
		own = l.layout.bullets(l.place, level)
	}
	return own
}

// label counts one more paragraph of the list, and gives what stands before it.
func (l *textList) label(style bulletStyle, level int) string {
	clear(l.counts[level+1:])
	switch style.kind {
	case dotted:
		l.counts[level] = 0
		return bullet
	case numbered:
		l.counts[level]++
		return style.number(l.counts[level])
	}
	l.counts[level] = 0
	return ""
}

// number writes number n of an automatic list.
func (b bulletStyle) number(n int) string {
	n += max(b.start, 1) - 1
	format := "decimal"
	for prefix, name := range map[string]string{"alphaLc": "lowerLetter", "alphaUc": "upperLetter", "romanLc": "lowerRoman", "romanUc": "upperRoman"} {
		if strings.HasPrefix(b.scheme, prefix) {
			format = name
		}
	}
	text := number(format, n)
	switch {
	case strings.HasSuffix(b.scheme, "ParenBoth"):
		return "(" + text + ")"
	case strings.HasSuffix(b.scheme, "ParenR"):
		return text + ")"
	case strings.HasSuffix(b.scheme, "Period"):
		return text + "."
	}
	return strconv.Itoa(n) + "."
}
