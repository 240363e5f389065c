package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/satchel-files/satchel/internal/daemon"
)

// TestMain runs the tests, or is the process that reads documents for them.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && (os.Args[1] == daemon.ExtractCommand || os.Args[1] == prepareCommand) {
		if err := start(context.Background(), os.Args[1:], os.Stdout, os.Stderr); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

func TestTokens(t *testing.T) {
	const text = "Die Größe: 1.234,50 € (netto), ﬁx co\u00adop 12, 12 – 2024-10-09. Größe é"
	if got, want := wordsIn(text), (bag{"die": 1, "größe": 2, "netto": 1, "fix": 1, "coop": 1, "é": 1}); !maps.Equal(got, want) {
		t.Errorf("words %v, want %v", got, want)
	}
	if got, want := numbersIn(text), (bag{"1.234,50": 1, "12": 2, "2024": 1, "10": 1, "09": 1}); !maps.Equal(got, want) {
		t.Errorf("numbers %v, want %v", got, want)
	}
}

func TestShares(t *testing.T) {
	ours, theirs := bag{"a": 2, "b": 1, "long": 1}, bag{"a": 1, "b": 3, "c": 1, "longer": 1}
	s := compareBags(ours, theirs)
	if s != (share{common: 2, ours: 4, theirs: 6}) || s.recall() != 2./6 || s.precision() != 2./4 {
		t.Errorf("%+v %v %v", s, s.recall(), s.precision())
	}
	if got := theirs.without(ours); !slices.Equal(got, []string{"longer", "b", "c"}) {
		t.Errorf("missing %v", got)
	}
	if nothing := (share{}); nothing.recall() != 1 || nothing.precision() != 1 {
		t.Error("of nothing it is all")
	}
}

func TestTextsOfBoth(t *testing.T) {
	if got := strings.Fields(htmlText("<html><head><title>no</title></head><body>a<b>&amp;b</b></body></html>")); !slices.Equal(got, []string{"a", "&b"}) {
		t.Errorf("%q", got)
	}
	if got := ourText(`see [the list](https://a.example/b?c=1) and 3\.5 [x]`); got != "see [the list] and 3.5 [x]" {
		t.Errorf("%q", got)
	}
}

func TestReport(t *testing.T) {
	many := func(n int, c comparison) []comparison { return slices.Repeat([]comparison{c}, n) }
	good := compareTexts("good.pdf", "one two 3", "one two 3", nil)
	bad := compareTexts("bad.pdf", "one", "one two 3 4", nil)
	lost := compareTexts("lost.pdf", "", "one two", errors.New("it is encrypted"))
	for name, c := range map[string]struct {
		documents []comparison
		says      []string
	}{
		"all is there": {many(20, good), []string{"| pdf | 20 | other | 1.0000 | 1.0000 | 1.0000 | 1.0000 | 2.0 | 4.0 | kept |", "20 of 20 documents have all"}},
		"too few":      {many(19, good), []string{"| missed |"}},
		"too little":   {append(many(20, good), bad), []string{"| 0.9762 | 1.0000 | 0.9091 |", "| missed |", "- bad.pdf: 1 of 2 words, 0 of 2 numbers; missing are `two 3 4`"}},
		"an error":     {append(many(20, good), lost), []string{"- lost.pdf: 0 of 2 words, 0 of 0 numbers; it is encrypted"}},
	} {
		got := render([]table{{format: format{name: "pdf", other: "other"}, documents: c.documents, pages: 50, ours: 100 * time.Millisecond, theirs: 200 * time.Millisecond}})
		for _, says := range c.says {
			if !strings.Contains(got, says) {
				t.Errorf("%s: no %q in\n%s", name, says, got)
			}
		}
	}
}

// A short run with the real programs: each format is read by both sides, and what our own texts say is found.
func TestShortRun(t *testing.T) {
	var out, progress bytes.Buffer
	err := start(t.Context(), []string{"-root", "../..", "-limit", "2", "-only", "^(pdf|pptx|xlsx)$"}, &out, &progress)
	if err != nil {
		t.Fatalf("%v\n%s", err, &progress)
	}
	for _, name := range []string{"pdf", "xlsx", "pptx"} {
		if !strings.Contains(out.String(), "\n| "+name+" | 2 | ") && !strings.Contains(out.String(), "\n| "+name+" | 1 | ") {
			t.Errorf("no row for %s in\n%s", name, &out)
		}
	}
}
