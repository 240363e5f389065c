package office

import (
	"errors"
	"strconv"
	"strings"

	"github.com/satchel-files/satchel"
)

// xlsx reads one SpreadsheetML document. Sheets are read as they stream by: excelize would keep all of them, and all pictures, in memory
// (1.7 GB for a sheet of 2.4 million cells), would spool to files where it must not, and takes the end of a damaged sheet for its end.
type xlsx struct {
	*archive
	paper   *paper
	formats []string // number format of each cell style
	texts   sharedStrings
	numbers *formatter
}

// sheetRef is a sheet as the workbook lists it.
type sheetRef struct {
	name, part string
	chart      bool
	hidden     bool
}

// readXLSX gives a page for each sheet, in the order of the workbook.
func readXLSX(a *archive, out *paper, doc *satchel.Document) error {
	main, err := a.office(doc)
	if err != nil {
		return err
	}
	rels, err := a.relations(main)
	if err != nil {
		return err
	}
	x := &xlsx{archive: a, paper: out}
	sheets, err := x.workbook(main, rels)
	if err != nil {
		return err
	}
	if err := optional(x.styles(rels.target("styles"))); err != nil {
		return err
	}
	if err := x.texts.load(a, rels.target("sharedStrings")); err != nil {
		return err
	}
	if err := out.out.Expect(len(sheets)); err != nil {
		return err
	}
	for _, s := range sheets {
		if err := x.sheet(s); err != nil {
			return err
		}
	}
	return nil
}

func (x *xlsx) workbook(main string, rels relations) (sheets []sheetRef, err error) {
	byID := map[string]relation{}
	for _, r := range rels {
		byID[r.id] = r
	}
	date1904, listed := false, map[string]bool{}
	err = x.walk(main, "x:workbook", func(e element) error {
		if e.name == "x:workbookPr" {
			value := e.attr("date1904")
			date1904 = value != "" && !isFalse(value)
		}
		if e.name != "x:sheets" {
			return nil
		}
		return e.walk(func(e element) error {
			r, state := byID[e.attr("r:id")], e.attr("state")
			if e.name != "x:sheet" || listed[r.target] || !x.has(r.target) {
				return nil
			}
			listed[r.target] = true
			sheets = append(sheets, sheetRef{
				name: oneLine(e.attr("name")), part: r.target, chart: r.kind == "chartsheet", hidden: state == "hidden" || state == "veryHidden",
			})
			if len(sheets) > x.pages {
				return x.fail(tooComplex("it has more than %d sheets", x.pages))
			}
			return x.keep(len(r.target) + cellCost)
		})
	})
	x.numbers = newFormatter(date1904)
	return sheets, err
}

// styles reads the number formats.
func (x *xlsx) styles(name string) error {
	if name == "" {
		return nil
	}
	codes := map[int]string{}
	return x.walk(name, "x:styleSheet", func(e element) error {
		switch e.name {
		case "x:numFmts":
			return e.walk(func(e element) error {
				id, code := count(e.attr("numFmtId")), e.attr("formatCode")
				codes[id] = code
				return x.keep(len(code) + 2*cellCost)
			})
		case "x:cellXfs":
			return e.walk(func(e element) error {
				if e.name != "x:xf" {
					return nil
				}
				id := count(e.attr("numFmtId"))
				code, ok := codes[id]
				if !ok {
					code = builtInFormat(id)
				}
				x.formats = append(x.formats, code)
				return x.keep(cellCost)
			})
		}
		return nil
	})
}

func (x *xlsx) sheet(ref sheetRef) error {
	if ref.hidden {
		if err := x.paper.put(block{text: "(hidden sheet)"}); err != nil {
			return err
		}
	}
	rels, err := x.relations(ref.part)
	if err := optional(err); err != nil {
		return err
	}
	if !ref.chart {
		if err := x.cells(ref.part, rels); err != nil {
			return err
		}
	}
	if err := x.drawings(rels); err != nil {
		return err
	}
	if err := x.comments(rels); err != nil {
		return err
	}
	return x.paper.end(ref.name)
}

// cells reads the cells of a sheet.
func (x *xlsx) cells(name string, rels relations) error {
	s, _, err := x.scan(name)
	if errors.Is(err, errNoPart) {
		return nil
	}
	if err != nil {
		return err
	}
	defer s.part.Close()
	t := &sheetTable{xlsx: x, row: -1, addresses: rels.addresses()}
	if err := s.all(t.content); err != nil {
		return err
	}
	if err := t.linkCells(); err != nil {
		return err
	}
	return x.paper.put(block{kind: tabular, table: &t.grid})
}

// drawings puts the text of the shapes and charts that lie on a sheet.
func (x *xlsx) drawings(rels relations) error {
	for _, drawing := range rels.targets("drawing") {
		own, err := x.relations(drawing)
		if err != nil {
			return optional(err)
		}
		s := &slide{pptx: &pptx{archive: x.archive, speech: map[string]int{}}, rels: own, body: &shelf{meter: x.meter}}
		if err := x.besides(drawing, s.shapes); err != nil {
			return err
		}
		if err := s.body.replay(x.paper); err != nil {
			return err
		}
	}
	return nil
}

// sheetTable is a sheet under way.
type sheetTable struct {
	*xlsx
	grid        grid
	row, column int               // of the cell under way, from 0
	addresses   map[string]string // outside of the workbook, by the ids of their relations
	links       map[place]string  // that lead there
}

func (t *sheetTable) content(e element) error {
	switch e.name {
	case "x:sheetData":
		return e.walk(t.content)
	case "x:row":
		t.row++
		if n, err := strconv.Atoi(e.attr("r")); err == nil {
			t.row = n - 1
		}
		t.column = -1
		return e.walk(t.content)
	case "x:c":
		return t.cell(e)
	case "x:hyperlinks":
		return e.walk(t.link)
	}
	return nil
}

func (t *sheetTable) cell(e element) error {
	t.column++
	var kind, style string
	for i := range e.attrs {
		switch e.attrs[i].Name.Local {
		case "r":
			t.move(e.attrs[i].Value)
		case "t":
			kind = e.attrs[i].Value
		case "s":
			style = e.attrs[i].Value
		}
	}
	var value, formula, inline string
	err := e.walk(func(e element) (err error) {
		switch e.name {
		case "x:v":
			value, err = e.text()
		case "x:f":
			formula, err = e.text()
		case "x:is":
			inline, err = richText(e)
		}
		return err
	})
	if err != nil {
		return err
	}
	text := t.shown(kind, style, value, inline)
	if text == "" && formula != "" {
		text = "=" + tidy(formula) // no program has calculated it yet
	}
	return t.grid.add(t.meter, t.row, t.column, text)
}

// move goes to the column that a reference such as "AB12" names.
func (t *sheetTable) move(reference string) {
	if column, _ := columnOf(reference); column > 0 {
		t.column = column - 1
	}
}

// shown gives what a cell displays.
func (t *sheetTable) shown(kind, style, value, inline string) string {
	switch kind {
	case "s":
		if n, err := strconv.Atoi(strings.TrimSpace(value)); err == nil {
			return t.texts.at(n)
		}
		return ""
	case "inlineStr":
		return inline
	case "str", "e":
		return tidy(unescape(value))
	case "b":
		return map[bool]string{true: "TRUE", false: "FALSE"}[value != "0" && value != ""]
	case "d":
		return tidy(value)
	}
	if value == "" {
		return inline
	}
	code := ""
	if n, err := strconv.Atoi(style); err == nil && n >= 0 && n < len(t.formats) {
		code = t.formats[n]
	}
	return tidy(t.numbers.show(code, value))
}
