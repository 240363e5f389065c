package office

import (
	"path"
	"strconv"
	"strings"
)

const maxSpaces = 1024 // that one element can stand for

// odtPara is a paragraph under way.
type odtPara struct {
	*odtText
	text   strings.Builder
	boxes  *shelf // the text boxes in it
	filled bool   // its last character is none that swallows white space
	hidden bool
	script script
}

// plain takes text. White space is one space, however much there is, and none at the beginning.
func (p *odtPara) plain(text string) error {
	var b strings.Builder
	for _, r := range text {
		if r != ' ' && r != '\t' && r != '\n' && r != '\r' {
			b.WriteRune(r)
			p.filled = true
		} else if p.filled {
			b.WriteByte(' ')
			p.filled = false
		}
	}
	return p.write(p.script.mark(tidy(b.String())))
}

func (p *odtPara) write(text string) error {
	if p.hidden || text == "" {
		return nil
	}
	p.text.WriteString(text)
	return p.hold(len(text))
}

// exact writes characters that the document names one by one.
func (p *odtPara) exact(text string) error {
	p.filled = true
	return p.write(text)
}

// inline takes what stands in a paragraph.
func (p *odtPara) inline(e element) error {
	switch e.name {
	case "text:s":
		return p.exact(strings.Repeat(" ", min(max(count(e.attr("text:c")), 1), maxSpaces)))
	case "text:tab":
		return p.exact("\t")
	case "text:line-break":
		return p.exact("\n")
	case "text:soft-page-break":
		if p.paged {
			return p.exact(pageBreak)
		}
		return nil
	case "text:span":
		return p.span(e)
	case "text:note":
		return p.note(e)
	case "office:annotation", "text:ruby-text", "text:script", "text:number", "office:event-listeners":
		return nil
	case "text:hidden-text", "text:page-number", "text:page-count":
		if p.margin || e.name == "text:hidden-text" {
			return nil
		}
	}
	if strings.HasPrefix(e.name, "draw:") {
		return p.shape(e, p.boxes)
	}
	return e.s.mixed(p.plain, p.inline)
}

// span takes text with a style of its own.
func (p *odtPara) span(e element) error {
	hidden, script, style := p.hidden, p.script, e.attr("text:style-name")
	p.inherits("text", style, func(s *odfStyle) bool { p.hidden = p.hidden || s.hidden; return false })
	p.inherits("text", style, func(s *odfStyle) bool {
		if s.script != "" {
			p.script = scriptShifted(s.script)
		}
		return s.script != ""
	})
	err := e.s.mixed(p.plain, p.inline)
	p.hidden, p.script = hidden, script
	return err
}

// note takes a footnote or endnote, and marks where it is named.
func (p *odtPara) note(e element) error {
	kind := e.attr("text:note-class")
	p.noted[kind]++
	n, key := &note{late: kind == "endnote"}, kind+strconv.Itoa(p.noted[kind])
	err := e.walk(func(e element) error {
		switch e.name {
		case "text:note-citation":
			label, err := e.text()
			n.label = strings.Trim(oneLine(label), "[]")
			return err
		case "text:note-body":
			content := &shelf{meter: p.meter}
			err := e.walk(p.inner(content).block)
			n.text = content.flat()
			return err
		}
		return nil
	})
	if err != nil {
		return err
	}
	if n.label == "" {
		n.label = strconv.Itoa(p.noted[kind])
	}
	p.paper.notes[key] = n
	if err := p.keep(len(key) + len(n.text) + 4*cellCost); err != nil {
		return err
	}
	return p.exact(noteOpen + key + noteClose)
}

// shape puts the text of a shape, and of those within it.
func (t *odtText) shape(e element, to sink) error {
	inner := t.inner(to)
	var visit func(element) error
	visit = func(e element) error {
		switch e.name {
		case "text:p", "text:h", "text:list", "table:table":
			return inner.block(e)
		case "draw:text-box":
			return e.walk(inner.block)
		case "draw:object":
			return t.object(e.attr("xlink:href"), to)
		case "draw:image", "draw:object-ole", "draw:plugin", "office:event-listeners", "draw:enhanced-geometry", "?:title", "?:desc":
			return nil
		}
		return e.walk(visit)
	}
	return e.walk(visit)
}

// object puts the titles and the table of a chart, or the table of a sheet, that is embedded.
func (t *odtText) object(href string, to sink) error {
	inner := t.inner(to)
	var visit func(element) error
	visit = func(e element) error {
		switch e.name {
		case "chart:title", "chart:subtitle":
			return e.walk(inner.block)
		case "table:table":
			return inner.block(e)
		case "office:body", "office:chart", "office:spreadsheet", "chart:chart", "chart:plot-area", "chart:axis":
			return e.walk(visit)
		}
		return nil
	}
	return t.besides(path.Join(strings.TrimPrefix(href, "./"), "content.xml"), func(root element) error { return root.walk(visit) })
}
