package office

import (
	"slices"
	"strings"
)

const (
	maxColumns = 1 << 14 // of a table, as spreadsheets have it
	maxRows    = 1 << 20
	cellCost   = 16 // bytes that a cell takes beside its text
)

// grid is a table. Only cells with text take room; rows and columns without any are left out when it is written.
type grid struct {
	text  []byte
	cells []cell
}

type cell struct{ row, column, from, to uint32 }

// add puts text into a cell, both counted from 0. What is outside of any table that a program makes is dropped.
func (g *grid) add(m *meter, row, column int, text string) error {
	text = strings.TrimSpace(text)
	if text == "" || row < 0 || row >= maxRows || column < 0 || column >= maxColumns {
		return nil
	}
	from := len(g.text)
	g.text = append(g.text, text...)
	g.cells = append(g.cells, cell{uint32(row), uint32(column), uint32(from), uint32(len(g.text))}) //nolint:gosec // bounded above, and by meter.hold
	return m.hold(cellCost + len(text))
}

// replace gives a cell another text.
func (g *grid) replace(m *meter, i int, text string) error {
	from := len(g.text)
	g.text = append(g.text, text...)
	g.cells[i].from, g.cells[i].to = uint32(from), uint32(len(g.text)) //nolint:gosec // bounded by meter.hold
	return m.hold(len(text))
}

func (g *grid) empty() bool { return g == nil || len(g.cells) == 0 }

// rows puts the cells in order and calls row for each row that has any.
func (g *grid) rows(row func([]cell)) {
	if !slices.IsSortedFunc(g.cells, cell.compare) {
		slices.SortStableFunc(g.cells, cell.compare)
	}
	for rest := g.cells; len(rest) > 0; {
		n := 1
		for n < len(rest) && rest[n].row == rest[0].row {
			n++
		}
		row(rest[:n])
		rest = rest[n:]
	}
}

func (c cell) compare(other cell) int {
	if c.row != other.row {
		return int(c.row) - int(other.row)
	}
	return int(c.column) - int(other.column)
}

// columns numbers the columns that have text, from 0.
func (g *grid) columns() (number []int, count int) {
	last := uint32(0)
	for _, c := range g.cells {
		last = max(last, c.column)
	}
	number = make([]int, last+1)
	for _, c := range g.cells {
		number[c.column] = 1
	}
	for i, used := range number {
		number[i], count = count, count+used
	}
	return number, count
}

// write writes the table as Markdown. The first row is its head, as Markdown wants one. A single cell is no table.
func (g *grid) write(p *paper) error {
	if len(g.cells) == 1 {
		p.buf.WriteString(p.cite(g.at(g.cells[0])))
		return nil
	}
	number, width := g.columns()
	height := 0
	g.rows(func([]cell) { height++ })
	if err := p.hold(height * width * len(" |")); err != nil {
		return err
	}
	p.buf.Grow(len(g.text) + height*width*len(" | "))
	first := true
	g.rows(func(cells []cell) {
		if !first {
			p.buf.WriteByte('\n')
		}
		p.buf.WriteByte('|')
		at := 0 // columns that are closed
		for i, c := range cells {
			if i == 0 || c.column > cells[i-1].column {
				p.buf.WriteString(strings.Repeat(" |", number[c.column]-at))
				at = number[c.column]
			}
			p.buf.WriteString(" " + inCell(p.cite(g.at(c))))
		}
		p.buf.WriteString(strings.Repeat(" |", width-at))
		if first {
			p.buf.WriteString("\n|" + strings.Repeat(" --- |", width))
		}
		first = false
	})
	return nil
}

// flat writes the text of all cells, row by row.
func (g *grid) flat(b *strings.Builder) {
	g.rows(func(cells []cell) {
		for _, c := range cells {
			b.WriteString(g.at(c))
			b.WriteByte(' ')
		}
		b.WriteByte('\n')
	})
}

func (g *grid) at(c cell) string { return string(g.text[c.from:c.to]) }

// inCell makes text fit for a cell: one line, and no bar that would end it.
func inCell(text string) string {
	text = strings.ReplaceAll(text, "|", `\|`)
	if strings.ContainsAny(text, "\n\t") {
		text = strings.Join(strings.Fields(text), " ")
	}
	return text
}
