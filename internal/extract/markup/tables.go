package markup

import (
	"strconv"
	"strings"

	"golang.org/x/net/html"
)

// Limits of a table; what is over them is left out of the reckoning, not of the text.
const (
	maxColumns = 64
	maxSpan    = 16 // columns of one cell
)

// grid is a table as it stands in the page.
type grid struct {
	caption *html.Node
	rows    [][]*html.Node
	columns int  // of the longest row
	layout  bool // it holds what no table of data does
}

// table writes a table. Many tables only hold the parts of a page in place; their cells become lines.
func (c *converter) table(n *html.Node) {
	var g grid
	g.gather(n)
	role := strings.ToLower(attribute(n, "role"))
	if c.flat || g.layout || g.columns < 2 || len(g.rows) < 2 || role == "presentation" || role == "none" {
		c.apart(n, blankLine)
		return
	}
	if g.caption != nil {
		c.apart(g.caption, blankLine)
	}
	rows := c.cells(&g)
	c.need(blankLine)
	if width := widest(rows); width < 2 || len(rows) < 2 {
		c.lines(rows)
	} else {
		c.grid(rows, width)
	}
	c.need(blankLine)
}

// gather finds the rows of a table, but not those of a table within.
func (g *grid) gather(n *html.Node) {
	for child := range n.ChildNodes() {
		if child.Type != html.ElementNode || hidden(child) {
			continue
		}
		switch child.Data {
		case "table", "h1", "h2", "h3", "h4", "h5", "h6", "pre", "hr", "blockquote", "form":
			g.layout = true
			continue
		case "caption":
			g.caption = child
			continue
		case "tr":
			g.rows = append(g.rows, nil)
		case "td", "th":
			if last := len(g.rows) - 1; last >= 0 {
				g.rows[last] = append(g.rows[last], child)
				g.columns = max(g.columns, len(g.rows[last]))
			}
		}
		g.gather(child)
	}
}

// cells gives the text of all cells, each in its column. Rows without text are left out.
func (c *converter) cells(g *grid) [][]string {
	var rows [][]string
	var above reach
	for _, nodes := range g.rows {
		var row []string
		for _, cell := range nodes {
			row = above.skip(row)
			text, width, height := c.cell(cell), span(cell, "colspan", maxSpan), span(cell, "rowspan", len(g.rows))
			for range width {
				above.take(len(row), height-1)
				row = append(row, text)
				text = ""
			}
		}
		row = above.skip(row)
		for len(row) > 0 && row[len(row)-1] == "" {
			row = row[:len(row)-1]
		}
		if len(row) > 0 {
			rows = append(rows, row)
		}
	}
	return rows
}

// reach has, for each column, the number of rows into which a cell further up still reaches.
type reach [maxColumns]int

// skip adds empty cells to a row where such a cell is.
func (r *reach) skip(row []string) []string {
	for len(row) < maxColumns && r[len(row)] > 0 {
		r[len(row)]--
		row = append(row, "")
	}
	return row
}

func (r *reach) take(column, rows int) {
	if column < maxColumns {
		r[column] = rows
	}
}

func span(cell *html.Node, name string, most int) int {
	n, err := strconv.Atoi(attribute(cell, name))
	if err != nil || n < 1 {
		return 1
	}
	return min(n, most)
}

// cell gives the text of a cell as one line.
func (c *converter) cell(n *html.Node) string {
	inner := converter{stop: c.stop, nodes: c.nodes, done: c.done, sheet: sheet{flat: true}}
	inner.children(n)
	c.nodes, c.done = inner.nodes, inner.done
	return string(inner.out)
}

func widest(rows [][]string) (width int) {
	for _, row := range rows {
		width = max(width, len(row))
	}
	return width
}

// lines writes cells below each other.
func (c *converter) lines(rows [][]string) {
	for _, row := range rows {
		for _, cell := range row {
			c.need(newLine)
			c.words(cell)
		}
	}
}

// grid writes a Markdown table. Rows may have fewer cells than the first.
func (c *converter) grid(rows [][]string, width int) {
	for i, row := range rows {
		if i == 0 {
			row = append(row, make([]string, width-len(row))...)
			c.begin()
		} else {
			c.nextLine()
		}
		c.row(row)
		if i == 0 {
			c.nextLine()
			c.out = append(c.out, "|"+strings.Repeat(" --- |", width)...)
		}
	}
}

func (c *converter) row(cells []string) {
	c.out = append(c.out, '|')
	for _, cell := range cells {
		if cell != "" {
			c.out = append(c.out, ' ')
			c.out = append(c.out, strings.ReplaceAll(cell, "|", `\|`)...)
		}
		c.out = append(c.out, " |"...)
	}
}
