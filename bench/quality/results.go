package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"
	"text/tabwriter"
)

// head begins bench/QUALITY.md. Each run of a whole half adds a row.
const head = `# How good metadata by a model are

` + "`go run ./bench/quality`" + ` puts the documents and edits of bench/quality/testdata through a model and adds a row. Prompts are tuned on the half
"tune" and judged on the half "report".

- fields: keys that were asked for, also those for which the document has no answer. exact: right to the letter, or rightly left out. near: equal
  but for case, spaces, punctuation, and the forms of numbers and dates. right: exact and near. "with a schema" counts only documents that have one.
- invented: of the values that were written, those for which there is no answer, or which are wrong and do not stand in the text.
- evidence: of the values that stand in the text, those with a quote that was found on its page and holds them.
- edits: changes of existing metadata without any fault. wrong deletions: keys that were removed and should not have been, in documents and edits.

Goals, with a small local model: right ≥ 85 % with a schema, invented ≤ 3 %, evidence ≥ 90 %, no wrong deletions.

| model | half | documents | fields | exact | near | right | right with a schema | invented | evidence | edits | wrong deletions | tokens | s a document |
| --- | --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |
`

// share writes a part of a whole as a percentage.
func share(part, whole int) string {
	if whole == 0 {
		return "-"
	}
	return fmt.Sprintf("%.1f %%", 100*float64(part)/float64(whole))
}

// row is the line of a table for one run.
func row(model string, h half, o outcome) string {
	d := o.documents
	cells := []string{
		model, string(h), fmt.Sprint(d.cases), fmt.Sprint(d.fields), fmt.Sprint(d.exact), fmt.Sprint(d.near), share(d.exact+d.near, d.fields),
		share(o.schemas.exact+o.schemas.near, o.schemas.fields), share(d.invented, d.values), share(d.evidenced, d.standing),
		fmt.Sprintf("%d of %d", o.edits.right, o.edits.cases), fmt.Sprint(d.deleted + o.edits.deleted), fmt.Sprint(o.tokens.Total()),
		fmt.Sprintf("%.1f", o.seconds/float64(max(d.cases, 1))),
	}
	return "| " + strings.Join(cells, " | ") + " |\n"
}

// appendRow adds a line to the results, which it begins if they are not there.
func appendRow(file, line string) error {
	text, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		text, err = []byte(head), nil
	}
	if err != nil {
		return err
	}
	return os.WriteFile(file, append(text, line...), 0o644)
}

// print writes the results for people.
func (o outcome) print(out io.Writer) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	d, e := o.documents, o.edits
	lines := [][2]string{
		{"documents", fmt.Sprintf("%d, %d without a fault, %d failed", d.cases, d.right, d.failed)},
		{"fields", fmt.Sprintf("%d: %d exact, %d near, %d missing", d.fields, d.exact, d.near, d.missing)},
		{"right", share(d.exact+d.near, d.fields) + ", with a schema " + share(o.schemas.exact+o.schemas.near, o.schemas.fields)},
		{"invented", fmt.Sprintf("%d of %d values, %s", d.invented, d.values, share(d.invented, d.values))},
		{"evidence", fmt.Sprintf("%d of %d values that stand in the text, %s", d.evidenced, d.standing, share(d.evidenced, d.standing))},
		{"edits", fmt.Sprintf("%d of %d without a fault, %d failed; %d of their %d values invented", e.right, e.cases, e.failed, e.invented, e.values)},
		{"wrong deletions", fmt.Sprintf("%d, and %d keys changed that had to stay", d.deleted+e.deleted, d.changed+e.changed)},
		{"tokens", fmt.Sprintf("%d read, %d written", o.tokens.Input, o.tokens.Output)},
		{"seconds a document", fmt.Sprintf("%.1f", o.seconds/float64(max(d.cases, 1)))},
	}
	for _, line := range lines {
		_, _ = fmt.Fprintf(w, "%s\t%s\n", line[0], line[1])
	}
	return w.Flush()
}
