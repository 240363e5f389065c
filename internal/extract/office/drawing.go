package office

import (
	"strings"
)

// chart puts the titles of a chart and of its axes, then its numbers as a table: a row for each category, a column for each series.
func (a *archive) chart(name string, to sink) error {
	c := &chart{archive: a, to: to, grid: &grid{}}
	return a.besides(name, func(root element) error {
		if err := root.walk(c.read); err != nil {
			return err
		}
		return to.put(block{kind: tabular, table: c.grid})
	})
}

// chart is a chart under way.
type chart struct {
	*archive
	to       sink
	grid     *grid
	series   int
	date1904 bool
	show     *formatter
}

func (c *chart) read(e element) error {
	switch e.name {
	case "c:date1904":
		c.date1904 = !isFalse(e.attr("val"))
		return nil
	case "c:title":
		var lines []string
		err := drawnText(e, func(line string) error {
			lines = append(lines, line)
			return c.hold(len(line))
		})
		if err != nil {
			return err
		}
		return c.to.put(block{text: strings.Join(lines, "\n")})
	case "c:ser":
		c.series++
		return e.walk(c.part)
	case "c:legend", "c:externalData", "c:userShapes", "c:txPr", "c:spPr":
		return nil
	}
	return e.walk(c.read)
}

// part takes a part of a series: its name, its categories or its values.
func (c *chart) part(e element) error {
	switch e.name {
	case "c:tx":
		return c.points(e, 0, c.series)
	case "c:cat", "c:xVal":
		return c.points(e, 1, 0)
	case "c:val", "c:yVal":
		return c.points(e, 1, c.series)
	}
	return nil
}

// points puts the points of a sequence into a column of the table. All series are taken to have the categories of the first.
func (c *chart) points(e element, row, column int) error {
	code, index := "", 0
	var visit func(element) error
	visit = func(e element) error {
		switch e.name {
		case "c:formatCode":
			text, err := e.text()
			code = text
			return err
		case "c:pt":
			index = count(e.attr("idx"))
		case "c:f":
			return nil
		case "c:v":
			text, err := e.text()
			if err != nil || column == 0 && c.series > 1 {
				return err
			}
			return c.grid.add(c.meter, row+index, column, c.shown(code, text))
		}
		return e.walk(visit)
	}
	return e.walk(visit)
}

func (c *chart) shown(code, value string) string {
	if code == "" {
		return tidy(value)
	}
	if c.show == nil {
		c.show = newFormatter(c.date1904)
	}
	return tidy(c.show.show(code, value))
}

// diagram puts the text of a diagram's nodes (SmartArt), in the order of its data.
func (a *archive) diagram(name string, to sink) error {
	return a.besides(name, func(root element) error { return a.diagramText(root, to) })
}

func (a *archive) diagramText(e element, to sink) error {
	return e.walk(func(e element) error {
		switch e.name {
		case "dgm:ptLst":
			return a.diagramText(e, to)
		case "dgm:pt":
			switch e.attr("type") {
			case "pres", "parTrans", "sibTrans":
				return nil
			}
			return a.diagramText(e, to)
		case "dgm:t":
			return drawnText(e, func(line string) error { return to.put(block{text: line}) })
		}
		return nil
	})
}

// besides reads a part that a document can do without.
func (a *archive) besides(name string, read func(root element) error) error {
	s, root, err := a.scan(name)
	if err != nil {
		return optional(err)
	}
	defer s.part.Close()
	return optional(read(root))
}

// drawnText gives each paragraph of DrawingML text in an element.
func drawnText(e element, line func(string) error) error {
	return e.walk(func(e element) error {
		if e.name != "a:p" {
			return drawnText(e, line)
		}
		var b strings.Builder
		if err := drawnRuns(e, &b); err != nil {
			return err
		}
		if b.Len() == 0 {
			return nil
		}
		return line(scripts(b.String()))
	})
}

// drawnRuns writes the text of a DrawingML paragraph, without what it says of its looks.
func drawnRuns(e element, b *strings.Builder) error { return drawnScript(e, b, onLine) }

// drawnScript writes text that stands on a line, or above or below it where it does not say so itself.
func drawnScript(e element, b *strings.Builder, shift script) error {
	return e.walk(func(e element) error {
		switch e.name {
		case "a:t", "m:t":
			text, err := e.text()
			b.WriteString(shift.mark(tidy(text)))
			return err
		case "a:br":
			b.WriteByte('\n')
			return nil
		case "a:tab":
			b.WriteByte('\t')
			return nil
		case "a:rPr":
			if value := e.attr("baseline"); value != "" {
				shift = scriptShifted(value)
			}
			return nil
		case "m:sup", "m:sub":
			return drawnScript(e, b, map[string]script{"m:sup": above, "m:sub": below}[e.name])
		case "a:pPr", "a:endParaRPr":
			return nil
		case "mc:AlternateContent":
			return alternative(e, func(e element) error { return drawnScript(e, b, shift) })
		}
		return drawnScript(e, b, shift)
	})
}
