package office

import (
	"cmp"
	"strconv"
	"strings"

	"github.com/satchel-files/satchel/internal/extract"
)

// place is a cell, counted from 0.
type place struct{ row, column int }

// placeOf reads a reference such as "AB12", or the first one of "A1:B2".
func placeOf(reference string) (place, bool) {
	column, rest := columnOf(reference)
	digits, _, _ := strings.Cut(rest, ":")
	row, err := strconv.Atoi(digits)
	return place{row - 1, column - 1}, err == nil && column > 0
}

// columnOf reads the column that a reference begins with, counted from 1; 0: none.
func columnOf(reference string) (column int, rest string) {
	at := 0
	for ; at < len(reference) && reference[at] >= 'A' && reference[at] <= 'Z' && column <= maxColumns; at++ {
		column = column*26 + int(reference[at]-'A') + 1
	}
	return column, reference[at:]
}

// link remembers the address to which a cell leads. The cells are known by then.
func (t *sheetTable) link(e element) error {
	address := t.addresses[e.attr("r:id")]
	at, ok := placeOf(e.attr("ref"))
	if e.name != "x:hyperlink" || !ok || !extract.Meaningful(address) {
		return nil
	}
	if t.links == nil {
		t.links = map[place]string{}
	}
	t.links[at] = address
	return t.hold(len(address) + 4*cellCost)
}

// linkCells makes links of the cells that lead elsewhere.
func (t *sheetTable) linkCells() error {
	if len(t.links) == 0 {
		return nil
	}
	for i, c := range t.grid.cells {
		address, ok := t.links[place{int(c.row), int(c.column)}]
		if !ok {
			continue
		}
		if err := t.grid.replace(t.meter, i, extract.Link(t.grid.at(c), address)); err != nil {
			return err
		}
	}
	return nil
}

// comments puts what was written upon the cells of a sheet, a line each: "author (cell): text".
func (x *xlsx) comments(rels relations) error {
	var c sheetComments
	for _, name := range rels.targets("comments") {
		c.authors = nil
		if err := x.besides(name, func(root element) error { return c.read(root, x.meter) }); err != nil {
			return err
		}
	}
	return x.paper.put(block{text: strings.Join(c.lines, "\n")})
}

// sheetComments are the comments on a sheet under way.
type sheetComments struct{ authors, lines []string }

func (c *sheetComments) read(e element, m *meter) error {
	return e.walk(func(e element) error {
		switch e.name {
		case "x:authors", "x:commentList":
			return c.read(e, m)
		case "x:author":
			author, err := e.text()
			c.authors = append(c.authors, tidy(oneLine(author)))
			return cmp.Or(err, m.hold(len(author)+cellCost))
		case "x:comment":
			line, err := comment(e, c.authors)
			if line != "" {
				c.lines = append(c.lines, line)
			}
			return cmp.Or(err, m.hold(len(line)+cellCost))
		}
		return nil
	})
}

// comment reads one comment, "" if it is empty. Excel has the author's name in the text too, and says of threads that older versions
// show them like that.
func comment(e element, authors []string) (string, error) {
	author := ""
	if n, err := strconv.Atoi(e.attr("authorId")); err == nil && n >= 0 && n < len(authors) && !strings.HasPrefix(authors[n], "tc=") {
		author = authors[n]
	}
	text := ""
	err := e.walk(func(e element) (err error) {
		if e.name == "x:text" {
			text, err = richText(e)
		}
		return err
	})
	if _, own, ok := strings.Cut(text, "\n\nComment:\n"); ok && strings.HasPrefix(text, "[Threaded comment]") {
		text = own
	}
	if author != "" {
		text = strings.TrimPrefix(text, author+":")
	}
	if text = oneLine(text); text == "" {
		return "", err
	}
	cell := oneLine(e.attr("ref"))
	if author != "" {
		cell = author + " (" + cell + ")"
	}
	return remark(cell, text), err
}
