package text

import (
	"bytes"
	"context"
	"encoding/csv"
	"io"
	"regexp"
	"strings"
)

// Limits of a table.
const (
	maxColumns = 64      // of one that becomes Markdown
	maxHeading = 4 << 10 // bytes of a first row that stands above every page
)

// table gives a short CSV as a Markdown table, and a long one as it stands, with the first row above every page.
func (p pager) table(ctx context.Context, r io.Reader, tabs bool) error {
	head, all, err := short(r, maxTable)
	if err != nil {
		return err
	}
	comma := '\t'
	if !tabs {
		head, comma = separator(head)
	}
	if all != nil {
		return p.pages(ctx, all, &rowMarks{comma: byte(comma), fresh: true})
	}
	if table, ok := markdownTable(head, comma); ok {
		return p.page(ctx, table)
	}
	return p.page(ctx, head)
}

var separatorLine = regexp.MustCompile(`^sep=([,;|\t])\n`)

// separator finds what stands between the fields: what a first line for spreadsheet programs says, which is taken away, else what is in
// the first lines equally often, else what is in them most often.
func separator(text string) (rest string, comma rune) {
	if match := separatorLine.FindStringSubmatch(text); match != nil {
		return text[len(match[0]):], rune(match[1][0])
	}
	comma, best := ',', 0
	for _, c := range []rune{',', ';', '\t', '|'} {
		if score := evenness(text, c); score > best {
			comma, best = c, score
		}
	}
	return text, comma
}

// evenness is how often a separator is in the first lines; many times as much if it is equally often in each.
func evenness(text string, comma rune) int {
	const lines, even = 10, 1 << 20
	seen, total, equal := 0, 0, true
	for line := range strings.Lines(text) {
		if line = strings.TrimSpace(line); line == "" {
			continue
		}
		n := strings.Count(line, string(comma))
		equal = equal && (seen == 0 || n*seen == total)
		if seen, total = seen+1, total+n; seen == lines {
			break
		}
	}
	if equal {
		return total * even
	}
	return total
}

// markdownTable writes a CSV as a table, unless it has one column, or too many, or is none.
func markdownTable(text string, comma rune) (table string, ok bool) {
	r := csv.NewReader(strings.NewReader(text))
	r.Comma, r.LazyQuotes, r.FieldsPerRecord = comma, true, -1
	rows, err := r.ReadAll()
	if err != nil || len(rows) == 0 {
		return "", false
	}
	columns := 0
	for _, row := range rows {
		columns = max(columns, len(row))
	}
	if columns < 2 || columns > maxColumns {
		return "", false
	}
	var b strings.Builder
	writeRow(&b, append(rows[0], make([]string, columns-len(rows[0]))...))
	b.WriteString("|" + strings.Repeat(" --- |", columns) + "\n")
	for _, row := range rows[1:] {
		writeRow(&b, row)
	}
	return b.String(), true
}

// writeRow writes a row of a Markdown table. A row may have fewer cells than the first.
func writeRow(b *strings.Builder, cells []string) {
	b.WriteByte('|')
	for _, cell := range cells {
		cell = strings.ReplaceAll(strings.Join(strings.Fields(cell), " "), "|", `\|`)
		b.WriteString(" " + cell)
		if cell != "" {
			b.WriteByte(' ')
		}
		b.WriteByte('|')
	}
	b.WriteByte('\n')
}

// rowMarks cut a CSV between two rows. A row can go on over several lines within quotes.
type rowMarks struct {
	comma   byte
	heading bytes.Buffer // the first row
	rows    int          // that have ended, the first one too
	given   int          // on the pages before
	quoted  bool         // the text is within quotes
	fresh   bool         // a quote would open
}

// Fit implements Marks.
func (m *rowMarks) Fit([]byte) Fit {
	if m.quoted || !m.fresh {
		return Inside
	}
	return Possible
}

// Take implements Marks.
func (m *rowMarks) Take(line []byte) {
	if m.rows == 0 && separatorLine.Match(line) {
		return
	}
	if m.rows == 0 && m.heading.Len() <= maxHeading {
		m.heading.Write(line)
	}
	for _, b := range line {
		switch {
		case b == '"' && m.quoted:
			m.quoted, m.fresh = false, true // two quotes are one in the text: the second opens again
		case b == '"':
			m.quoted = m.fresh
		case !m.quoted:
			m.fresh = b == m.comma || b == '\n'
		}
	}
	if !m.quoted && line[len(line)-1] == '\n' {
		m.rows++
	}
}

// End implements Marks.
func (m *rowMarks) End() (label, head string) {
	m.quoted, m.fresh = false, true // a quote that nobody closes does not hold up the text forever
	first, last := max(m.given, 1), max(m.rows-1, m.given, 1)
	if m.given > 0 && m.heading.Len() <= maxHeading {
		head = m.heading.String()
	}
	m.given = last + 1
	return span("row", first, last), head
}
