package office

import (
	"cmp"
	"strings"

	"github.com/satchel-files/satchel/internal/extract"
)

// Marks stand in text that is on its way to a page. XML cannot hold these characters, so no document can forge one.
const (
	pageBreak = "\f"   // the page ends here
	noteOpen  = "\x01" // the key of a note follows
	noteClose = "\x02"
)

const bullet = "-" // the label of a list item without a number

// kind is what a block is.
type kind int

const (
	paragraph kind = iota
	heading        // level from 1
	item           // of a list: level from 0; without a label it goes on with the item before
	tabular
)

// block is a piece of text that stands by itself.
type block struct {
	kind  kind
	level int
	label string // the number of a list item, a heading or a paragraph, as the document shows it; bullet; or nothing
	text  string
	table *grid
}

// sink takes blocks in reading order.
type sink interface{ put(b block) error }

// shelf is a sink that keeps blocks for later.
type shelf struct {
	*meter
	blocks []block
}

func (s *shelf) put(b block) error {
	const overhead = 64
	s.blocks = append(s.blocks, b)
	return s.hold(overhead + len(b.text))
}

// replay puts all blocks into another sink.
func (s *shelf) replay(to sink) error {
	for _, b := range s.blocks {
		if err := to.put(b); err != nil {
			return err
		}
	}
	return nil
}

// flat gives all text in one piece, as a table's cell wants it.
func (s *shelf) flat() string {
	var b strings.Builder
	for i, one := range s.blocks {
		if i > 0 {
			b.WriteByte('\n')
		}
		switch {
		case one.table != nil:
			one.table.flat(&b)
		case one.label != "" && one.label != bullet:
			b.WriteString(one.label + " " + one.text)
		default:
			b.WriteString(one.text)
		}
	}
	return b.String()
}

// paper is a sink that writes Markdown, page by page.
type paper struct {
	*meter
	out   extract.Output
	buf   strings.Builder  // the page under way
	last  kind             // of the block written last
	lists []int            // levels of the list items under way, each deeper than the one before
	notes map[string]*note // by key
	under []*note          // those for the end of the page under way
	late  []*note          // those for the end of the document
	spoke []*note          // comments on the page under way
	foot  *shelf           // what stands at the end of the first page
}

// note is a footnote, an endnote or a comment. It is printed at the end of the page that first names it, or of the document.
type note struct {
	label   string // what the text calls it
	text    string
	late    bool
	comment bool // the text does not show it, and label is its author
	printed bool
}

func newPaper(m *meter, out extract.Output) *paper {
	return &paper{meter: m, out: out, notes: map[string]*note{}, foot: &shelf{meter: m}}
}

// put writes a block. Each page break in its text ends a page; what follows it is a plain paragraph of the next one.
func (p *paper) put(b block) error {
	for {
		text, rest, broken := strings.Cut(b.text, pageBreak)
		b.text = strings.TrimSpace(text)
		if err := p.write(b); err != nil || !broken {
			return err
		}
		if err := p.end(""); err != nil {
			return err
		}
		if b.text != "" { // what stands before the text of a block does not part it from its label
			b = block{}
		}
		b.text = rest
	}
}

func (p *paper) write(b block) error {
	if b.text == "" && b.table.empty() {
		return nil
	}
	if strings.HasPrefix(b.text, noteOpen) && p.cite(b.text) == "" {
		return nil // a comment on what has no text
	}
	if b.kind == item && b.label == "" && len(p.lists) == 0 {
		b.kind = paragraph // there is nothing to go on with
	}
	if p.buf.Len() > 0 {
		p.buf.WriteByte('\n')
		if b.kind != item || p.last != item || b.label == "" {
			p.buf.WriteByte('\n')
		}
	}
	if b.kind != item {
		p.lists = p.lists[:0]
	}
	before := p.buf.Len()
	var err error
	switch b.kind {
	case heading:
		p.buf.WriteString(strings.Repeat("#", min(max(b.level, 1), 6)) + " ")
		p.line(b.label, b.text, " ")
	case item:
		indent := strings.Repeat("    ", p.depth(b))
		p.buf.WriteString(indent)
		p.line(b.label, b.text, "\n"+indent+"  ")
	case tabular:
		err = b.table.write(p)
	default:
		p.line(b.label, b.text, "\n")
	}
	p.last = b.kind
	return cmp.Or(err, p.hold(p.buf.Len()-before))
}

