package text

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"github.com/satchel-files/satchel/internal/extract"
)

// Sizes of pages in bytes. A text of at most wholePage is one page.
const (
	wholePage = 128 << 10
	minPart   = 64 << 10
	maxPart   = 1 << 20
	manyParts = 2000 // of a document; parts grow up to maxPart rather than become more

	maxLine = 32 << 10 // of a line that is kept together
)

// Fit is how well a page begins with a line.
type Fit int

// The fits.
const (
	Inside   Fit = iota // the line belongs to the one before
	Possible            // as well as with any other
	Good                // something new begins
)

// Marks know where a long text can be cut, and what its pages are called. Lines come with their \n; what is longer than 32 KiB comes in
// pieces.
type Marks interface {
	// Fit says how well a page begins with the line that follows those that were taken.
	Fit(line []byte) Fit
	// Take takes the next line.
	Take(line []byte)
	// End says that a page has ended with the last line taken, whatever the fit was. It gives the page's label, and what stands above its
	// text; may be empty.
	End() (label, head string)
}

// Pages gives a text to out: as one page if it is short, at its form feeds if the beginning has some, else in pages that Marks cut. Size is
// about how many bytes there will be; it decides how long the pages become. An error of r or out is returned.
func Pages(ctx context.Context, r io.Reader, size int64, out extract.Output, marks Marks) error {
	return pager{out, size}.pages(ctx, r, marks)
}

// pager is one document's way out.
type pager struct {
	out  extract.Output
	size int64 // of the document
}

func (p pager) pages(ctx context.Context, r io.Reader, marks Marks) error {
	head, all, err := short(r, wholePage)
	if err != nil {
		return err
	}
	feeds := strings.Contains(head, "\f")
	if all == nil && !feeds {
		return p.page(ctx, head)
	}
	if all == nil {
		all = strings.NewReader(head)
	}
	return p.cut(ctx, all, marks, feeds)
}

// page gives a text as the only page; a blank one gives none.
func (p pager) page(ctx context.Context, text string) error {
	if strings.TrimSpace(text) == "" {
		return ctx.Err()
	}
	c := cutter{out: p.out}
	return c.give(ctx, "", text)
}

// cut gives a text in pages, at form feeds too if there are some.
func (p pager) cut(ctx context.Context, r io.Reader, marks Marks, feeds bool) error {
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, 2*maxLine)
	lines.Split(func(data []byte, atEOF bool) (int, []byte, error) { return splitLine(data, atEOF, feeds) })
	c := cutter{out: p.out, marks: marks, feeds: feeds, size: int(min(max(p.size/manyParts, minPart), maxPart))}
	for lines.Scan() {
		if err := c.take(ctx, lines.Bytes()); err != nil {
			return err
		}
	}
	if err := lines.Err(); err != nil {
		return fmt.Errorf("read the text: %w", err)
	}
	return c.end(ctx)
}

// splitLine is a bufio.SplitFunc: a line with its end, or a piece of a line that is too long.
func splitLine(data []byte, atEOF, feeds bool) (advance int, token []byte, err error) {
	ends := "\n"
	if feeds {
		ends = "\n\f"
	}
	end := bytes.IndexAny(data[:min(len(data), maxLine)], ends) + 1
	switch {
	case end > 0:
	case len(data) >= maxLine:
		end = breakPoint(data[:maxLine])
	case atEOF && len(data) > 0:
		end = len(data)
	default:
		return 0, nil, nil
	}
	return end, data[:end:end], nil
}

// breakPoint finds a place near the end of a long line where it can be broken: before white space, which would be lost at the end of a page,
// after a comma, or between two characters.
func breakPoint(line []byte) int {
	const tail, blank = 1 << 10, " \t"
	if at := bytes.LastIndexAny(line[len(line)-tail:], blank+",;>"); at >= 0 {
		at += len(line) - tail + 1
		if before := len(bytes.TrimRight(line[:at], blank)); before > 0 {
			return before
		}
		return at
	}
	for at := len(line) - 1; at > len(line)-utf8.UTFMax; at-- {
		if utf8.RuneStart(line[at]) {
			return at
		}
	}
	return len(line)
}

// cutter collects the lines of a page.
type cutter struct {
	out   extract.Output
	marks Marks
	feeds bool
	size  int // of a page, from which on it ends
	part  bytes.Buffer
	blank int // pages without text that count if one with text follows
}

func (c *cutter) take(ctx context.Context, line []byte) error {
	if c.full(c.marks.Fit(line)) {
		if err := c.end(ctx); err != nil {
			return err
		}
	}
	c.marks.Take(line)
	c.part.Write(line)
	if c.feeds && line[len(line)-1] == '\f' {
		return c.end(ctx)
	}
	return nil
}

// full reports whether the page ends before a line that fits so well.
func (c *cutter) full(fit Fit) bool {
	n := c.part.Len()
	return fit == Good && n >= c.size*3/4 || fit == Possible && n >= c.size || n >= 2*c.size
}

// end gives the page.
func (c *cutter) end(ctx context.Context) error {
	label, head := c.marks.End()
	if c.feeds {
		label, head = "", "" // the document has its own pages
	}
	text := strings.TrimSuffix(c.part.String(), "\f")
	c.part.Reset()
	if strings.TrimSpace(text) == "" {
		c.blank++
		return nil
	}
	for ; c.blank > 0 && c.feeds; c.blank-- {
		if err := c.give(ctx, "", ""); err != nil {
			return err
		}
	}
	return c.give(ctx, label, head+text)
}

func (c *cutter) give(ctx context.Context, label, text string) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	return c.out.Page(extract.Page{Label: label, Text: text})
}

// lineMarks cut a text at any line, and rather after an empty one. Pages are called after their lines.
type lineMarks struct {
	first, last int
	within      bool // the last line goes on
	empty       bool // the last line had nothing in it
	part        int  // pages so far that the line has to itself
}

// Fit implements Marks.
func (m *lineMarks) Fit([]byte) Fit {
	if m.empty {
		return Good
	}
	return Possible
}

// Take implements Marks.
func (m *lineMarks) Take(line []byte) {
	if !m.within {
		m.last++
	}
	if m.first == 0 {
		m.first = m.last
	}
	m.empty = !m.within && len(bytes.TrimSpace(line)) == 0
	m.within = line[len(line)-1] != '\n'
}

// End implements Marks.
func (m *lineMarks) End() (label, head string) {
	label = span("line", m.first, m.last)
	switch {
	case m.first != m.last:
		m.part = 0
	case m.part > 0 || m.within:
		m.part++
		label += fmt.Sprintf(", part %d", m.part)
	}
	if !m.within {
		m.part = 0
	}
	m.first = 0
	return label, ""
}

// span is "line 7" or "lines 7–9".
func span(noun string, first, last int) string {
	if first == last {
		return fmt.Sprintf("%s %d", noun, first)
	}
	return fmt.Sprintf("%ss %d–%d", noun, first, last)
}
