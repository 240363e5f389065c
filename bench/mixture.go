//go:build linux

package main

import (
	"fmt"
	"math/rand/v2"
	"strings"

	"github.com/satchel-files/satchel/bench/documents"
)

// share is the part of a mixture that one format has.
type share struct {
	format      string
	of20        int // documents in twenty
	least, most int // pages
	called      string
}

// shares is the mixture: much of what offices have, a little of everything else.
func shares() []share {
	return []share{
		{"pdf", 5, 1, 20, "PDF (%d to %d pages)"}, {"docx", 3, 1, 10, "DOCX (%d to %d pages)"}, {"pptx", 2, 5, 20, "PPTX (%d to %d slides)"},
		{"xlsx", 2, 1, 4, "XLSX (%d to %d sheets)"}, {"html", 2, 1, 5, "HTML (%d to %d pages)"}, {"text", 2, 1, 5, "text (%d to %d pages)"},
		{"markdown", 1, 1, 3, "Markdown (%d to %d)"}, {"csv", 1, 1, 3, "CSV (%d to %d)"}, {"json", 1, 1, 3, "JSON (%d to %d)"}, {"mail", 1, 1, 2, "mail (%d to %d)"},
	}
}

// mixture gives n documents of all formats, in an order in which the formats take turns.
func mixture(n int) []documents.Document {
	var turns []share
	for _, s := range shares() {
		for range s.of20 {
			turns = append(turns, s)
		}
	}
	const stride = 7 // prime to the number of turns
	all := make([]documents.Document, n)
	for i := range all {
		s := turns[i*stride%len(turns)]
		random := rand.New(rand.NewPCG(uint64(i), 1))
		all[i] = documents.Make(s.format, s.least+random.IntN(s.most-s.least+1), uint64(i))
	}
	return all
}

// mixtureInWords says what the mixture is made of.
func (b *bench) mixtureInWords() string {
	var parts []string
	for _, s := range shares() {
		parts = append(parts, fmt.Sprintf("%d %% "+s.called, 5*s.of20, s.least, s.most))
	}
	return strings.Join(parts, ", ") + "."
}
