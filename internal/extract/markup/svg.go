package markup

import (
	"context"
	"encoding/xml"
	"io"
	"regexp"
	"strconv"
	"strings"

	"github.com/satchel-files/satchel"
	"github.com/satchel-files/satchel/internal/extract"
	"github.com/satchel-files/satchel/internal/extract/text"
)

// Limits of a drawing.
const (
	maxElements = 1 << 20
	maxDepth    = 512
)

// readSVG gives the words of a drawing, each text on a line. Entities are not expanded. What follows a fault is not read.
func readSVG(ctx context.Context, r io.Reader, out extract.Output) (satchel.Document, error) {
	d := drawing{doc: satchel.Document{Format: "svg"}}
	source, err := readAll(r)
	if err == nil {
		err = d.read(ctx, source)
	}
	if err != nil {
		return d.doc, err
	}
	words := d.text.String()
	return d.doc, text.Pages(ctx, strings.NewReader(words), int64(len(words)), out, &headings{})
}

// drawing is what was found so far.
type drawing struct {
	doc  satchel.Document
	text sheet
	open []string // elements around, outermost first
}

func (d *drawing) read(ctx context.Context, source string) error {
	decoder := xml.NewDecoder(strings.NewReader(source))
	decoder.Strict, decoder.Entity = false, xml.HTMLEntity
	decoder.CharsetReader = func(_ string, in io.Reader) (io.Reader, error) { return in, nil }
	for count := 0; ; count++ {
		token, err := decoder.Token()
		if err != nil {
			return nil //nolint:nilerr // the end, or a fault: a drawing without its end is shown too
		}
		if count > maxElements {
			return tooComplex("it has more than a million elements")
		}
		if count%1024 == 0 && ctx.Err() != nil {
			return ctx.Err()
		}
		if d.take(token); len(d.open) > maxDepth {
			return tooComplex("its elements are nested more than 512 deep")
		}
	}
}

func (d *drawing) take(token xml.Token) {
	switch t := token.(type) {
	case xml.StartElement:
		if len(d.open) == 0 && t.Name.Local == "svg" {
			d.size(t)
		}
		d.open = append(d.open, t.Name.Local)
		d.part(t)
	case xml.EndElement:
		if len(d.open) > 0 {
			d.open = d.open[:len(d.open)-1]
		}
		if t.Name.Local == "text" {
			d.text.need(newLine)
		}
	case xml.CharData:
		d.words(string(t))
	}
}

// part begins a line for a text, and for a piece of one that stands elsewhere.
func (d *drawing) part(t xml.StartElement) {
	switch t.Name.Local {
	case "text", "flowPara", "p", "div":
		d.text.need(newLine)
	case "tspan":
		for _, a := range t.Attr {
			if a.Name.Local == "x" || a.Name.Local == "y" {
				d.text.need(newLine)
			}
		}
	}
}

// words takes text by the elements around it. The title of the drawing as a whole says what it is; that of a part only shows when one points
// at it.
func (d *drawing) words(text string) {
	shown := false
	for i, name := range d.open {
		switch name {
		case "style", "script", "metadata", "defs":
			return
		case "title":
			if i == 1 {
				d.doc.Title = first(d.doc.Title, fact(text))
			}
			return
		case "desc":
			if i == 1 {
				property(&d.doc, "description", fact(text))
			}
			return
		case "text", "flowPara", "foreignObject":
			shown = true
		}
	}
	if shown {
		d.text.words(text)
	}
}

var pixels = regexp.MustCompile(`^(\d{1,6})(?:\.\d+)?(?:px)?$`)

// size takes the size of the drawing if it is given in pixels.
func (d *drawing) size(svg xml.StartElement) {
	for _, a := range svg.Attr {
		match := pixels.FindStringSubmatch(strings.TrimSpace(a.Value))
		if match == nil {
			continue
		}
		n, _ := strconv.Atoi(match[1])
		switch a.Name.Local {
		case "width":
			d.doc.Width = n
		case "height":
			d.doc.Height = n
		}
	}
}
