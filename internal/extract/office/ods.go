package office

import (
	"strings"

	"github.com/satchel-files/satchel"
)

// readODS gives a page for each sheet.
func readODS(a *archive, out *paper, doc *satchel.Document) error {
	o, err := openODF(a, out, doc)
	if err != nil {
		return err
	}
	return o.content(doc, "office:spreadsheet", func(e element) error {
		if e.name != "table:table" {
			return nil
		}
		return o.sheet(e)
	})
}

// odsTable is a sheet under way.
type odsTable struct {
	t           *odtText
	grid        grid
	row, column int
	line        []odsCell // the row under way
	drawn       *shelf    // the text of shapes that lie on the sheet
}

// odsCell is the text of one cell, or of several beside each other.
type odsCell struct {
	column, width int
	text          string
}

func (o *odf) sheet(e element) error {
	name, hidden := oneLine(e.attr("table:name")), false
	o.inherits("table", e.attr("table:style-name"), func(style *odfStyle) bool { hidden = style.hidden; return hidden })
	t := &odsTable{t: &odtText{odf: o, runs: map[string]*odfRun{}}, drawn: &shelf{meter: o.meter}}
	if err := e.walk(t.content); err != nil {
		return err
	}
	if hidden {
		if err := o.paper.put(block{text: "(hidden sheet)"}); err != nil {
			return err
		}
	}
	if err := o.paper.put(block{kind: tabular, table: &t.grid}); err != nil {
		return err
	}
	if err := t.drawn.replay(o.paper); err != nil {
		return err
	}
	return o.paper.end(name)
}

func (t *odsTable) content(e element) error {
	switch e.name {
	case "table:table-row":
		return t.tableRow(e)
	case "table:table-row-group", "table:table-header-rows", "table:table-rows":
		return e.walk(t.content)
	case "table:shapes":
		return t.t.shape(e, t.drawn)
	}
	return nil
}

// tableRow takes a row, which can stand for many that are the same.
func (t *odsTable) tableRow(e element) error {
	times := max(count(e.attr("table:number-rows-repeated")), 1)
	t.column, t.line = 0, t.line[:0]
	if err := e.walk(t.cell); err != nil {
		return err
	}
	from := t.row
	t.row += times
	if len(t.line) == 0 {
		return nil
	}
	for row := from; row < min(t.row, maxRows); row++ {
		for _, c := range t.line {
			for column := range min(c.width, maxColumns) {
				if err := t.grid.add(t.t.meter, row, c.column+column, c.text); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// cell takes a cell, which can stand for many that are the same.
func (t *odsTable) cell(e element) error {
	width := max(count(e.attr("table:number-columns-repeated")), 1)
	column := t.column
	t.column += width
	if e.name != "table:table-cell" {
		return nil
	}
	content := &shelf{meter: t.t.meter}
	if err := e.walk(t.t.inner(content).block); err != nil {
		return err
	}
	text := strings.TrimSpace(content.flat())
	if text == "" {
		text = odsValue(e)
	}
	if text != "" {
		t.line = append(t.line, odsCell{column, width, text})
	}
	return nil
}

// odsValue gives the value of a cell whose text is not there.
func odsValue(e element) string {
	for _, name := range []string{"office:string-value", "office:date-value", "office:time-value", "office:boolean-value", "office:value"} {
		if value := e.attr(name); value != "" {
			return tidy(value)
		}
	}
	return ""
}
