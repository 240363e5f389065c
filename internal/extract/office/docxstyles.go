package office

import (
	"strconv"
	"strings"

	"github.com/satchel-files/satchel"
)

const maxInherited = 20 // styles that are asked for what one of them does not say

// wordStyle is a style of paragraphs or lists.
type wordStyle struct {
	name  string
	based string
	level int // of a heading; 0: not said; bodyText: none
	num   numRef
}

const bodyText = -1

func (d *docx) loadStyles(rels relations, doc *satchel.Document) error {
	name := rels.target("styles")
	if name == "" {
		return nil
	}
	return d.walk(name, "w:styles", func(e element) error {
		switch e.name {
		case "w:docDefaults":
			return defaultLanguage(e, doc)
		case "w:style":
			if kind := e.attr("w:type"); kind == "paragraph" || kind == "numbering" {
				return d.loadStyle(e)
			}
		}
		return nil
	})
}

// defaultLanguage takes the language that text has where nothing else is said.
func defaultLanguage(e element, doc *satchel.Document) error {
	return e.walk(func(e element) error {
		if e.name == "w:lang" {
			setText(&doc.Language, e.attr("w:val"))
			return nil
		}
		return defaultLanguage(e, doc)
	})
}

func (d *docx) loadStyle(e element) error {
	s := &wordStyle{}
	id := e.attr("w:styleId")
	d.styles[id] = s
	err := e.walk(func(e element) error {
		switch e.name {
		case "w:name":
			s.name = strings.ToLower(e.attr("w:val"))
		case "w:basedOn":
			s.based = e.attr("w:val")
		case "w:pPr":
			return e.walk(s.property)
		}
		return nil
	})
	if s.level == 0 {
		s.level = namedLevel(s.name)
	}
	if err != nil {
		return err
	}
	return d.keep(len(id) + len(s.name) + len(s.based) + 4*cellCost)
}

func (s *wordStyle) property(e element) error {
	switch e.name {
	case "w:outlineLvl":
		if s.level = outline(e); s.level == 0 {
			s.level = bodyText
		}
	case "w:numPr":
		return s.num.read(e)
	}
	return nil
}

// namedLevel knows the built-in styles, whose names are English in every language.
func namedLevel(name string) int {
	if name == "title" {
		return 1
	}
	if number, ok := strings.CutPrefix(name, "heading "); ok {
		if level, err := strconv.Atoi(number); err == nil && level > 0 && level < 10 {
			return level
		}
	}
	return 0
}

// headingLevel gives the level of the heading that a paragraph is, from 1; 0: it is none.
func (d *docx) headingLevel(p *wordPara) int {
	if p.level > 0 {
		return p.level
	}
	for s, n := d.styles[p.style], 0; s != nil && n < maxInherited; s, n = d.styles[s.based], n+1 {
		if s.level != 0 {
			return max(s.level, 0)
		}
	}
	return 0
}

// effectiveNum gives the list that a paragraph belongs to: its own word, or that of its style.
func (d *docx) effectiveNum(p *wordPara) numRef {
	id := p.style
	for s, n := d.styles[id], 0; s != nil && n < maxInherited; s, n = d.styles[id], n+1 {
		if p.num.id == "" {
			p.num.id = s.num.id
			if s.num.id != "" && !p.num.leveled && !s.num.leveled {
				p.num.level = d.numbering.levelOf(s.num.id, id)
				p.num.leveled = true
			}
		}
		if !p.num.leveled && s.num.leveled {
			p.num.level, p.num.leveled = s.num.level, true
		}
		id = s.based
	}
	return p.num
}
