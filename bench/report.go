//go:build linux

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// table is a measure with what came out.
type table struct {
	measure
	order  []string // of the contestants
	values map[string][]float64
}

// goal is a bound on a contestant's value, or on its ratio to another's in the same round.
type goal struct {
	of, against string // against is empty for a bound on the value itself
	or          string // another one to be held against: the lesser of the two counts
	bound       float64
	most        bool    // the bound is the most; else the least
	floor       float64 // what the other's value counts at least
}

func atLeast(of string, bound float64, against string) goal {
	return goal{of: of, against: against, bound: bound}
}

// atLeastOfLesser is atLeast where one of two limits each, whichever is less.
func atLeastOfLesser(of string, bound float64, one, other string) goal {
	return goal{of: of, against: one, or: other, bound: bound}
}

func atMost(of string, bound float64, against string) goal {
	return goal{of: of, against: against, bound: bound, most: true}
}

// atMostOr is atMost for two values of which small ones are no matter: whatever is at most enough is right.
func atMostOr(of string, bound float64, against string, enough float64) goal {
	return goal{of: of, against: against, bound: bound, most: true, floor: enough / bound}
}

func under(of string, bound float64) goal { return goal{of: of, bound: bound, most: true} }

// outcome gives what a goal's bound is held against, round by round; none if one of the two did not take part.
func (t *table) outcome(g goal) []float64 {
	values := t.values[g.of]
	if g.against == "" {
		return values
	}
	others := t.others(g)
	ratios := make([]float64, 0, len(values))
	for i := range min(len(values), len(others)) {
		ratios = append(ratios, values[i]/max(others[i], g.floor))
	}
	return ratios
}

// others gives the values that a goal's are divided by.
func (t *table) others(g goal) []float64 {
	first := t.values[g.against]
	if g.or == "" {
		return first
	}
	second := t.values[g.or]
	lesser := make([]float64, min(len(first), len(second)))
	for i := range lesser {
		lesser[i] = min(first[i], second[i])
	}
	return lesser
}

// met tells whether the median keeps the bound; a bound on a value must not be reached, one on a ratio may.
func (g goal) met(outcome []float64) bool {
	m := median(outcome)
	switch {
	case g.against == "":
		return m < g.bound
	case g.most:
		return m <= g.bound
	}
	return m >= g.bound
}

// text says the goal in words.
func (g goal) text(unit string) string {
	switch {
	case g.against == "":
		return fmt.Sprintf("%s: < %s", g.of, format(g.bound, unit))
	case g.or != "":
		return fmt.Sprintf("%s: ≥ %.4g × the lesser of %s and %s", g.of, g.bound, g.against, g.or)
	case g.floor > 0:
		return fmt.Sprintf("%s: ≤ %.4g × %s, or ≤ %s", g.of, g.bound, g.against, format(g.bound*g.floor, unit))
	case g.most:
		return fmt.Sprintf("%s: ≤ %.4g × %s", g.of, g.bound, g.against)
	}
	return fmt.Sprintf("%s: ≥ %.4g × %s", g.of, g.bound, g.against)
}

func format(v float64, unit string) string {
	switch {
	case v >= 100:
		return fmt.Sprintf("%.0f %s", v, unit)
	case v >= 10:
		return fmt.Sprintf("%.1f %s", v, unit)
	}
	return fmt.Sprintf("%.2f %s", v, unit)
}

// write gives the results to a file, or to out.
func (b *bench) write(tables []*table, out io.Writer) error {
	path := b.out
	if !filepath.IsAbs(path) {
		path = filepath.Join(b.root, path)
	}
	text, err := b.results(path, tables)
	if err != nil {
		return err
	}
	if b.out == "" {
		_, err := io.WriteString(out, text)
		return err
	}
	b.say("writing %s", b.out)
	return os.WriteFile(path, []byte(text), 0o644)
}

// results gives all that the file says then, with what stays of it.
func (b *bench) results(path string, tables []*table) (string, error) {
	old, err := os.ReadFile(path)
	if b.out == "" || errors.Is(err, fs.ErrNotExist) && !b.update {
		old, err = nil, nil
	}
	if err != nil {
		return "", fmt.Errorf("the results so far: %w", err)
	}
	was := split(string(old))
	now := was
	if !b.update {
		now = document{head: b.preamble()}
	}
	for _, t := range tables {
		if b.update {
			t.note = strings.TrimSpace(b.origin() + " " + t.note)
		}
		now.put(t)
	}
	for _, m := range b.lasting() {
		now.keep(was, m.title)
	}
	now.notes, err = b.notes()
	return now.text(), err
}

func (b *bench) preamble() string {
	var s strings.Builder
	fmt.Fprintf(&s, "# Results of the bench\n\nMade by `make bench` on %s.\n\n", time.Now().UTC().Format(time.DateOnly))
	fmt.Fprintf(&s, "- Machine: %s. Client and servers share it.\n", b.machine())
	fmt.Fprintf(&s, "- Versions: %s.\n", b.versions(context.Background()))
	fmt.Fprintf(&s, "- Method: one client for all, over loopback, connections kept open. A first round is thrown away, %d %s; the order of "+
		"those that are compared rotates from round to round, and the disk is written out before every turn. A ratio is the median of the "+
		"ratios of the rounds.\n", b.rounds, map[bool]string{true: "counts", false: "count"}[b.rounds == 1])
	if b.quick {
		s.WriteString("- **Small sizes: these figures only show that the bench works.**\n")
	}
	return s.String()
}

func (t *table) write(s *strings.Builder) {
	fmt.Fprintf(s, "\n## %s\n\n", t.title)
	if t.note != "" {
		fmt.Fprintf(s, "%s\n\n", t.note)
	}
	s.WriteString("| | median | least | most |\n| --- | ---: | ---: | ---: |\n")
	for _, name := range t.order {
		v := t.values[name]
		fmt.Fprintf(s, "| %s | %s | %s | %s |\n", name, format(median(v), t.unit), format(slices.Min(v), t.unit), format(slices.Max(v), t.unit))
	}
	if len(t.goals) == 0 {
		return
	}
	s.WriteString("\n| goal | result | |\n| --- | --- | --- |\n")
	for _, g := range t.goals {
		outcome := t.outcome(g)
		if len(outcome) == 0 {
			fmt.Fprintf(s, "| %s | – | not measured |\n", g.text(t.unit))
			continue
		}
		fmt.Fprintf(s, "| %s | %s | %s |\n", g.text(t.unit), g.result(outcome, t.unit), g.verdict(outcome))
	}
}

func (g goal) result(outcome []float64, unit string) string {
	switch {
	case g.against == "":
		return format(median(outcome), unit)
	case g.floor > 0:
		return fmt.Sprintf("%.0f %% of what is allowed (%.0f to %.0f)", 100*median(outcome)/g.bound, 100*slices.Min(outcome)/g.bound, 100*slices.Max(outcome)/g.bound)
	}
	return fmt.Sprintf("%.2f × (%.2f to %.2f)", median(outcome), slices.Min(outcome), slices.Max(outcome))
}

func (g goal) verdict(outcome []float64) string {
	if g.met(outcome) {
		return "met"
	}
	return "**missed**"
}

// notes gives what people have to say about the results.
func (b *bench) notes() (string, error) {
	text, err := os.ReadFile(filepath.Join(b.root, "bench", "NOTES.md"))
	if errors.Is(err, fs.ErrNotExist) {
		return "", nil
	}
	return string(text), err
}
