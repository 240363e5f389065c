package office

import (
	"strings"

	"github.com/satchel-files/satchel"
)

// readODP gives a page for each slide.
func readODP(a *archive, out *paper, doc *satchel.Document) error {
	o, err := openODF(a, out, doc)
	if err != nil {
		return err
	}
	return o.content(doc, "office:presentation", func(e element) error {
		if e.name != "draw:page" {
			return nil
		}
		return o.slide(e)
	})
}

// odpSlide is a slide under way.
type odpSlide struct {
	title        string
	body, spoken *shelf
}

// slide writes one slide: its title, the text of its shapes in their order, and what its speaker is to say.
func (o *odf) slide(e element) error {
	s := &odpSlide{body: &shelf{meter: o.meter}, spoken: &shelf{meter: o.meter}}
	hidden := false
	o.inherits("drawing-page", e.attr("draw:style-name"), func(style *odfStyle) bool { hidden = style.hidden; return hidden })
	t := &odtText{odf: o, runs: map[string]*odfRun{}}
	if err := e.walk(func(e element) error { return s.shape(e, t) }); err != nil {
		return err
	}
	if hidden {
		if err := o.paper.put(block{text: "(hidden slide)"}); err != nil {
			return err
		}
	}
	if err := o.paper.put(block{kind: heading, level: 1, text: s.title}); err != nil {
		return err
	}
	if err := s.body.replay(o.paper); err != nil {
		return err
	}
	if strings.TrimSpace(s.spoken.flat()) != "" {
		if err := o.paper.put(block{text: "Notes:"}); err != nil {
			return err
		}
		if err := s.spoken.replay(o.paper); err != nil {
			return err
		}
	}
	return o.paper.end(oneLine(s.title))
}

func (s *odpSlide) shape(e element, t *odtText) error {
	switch e.name {
	case "presentation:notes":
		return e.walk(func(e element) error {
			if e.attr("presentation:class") != "notes" {
				return nil
			}
			return t.shape(e, s.spoken)
		})
	case "office:forms", "office:event-listeners", "office:annotation":
		return nil
	}
	if isTrue(e.attr("presentation:placeholder")) {
		return nil
	}
	if e.attr("presentation:class") != "title" || s.title != "" {
		return t.shape(e, s.body)
	}
	title := &shelf{meter: t.meter}
	err := t.shape(e, title)
	s.title = strings.TrimSpace(title.flat())
	return err
}
