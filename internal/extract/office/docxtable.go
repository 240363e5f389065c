package office

import (
	"strconv"
	"strings"
)

const maxSpan = 64 // columns that one cell can span; Word has 63

// wordTable is a table under way.
type wordTable struct {
	d     *docx
	to    sink
	grid  *grid
	row   int
	col   int
	only  *shelf // the first cell, when it is the only one so far
	cells int
	from  int  // where the row's cells begin in the grid
	turns int  // pages that the row ends
	early bool // it ends them before any of its text
}

func (d *docx) table(e element, to sink) error {
	t := &wordTable{d: d, to: to, grid: &grid{}}
	if err := e.walk(t.content); err != nil {
		return err
	}
	if t.cells == 1 {
		return t.only.replay(to)
	}
	if err := t.turn(); err != nil {
		return err
	}
	return to.put(block{kind: tabular, table: t.grid})
}

// content takes rows, and cells in them, or whatever holds some.
func (t *wordTable) content(e element) error {
	switch e.name {
	case "w:tr":
		return t.tableRow(e)
	case "w:tc":
		return t.cell(e)
	case "w:tblPr", "w:tblGrid", "w:sdtPr", "w:del", "w:moveFrom", "w:tblPrEx":
		return nil
	case "w:gridBefore":
		t.col += span(e)
		return nil
	case "mc:AlternateContent":
		return alternative(e, t.content)
	}
	return e.walk(t.content)
}

func (t *wordTable) tableRow(e element) error {
	if err := t.turn(); err != nil {
		return err
	}
	t.col, t.from, t.early = 0, len(t.grid.cells), true
	err := e.walk(t.content)
	t.row++
	return err
}

// turn ends the page if the row before did: before that row, if that has all of its text behind the break.
func (t *wordTable) turn() error {
	if t.turns == 0 {
		return nil
	}
	done, breaks := t.grid, block{text: strings.Repeat(pageBreak, t.turns)}
	t.grid, t.turns = &grid{}, 0
	if t.early {
		t.grid.cells = append(t.grid.cells, done.cells[t.from:]...)
		t.grid.text = append(t.grid.text, done.text...)
		done.cells = done.cells[:t.from]
	}
	if err := t.to.put(block{kind: tabular, table: done}); err != nil {
		return err
	}
	return t.to.put(breaks)
}

func span(e element) int {
	n, err := strconv.Atoi(e.attr("w:val"))
	if err != nil {
		return 1
	}
	return min(max(n, 0), maxSpan)
}

func (t *wordTable) cell(e element) error {
	content := &shelf{meter: t.d.meter}
	width, covered := 1, false
	err := e.walk(func(e element) error {
		if e.name != "w:tcPr" {
			return t.d.block(e, content)
		}
		return e.walk(func(e element) error {
			switch e.name {
			case "w:gridSpan":
				width = span(e)
			case "w:vMerge", "w:hMerge":
				covered = e.attr("w:val") != "restart"
			}
			return nil
		})
	})
	if err != nil {
		return err
	}
	if t.cells++; t.cells == 1 {
		t.only = content
	} else {
		t.only = nil
	}
	if !covered {
		err = t.put(content.flat())
	}
	t.col += width
	return err
}

// put puts a cell's text into the table, without page breaks: those are the row's.
func (t *wordTable) put(text string) error {
	if turns := strings.Count(text, pageBreak); turns > 0 {
		before, _, _ := strings.Cut(text, pageBreak)
		t.turns = max(t.turns, turns)
		t.early = t.early && strings.TrimSpace(before) == ""
		text = strings.ReplaceAll(text, pageBreak, " ")
	} else if strings.TrimSpace(text) != "" && t.col == 0 {
		t.early = false
	}
	return t.grid.add(t.d.meter, t.row, t.col, text)
}
