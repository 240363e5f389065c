//go:build linux

package main

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"
)

// document is a file of results: a head, a section for each measure, and notes.
type document struct {
	head     string
	sections []section
	notes    string
}

type section struct{ title, text string }

const (
	heading      = "\n## "
	notesHeading = "What the figures mean"
)

// split reads a file of results, "" for none.
func split(text string) (d document) {
	parts := strings.Split(text, heading)
	d.head = parts[0]
	for i, part := range parts[1:] {
		title, _, _ := strings.Cut(part, "\n")
		if title == notesHeading {
			d.notes = heading[1:] + strings.Join(parts[1+i:], heading)
			break
		}
		d.sections = append(d.sections, section{title, heading + part})
	}
	return d
}

// put sets the section of a measure in the place of the one before, if there is one, and else behind all others.
func (d *document) put(t *table) {
	var s strings.Builder
	t.write(&s)
	now := section{t.title, s.String()}
	at := slices.IndexFunc(d.sections, func(s section) bool { return s.title == t.title })
	if at < 0 {
		d.sections = append(d.sections, now)
		return
	}
	d.sections[at] = now
}

// text gives the file, with all goals counted.
func (d document) text() string {
	var body strings.Builder
	for _, s := range d.sections {
		body.WriteString(s.text)
	}
	counted := fmt.Sprintf("- Goals: %d met, %d missed.\n", strings.Count(body.String(), "| met |\n"), strings.Count(body.String(), "| **missed** |\n"))
	head := regexp.MustCompile(`(?m)^- Goals: .*\n`).ReplaceAllLiteralString(d.head, "") + counted
	if d.notes == "" {
		return head + body.String()
	}
	return head + body.String() + "\n" + d.notes
}

// keep takes over a section that is not there.
func (d *document) keep(from document, title string) {
	is := func(s section) bool { return s.title == title }
	if at := slices.IndexFunc(from.sections, is); at >= 0 && !slices.ContainsFunc(d.sections, is) {
		d.sections = append(d.sections, from.sections[at])
	}
}

// lasting lists what stays in the results when everything else is measured anew: what takes so long that it is measured by itself.
func (b *bench) lasting() []measure {
	if b.quick || b.only.String() != "" {
		return nil
	}
	return b.largest()
}

// origin says where the figures of a section come from that were measured by themselves.
func (b *bench) origin() string {
	return fmt.Sprintf("Measured by itself on %s, in %d rounds: %s; %s.", time.Now().UTC().Format(time.DateOnly), b.rounds, b.versions(context.Background()), b.machine())
}
