package markup

import (
	"bytes"
	"context"
	"io"
	"regexp"
	"strings"

	"github.com/satchel-files/satchel"
	"github.com/satchel-files/satchel/internal/extract"
	"github.com/satchel-files/satchel/internal/extract/text"
)

const (
	markdownHead = 64 << 10 // bytes in which a Markdown document says what it is
	maxFacts     = 40       // of front matter
)

// readMarkdown gives Markdown as it is, with its front matter, for that is part of what was written.
func readMarkdown(ctx context.Context, r io.Reader, size int64, out extract.Output) (satchel.Document, error) {
	doc := satchel.Document{Format: "markdown"}
	head, err := io.ReadAll(io.LimitReader(r, markdownHead))
	if err != nil {
		return doc, err
	}
	rest := frontMatter(&doc, string(head))
	doc.Title = first(doc.Title, firstHeading(rest))
	return doc, text.Pages(ctx, io.MultiReader(bytes.NewReader(head), r), size, out, &headings{})
}

var (
	yamlLine = regexp.MustCompile(`^([A-Za-z][\w.-]*)\s*:(?:\s+(.*))?$`)
	tomlLine = regexp.MustCompile(`^([A-Za-z][\w.-]*)\s*=\s*(.*)$`)
	listLine = regexp.MustCompile(`^\s*-\s+(.+)$`)
)

// frontMatter takes the facts at the head of a document: between lines --- as YAML has them, or +++ as TOML does. Only plain values and
// lists of them are understood. It gives the document without.
func frontMatter(doc *satchel.Document, source string) (rest string) {
	mark, fact := "---\n", yamlLine
	if strings.HasPrefix(source, "+++\n") {
		mark, fact = "+++\n", tomlLine
	}
	inner, ok := strings.CutPrefix(source, mark)
	if !ok {
		return source
	}
	matter, rest, ok := strings.Cut("\n"+inner, "\n"+mark)
	if !ok {
		return source
	}
	key, list := "", []string(nil)
	flush := func() {
		declare(doc, key, strings.Join(list, ", "))
		key, list = "", nil
	}
	for line := range strings.SplitSeq(matter, "\n") {
		if match := fact.FindStringSubmatch(line); match != nil {
			flush()
			key, list = match[1], values(match[2])
		} else if match := listLine.FindStringSubmatch(line); match != nil && key != "" {
			list = append(list, values(match[1])...)
		}
	}
	flush()
	return rest
}

// values gives what a value says: one text, or those of a list in brackets.
func values(source string) []string {
	source = strings.TrimSpace(source)
	if inner, ok := strings.CutPrefix(source, "["); ok {
		var all []string
		for one := range strings.SplitSeq(strings.TrimSuffix(inner, "]"), ",") {
			all = append(all, values(one)...)
		}
		return all
	}
	for _, quote := range []string{`"`, `'`} {
		if inner, ok := strings.CutPrefix(source, quote); ok {
			source = strings.TrimSuffix(inner, quote)
		}
	}
	if source == "" || source == "|" || source == ">" {
		return nil
	}
	return []string{source}
}

// declare takes one fact of a front matter.
func declare(doc *satchel.Document, key, value string) {
	if value = fact(value); value == "" {
		return
	}
	switch name := strings.ToLower(key); name {
	case "title":
		doc.Title = first(doc.Title, value)
	default:
		before := *doc
		if fill(doc, name, value); before.Author != doc.Author || before.Language != doc.Language || !before.Created.Equal(doc.Created) ||
			!before.Modified.Equal(doc.Modified) {
			return
		}
		if len(doc.Properties) < maxFacts {
			property(doc, name, value)
		}
	}
}

var (
	headingLine = regexp.MustCompile(`^ {0,3}#{1,6}[ \t]+(.*?)(?:[ \t]+#+)?[ \t]*$`)
	underline   = regexp.MustCompile(`^ {0,3}(?:=+|-{2,})[ \t]*$`)
	fenceLine   = regexp.MustCompile("^ {0,3}(```+|~~~+)")
)

// firstHeading gives the text of the first heading.
func firstHeading(source string) string {
	var h headings
	before := ""
	for line := range strings.Lines(source) {
		line = strings.TrimRight(line, "\n")
		switch {
		case h.fence == "" && headingLine.MatchString(line):
			return bare(line)
		case h.fence == "" && before != "" && underline.MatchString(line):
			return strings.TrimSpace(before)
		}
		h.Take([]byte(line + "\n"))
		before = strings.TrimSpace(line)
	}
	return ""
}

// bare gives the text of a heading.
func bare(line string) string {
	return fact(headingLine.FindStringSubmatch(line)[1])
}

// headings cut Markdown before headings, and call pages after them. They implement text.Marks.
type headings struct {
	fence string // the one that opened the code under way
	label string // of the page: its first heading
	last  string // the last heading
}

// Fit implements text.Marks.
func (h *headings) Fit(line []byte) text.Fit {
	switch {
	case h.fence != "":
		return text.Inside
	case line[0] == '#' && headingLine.Match(bytes.TrimRight(line, "\n")):
		return text.Good
	}
	return text.Possible
}

// Take implements text.Marks.
func (h *headings) Take(line []byte) {
	line = bytes.TrimRight(line, "\n")
	if match := fenceLine.FindSubmatch(line); match != nil {
		mark := string(match[1])
		switch {
		case h.fence == "":
			h.fence = mark
		case strings.HasPrefix(mark, h.fence) && len(bytes.TrimSpace(line)) == len(mark):
			h.fence = ""
		}
		return
	}
	if h.fence == "" && len(line) > 0 && line[0] == '#' && headingLine.Match(line) {
		h.last = bare(string(line))
		h.label = first(h.label, h.last)
	}
}

// End implements text.Marks.
func (h *headings) End() (label, head string) {
	label, h.label, h.fence = first(h.label, h.last), "", ""
	return label, ""
}
