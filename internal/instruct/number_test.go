package instruct

import (
	"encoding/json"
	"slices"
	"testing"
)

func TestDecimalOf(t *testing.T) {
	for in, want := range map[json.Number]decimal{
		"1234.50": "1234.5", "0": "0", "-0.0": "0", "1e3": "1000", "1.25E-2": "0.0125", "-12": "-12", "100": "100", "0.10": "0.1",
	} {
		if got, ok := decimalOf(in); !ok || got != want {
			t.Errorf("decimalOf(%s) = %q, %v; want %q", in, got, ok, want)
		}
	}
	for _, in := range []json.Number{"1e999999999", "1e-999999999", "", "abc", "1e", "--1"} {
		if got, ok := decimalOf(in); ok {
			t.Errorf("decimalOf(%s) = %q, want none", in, got)
		}
	}
}

func TestFigures(t *testing.T) {
	for _, c := range []struct {
		text string
		want []decimal // values that must be read, firmly
		not  []decimal
	}{
		{"1,234.50", []decimal{"1234.5"}, []decimal{"1.2345", "50"}},
		{"1.234,50", []decimal{"1234.5"}, nil},
		{"1 234,50", []decimal{"1234.5"}, nil},
		{"1'234.50", []decimal{"1234.5"}, nil},
		{"1.234", []decimal{"1234", "1.234"}, nil},
		{"1,234", []decimal{"1234", "1.234"}, nil},
		{"0.125", []decimal{"0.125"}, []decimal{"125"}},
		{"12,5", []decimal{"12.5"}, nil},
		{"1.234.567", []decimal{"1234567"}, nil},
		{"12,34,567.00", []decimal{"1234567"}, nil},
		{"EUR 1,481.40", []decimal{"1481.4"}, nil},
		{"$99", []decimal{"99"}, nil},
		{"19 %", []decimal{"19", "0.19"}, nil},
		{"2.4 million", []decimal{"2.4", "2400000"}, nil},
		{"1,5 Mio. EUR", []decimal{"1500000"}, nil},
		{"3 тыс. руб.", []decimal{"3000"}, nil},
		{"-5.20", []decimal{"-5.2"}, []decimal{"5.2"}},
		{"(5.20)", []decimal{"-5.2"}, nil},
		{"rooms 5-10", []decimal{"5"}, []decimal{"-10"}},
		{"5.3.2026", nil, []decimal{"5.3", "53.2026", "532026"}},
		{"INV-0042", nil, []decimal{"42", "-42"}},
		{"page 3 of 1 200", []decimal{"3", "1200"}, nil},
		{"１２３", []decimal{"123"}, nil},
	} {
		var firm []decimal
		for _, f := range figures(foldText(c.text, asText)) {
			if !f.loose {
				firm = append(firm, f.value)
			}
		}
		for _, want := range c.want {
			if !slices.Contains(firm, want) {
				t.Errorf("%q: %v, want %s among them", c.text, firm, want)
			}
		}
		for _, not := range c.not {
			if slices.Contains(firm, not) {
				t.Errorf("%q: %v, but %s is no reading of it", c.text, firm, not)
			}
		}
	}
}

func TestPointOf(t *testing.T) {
	for text, want := range map[string]point{
		"1.234,50 and 1.234": comma, "12.50 and 1,234": dot, "1.234": unsure, "1.234,50 or 1,234.50": unsure, "1.234.567": comma, "none": unsure,
		"version 1.2.3 on 5.3.2026": unsure,
	} {
		if got := pointOf(figures(foldText(text, asText))); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}

func TestReadNumber(t *testing.T) {
	for _, c := range []struct {
		text  string
		habit point
		want  json.Number
	}{
		{"1,234.50", unsure, "1234.5"}, {"1.234,50 EUR", unsure, "1234.5"}, {"€ 99", unsure, "99"}, {"1.234", unsure, "1234"},
		{"1.234", dot, "1.234"}, {"1,234", comma, "1.234"}, {"20%", unsure, "20"}, {"2.4 million", unsure, "2400000"}, {"-7", unsure, "-7"},
		{"68,5 m²", unsure, "68.5"}, {"12 months", unsure, "12"},
		{"5.3.2026", unsure, ""}, {"INV-7", unsure, ""}, {"between 3 and 5", unsure, ""}, {"30 days after receipt", unsure, ""}, {"", unsure, ""},
	} {
		got, ok := readNumber(c.text, c.habit)
		if got != c.want || ok != (c.want != "") {
			t.Errorf("readNumber(%q, %q) = %s, %v; want %s", c.text, c.habit, got, ok, c.want)
		}
	}
}

func FuzzFigures(f *testing.F) {
	for _, s := range []string{"1.234,50", "1 234 567", "(5)", "1,2,3,4", "12'345.6 mio", "-", "1-2"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		text := foldText(s, asText)
		for _, f := range figures(text) {
			if f.at.start < 0 || f.at.end > len(text) || f.at.start >= f.at.end || !digit(rune(text[f.at.end-1])) {
				t.Fatalf("%q: a figure at %v", text, f.at)
			}
			if _, ok := decimalOf(json.Number(f.value)); !ok {
				t.Fatalf("%q: %q is no number", text, f.value)
			}
		}
		readNumber(s, comma)
	})
}