// line writes text behind its label; newline is what stands for a line break.
func (p *paper) line(label, text, newline string) {
	if label != "" {
		p.buf.WriteString(label + " ")
	}
	p.buf.WriteString(strings.ReplaceAll(p.cite(text), "\n", newline))
}

// depth says how many items a list item is inside of; one without a label is inside of the one that it goes on with.
func (p *paper) depth(b block) int {
	n := len(p.lists)
	for n > 0 && (p.lists[n-1] > b.level || p.lists[n-1] == b.level && b.label != "") {
		n--
	}
	if b.label != "" {
		p.lists = append(p.lists[:n], b.level)
	}
	return n
}

// cite replaces the marks of notes with their labels, and has each note printed once.
func (p *paper) cite(text string) string {
	before, rest, found := strings.Cut(text, noteOpen)
	if !found {
		return text
	}
	var b strings.Builder
	for found {
		b.WriteString(before)
		var key string
		key, rest, _ = strings.Cut(rest, noteClose)
		b.WriteString(p.name(key))
		before, rest, found = strings.Cut(rest, noteOpen)
	}
	b.WriteString(before)
	return b.String()
}

func (p *paper) name(key string) string {
	n := p.notes[key]
	if n == nil {
		return ""
	}
	if !n.printed {
		n.printed = true
		switch {
		case n.comment:
			p.spoke = append(p.spoke, n)
		case n.late:
			p.late = append(p.late, n)
		default:
			p.under = append(p.under, n)
		}
	}
	if n.comment {
		return ""
	}
	return "[^" + n.label + "]"
}

// end hands out the page under way.
func (p *paper) end(label string) error {
	if p.finished == 0 {
		if err := p.foot.replay(p); err != nil {
			return err
		}
	}
	p.print(p.under)
	if err := p.say(p.spoke); err != nil {
		return err
	}
	p.spoke = p.spoke[:0]
	p.under, p.lists, p.last = p.under[:0], p.lists[:0], paragraph
	text := p.buf.String()
	p.buf.Reset()
	if err := p.turn(len(text)); err != nil {
		return err
	}
	return p.out.Page(extract.Page{Label: label, Text: text})
}

// finish hands out the last page, with the notes for the end of the document. A document without text has no page.
func (p *paper) finish() error {
	if p.finished == 0 && p.buf.Len() == 0 && len(p.foot.blocks) == 0 {
		return nil
	}
	p.under = append(p.under, p.late...)
	return p.end("")
}

// print writes notes, each on a line of its own, as Markdown has them.
func (p *paper) print(notes []*note) {
	for i, n := range notes {
		if p.buf.Len() > 0 {
			p.buf.WriteByte('\n')
		}
		if i == 0 && p.buf.Len() > 0 {
			p.buf.WriteByte('\n')
		}
		p.buf.WriteString("[^" + n.label + "]: " + strings.Join(strings.Fields(n.text), " "))
	}
}

// say writes comments, each on a line of its own behind the name of its author.
func (p *paper) say(comments []*note) error {
	var lines []string
	for _, n := range comments {
		if text := oneLine(n.text); text != "" {
			lines = append(lines, remark(n.label, text))
		}
	}
	return p.put(block{text: strings.Join(lines, "\n")})
}

// remark writes what somebody said of a document.
func remark(author, text string) string {
	if author == "" {
		return text
	}
	return author + ": " + text
}

// trimLines takes the spaces at the ends of lines away.
func trimLines(text string) string {
	lines := strings.Split(text, "\n")
	for i := range lines {
		lines[i] = strings.TrimRight(lines[i], " \t")
	}
	return strings.Join(lines, "\n")
}

// tidy makes text of a document fit for a page: valid UTF-8, no control characters but tab and newline, and no soft hyphens.
func tidy(text string) string {
	text = strings.ToValidUTF8(text, "\ufffd")
	unfit := func(r rune) bool {
		return r < ' ' && r != '\t' && r != '\n' || r == 0x7f || r == '\u00ad' || r == '\ufeff'
	}
	if strings.IndexFunc(text, unfit) < 0 {
		return text
	}
	text = strings.ReplaceAll(text, "\r\n", "\n")
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\r':
			return '\n'
		case unfit(r):
			return -1
		}
		return r
	}, text)
}

// page hands out a page whose text is there as a whole.
func (p *paper) page(label, text string) error {
	if err := p.turn(len(text)); err != nil {
		return err
	}
	return p.out.Page(extract.Page{Label: label, Text: text})
}
