package main

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"
)

// goal is how much of what others find we must find too.
const goal = 0.99

// few is how many documents are named as examples, and tokens of each.
const few = 5

const intro = `# How much of the text is found

` + "`go run ./bench/fidelity`" + ` compares the words and the numbers that Satchel finds in the documents of scripts/corpus with those that other programs
find, each as often as it stands there. Recall is how much of theirs is in our text, precision how much of ours is in theirs: text boxes, notes
and footnotes that only one of the two gives, too. A document in which the other program finds nothing is left out. The time is that of all
documents divided by their pages, in this run: ours through the process that reads documents, theirs with the start of their program, which
LibreOffice does once for many documents.

Goal: recall ≥ 0.99, on at least 20 documents a format.

| format | documents | compared with | words: recall | precision | numbers: recall | precision | ms a page | theirs | goal |
| --- | ---: | --- | ---: | ---: | ---: | ---: | ---: | ---: | --- |
`

func render(tables []table) string {
	var b strings.Builder
	b.WriteString(intro)
	for _, t := range tables {
		b.WriteString(t.row())
	}
	b.WriteString("\n## The worst documents\n")
	for _, t := range tables {
		b.WriteString(t.worst())
	}
	return b.String()
}

// sums adds up the documents of a format.
func (t table) sums() (words, numbers share) {
	for _, d := range t.documents {
		words, numbers = words.add(d.words), numbers.add(d.numbers)
	}
	return words, numbers
}

func (t table) row() string {
	words, numbers := t.sums()
	met := "missed"
	if words.recall() >= goal && numbers.recall() >= goal && len(t.documents) >= 20 {
		met = "kept"
	}
	return fmt.Sprintf("| %s | %d | %s | %.4f | %.4f | %.4f | %.4f | %s | %s | %s |\n", t.name, len(t.documents), t.other,
		words.recall(), words.precision(), numbers.recall(), numbers.precision(), perPage(t.ours, t.pages), perPage(t.theirs, t.pages), met)
}

func perPage(d time.Duration, pages int) string {
	return fmt.Sprintf("%.1f", float64(d.Microseconds())/1000/float64(max(pages, 1)))
}

// worst names the documents in which most is missing, and those in which we find most that the other program does not, counted in tokens.
func (t table) worst() string {
	missing := func(c comparison) int { return c.words.theirs - c.words.common + c.numbers.theirs - c.numbers.common }
	added := func(c comparison) int { return c.words.ours - c.words.common + c.numbers.ours - c.numbers.common }
	worst, richest := most(t.documents, missing), most(t.documents, added)
	var b strings.Builder
	fmt.Fprintf(&b, "\n### %s\n\n%d of %d documents have all that the other program finds; in %d others it finds nothing.\n\n",
		t.name, len(t.documents)-len(worst), len(t.documents), t.skipped)
	for _, c := range worst[:min(few, len(worst))] {
		fmt.Fprintf(&b, "- %s: %d of %d words, %d of %d numbers; ", c.path, c.words.common, c.words.theirs, c.numbers.common, c.numbers.theirs)
		if c.err != nil {
			fmt.Fprintf(&b, "%s\n", c.err)
			continue
		}
		fmt.Fprintf(&b, "missing are %s\n", tokens(c.missing))
	}
	for _, c := range richest[:min(few, len(richest))] {
		fmt.Fprintf(&b, "- only we find %d tokens of %s, such as %s\n", added(c), c.path, tokens(c.added))
	}
	return b.String()
}

// most gives the documents of which there is something, the largest first.
func most(documents []comparison, of func(comparison) int) []comparison {
	all := slices.DeleteFunc(slices.Clone(documents), func(c comparison) bool { return of(c) == 0 })
	slices.SortStableFunc(all, func(a, b comparison) int { return cmp.Compare(of(b), of(a)) })
	return all
}

func tokens(all []string) string {
	some := all[:min(few, len(all))]
	return "`" + strings.ReplaceAll(strings.Join(some, " "), "`", "'") + "`"
}
