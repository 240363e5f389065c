package extract_test

import (
	"testing"

	"github.com/satchel-files/satchel/internal/extract"
)

func TestScripts(t *testing.T) {
	for _, c := range []struct{ text, above, below string }{
		{"2", "²", "₂"},
		{"10-(3+4)=", "¹⁰⁻⁽³⁺⁴⁾⁼", "₁₀₋₍₃₊₄₎₌"},
		{"st", "^(st)", "_(st)"},
		{" n1 ", " ^(n1) ", " _(n1) "},
		{"[1]", "[1]", "[1]"},
		{"®", "®", "®"},
		{"*", "*", "*"},
		{" ", " ", " "},
		{"", "", ""},
		{"1\n2", "1\n2", "1\n2"},
	} {
		if above, below := extract.Superscript(c.text), extract.Subscript(c.text); above != c.above || below != c.below {
			t.Errorf("%q: %q, %q; want %q, %q", c.text, above, below, c.above, c.below)
		}
	}
}
