package instruct

import (
	"strings"
	"testing"
	"unicode/utf8"
)

func TestFold(t *testing.T) {
	for _, c := range []struct {
		name, in string
		form     form
		want     string
	}{
		{"case and spaces", "  Total\t\n DUE ", asText, "total due"},
		{"no-break spaces", "1\u00a0234\u202f567", asText, "1 234 567"},
		{"diacritics", "Žaneta Bērziņa, MÜNCHEN", asText, "zaneta berzina, munchen"},
		{"decomposed", "Mu\u0308nchen", asText, "munchen"},
		{"ligatures and width", "ﬁnal Ｉｎｖｏｉｃｅ", asText, "final invoice"},
		{"sharp s", "Straße, Maß", asText, "strasse, mass"},
		{"final sigma", "ΛΟΓΟΣ λόγος", asText, "λογοσ λογοσ"},
		{"quotes and dashes", "“a” – «b» ’c’", asText, `"a" - "b" 'c'`},
		{"a parted word", "exam-\n  ple and well-known", asText, "example and wellknown"},
		{"soft hyphen", "Donau\u00addampf", asText, "donaudampf"},
		{"a hyphen with numbers", "COVID-19, 5-Mar-26", asText, "covid-19, 5-mar-26"},
		{"marks of Markdown", `**Total** \*x\* | a_b |`, asText, "total x ab"},
		{"footnotes", "1,234² m²", asText, "1,234 m"},
		{"Japanese across lines", "東京\n都", asText, "東京都"},
		{"a mark that is half of a letter", "がか", asText, "か\u3099か"},
		{"words", "Main St. 5, (Riga)", asWords, "main st 5 riga"},
		{"a code", "LV80 BANK-0000/4351", asCode, "lv80bank00004351"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := foldText(c.in, c.form); got != c.want {
				t.Errorf("fold(%q) = %q, want %q", c.in, got, c.want)
			}
		})
	}
}

func TestOccurrencesAreWholeWords(t *testing.T) {
	for _, c := range []struct {
		text, needle string
		want         []string
	}{
		{"in 2012 and 12 more", "12", []string{"12"}},
		{"1.5 and 5", "5", []string{"5"}},
		{"costs 5.", "5", []string{"5"}},
		{"Annabel, ANNA", "anna", []string{"ANNA"}},
		{"the exam-\nple here", "example", []string{"exam-\nple"}},
		{"在東京都内", "東京", []string{"東京"}},
		{"ﬁ nal ﬁne", "fine", []string{"ﬁne"}},
		{"Mu\u0308nchen", "munchen", []string{"Mu\u0308nchen"}},
		{"nothing", "", nil},
	} {
		var got []string
		for _, s := range fold(c.text, asText).occurrences(c.text, c.needle, 10) {
			got = append(got, c.text[s.start:s.end])
		}
		if strings.Join(got, "|") != strings.Join(c.want, "|") {
			t.Errorf("%q in %q: %q, want %q", c.needle, c.text, got, c.want)
		}
	}
}

func FuzzFold(f *testing.F) {
	for _, s := range []string{"a-\nb", "Mu\u0308\u00ad’", "東 京|", "\xff\xe2\x82", "5²", "ﬁ_*"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		for form := range forms {
			got := fold(s, form)
			if len(got.text) != len(got.from) || len(got.text) != len(got.to) || !utf8.ValidString(got.text) {
				t.Fatalf("%d bytes of %q lead back from %d, to %d", len(got.text), got.text, len(got.from), len(got.to))
			}
			last := int32(0)
			for i := range got.from {
				if got.from[i] < last || got.to[i] <= got.from[i] || int(got.to[i]) > len(s) {
					t.Fatalf("%q: byte %d comes from %d to %d", s, i, got.from[i], got.to[i])
				}
				last = got.from[i]
			}
			if again := foldText(got.text, form); form == asCode && again != got.text {
				t.Fatalf("folded twice: %q, then %q", got.text, again)
			}
		}
	})
}
