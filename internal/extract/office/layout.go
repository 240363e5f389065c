package office

import (
	"strconv"
)

// bulletKind is how a paragraph of a list is marked.
type bulletKind int

const (
	inherited bulletKind = iota // nothing is said
	plain
	dotted
	numbered
)

// bulletStyle says how a paragraph is marked.
type bulletStyle struct {
	kind   bulletKind
	scheme string // of numbers, such as "arabicPeriod"
	start  int
}

// read reads the properties of a paragraph.
func (b *bulletStyle) read(e element) error {
	return e.walk(func(e element) error {
		switch e.name {
		case "a:buNone":
			b.kind = plain
		case "a:buChar", "a:buBlip":
			b.kind = dotted
		case "a:buAutoNum":
			b.kind, b.scheme, b.start = numbered, e.attr("type"), count(e.attr("startAt"))
		}
		return nil
	})
}

// bullets are the styles of a list's levels.
type bullets [maxListLevels]bulletStyle

// read reads a list style: elements a:lvl1pPr to a:lvl9pPr.
func (b *bullets) read(e element) error {
	return e.walk(func(e element) error {
		const before, behind = "a:lvl", "pPr"
		if len(e.name) != len(before)+1+len(behind) {
			return nil
		}
		if level, err := strconv.Atoi(e.name[len(before) : len(before)+1]); err == nil && level > 0 {
			return b[level-1].read(e)
		}
		return nil
	})
}

// placeholder says which of its layout's shapes a shape stands for.
type placeholder struct {
	is          bool
	kind, index string
}

// read reads what a shape says of itself.
func (p *placeholder) read(e element) error {
	return e.walk(func(e element) error {
		if e.name == "p:ph" {
			p.is, p.kind, p.index = true, e.attr("type"), e.attr("idx")
			return nil
		}
		return p.read(e)
	})
}

// holds reports whether the placeholder is one for the text of a slide, whose lists have bullets if the master says so.
func (p placeholder) holds() bool {
	return p.is && (p.kind == "" || p.kind == "body" || p.kind == "obj")
}

// layout is what a slide inherits about lists: from its layout, and from that one's master.
type layout struct {
	shapes map[placeholder]*bullets
	body   *bullets // of a master's text; nil: no master
	above  *layout
}

// bullets gives how a paragraph in a placeholder is marked.
func (l *layout) bullets(place placeholder, level int) bulletStyle {
	if l == nil || !place.is {
		return bulletStyle{}
	}
	for at, style := range l.shapes {
		if (at.index == place.index && (place.index != "" || at.kind == place.kind)) && style[level].kind != inherited {
			return style[level]
		}
	}
	if l.body != nil && place.holds() {
		return l.body[level]
	}
	return l.above.bullets(place, level)
}

// layout reads a layout and its master, once.
func (p *pptx) layout(name string) (*layout, error) {
	return p.inherit(name, "slideMaster")
}

// inherit reads a part that others inherit from, and the one above it, to which the relation leads.
func (p *pptx) inherit(name, relation string) (*layout, error) {
	key := relation + " " + name // a layout that says that it is a master too is two
	if name == "" || p.layouts[key] != nil {
		return p.layouts[key], nil
	}
	l := &layout{shapes: map[placeholder]*bullets{}}
	p.layouts[key] = l
	if relation != "" {
		rels, err := p.relations(name)
		if err != nil {
			return nil, err
		}
		if l.above, err = p.inherit(rels.target(relation), ""); err != nil {
			return nil, err
		}
	}
	return l, p.besides(name, func(root element) error { return l.read(root, p.meter) })
}

func (l *layout) read(e element, m *meter) error {
	return e.walk(func(e element) error {
		switch e.name {
		case "p:sp":
			return l.shape(e, m)
		case "p:cSld", "p:spTree", "p:grpSp", "p:txStyles":
			return l.read(e, m)
		case "p:bodyStyle":
			l.body = &bullets{}
			return l.body.read(e)
		}
		return nil
	})
}

func (l *layout) shape(e element, m *meter) error {
	var place placeholder
	const cost = 512
	return e.walk(func(e element) error {
		switch e.name {
		case "p:nvSpPr":
			return place.read(e)
		case "p:txBody":
			style := &bullets{}
			l.shapes[place] = style
			if err := m.keep(cost); err != nil {
				return err
			}
			return e.walk(func(e element) error {
				if e.name == "a:lstStyle" {
					return style.read(e)
				}
				return nil
			})
		}
		return nil
	})
}
