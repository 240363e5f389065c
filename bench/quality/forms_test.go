package main

import (
	"encoding/json"
	"slices"
	"testing"
)

func TestReadings(t *testing.T) {
	for written, want := range map[string][]string{
		"1.234":      {"1.234", "1234"},
		"1,234":      {"1.234", "1234"},
		"12.480,50":  {"12480.5"},
		"1,234.50":   {"1234.5"},
		"1 094,50":   {"1094.5"},
		"1.234.567":  {"1234567"},
		"0,15":       {"0.15"},
		"2025":       {"2025"},
		"-3.5":       {"-3.5"},
		"41'700":     {"41700"},
		"1.2.3":      nil, // a version
		"10.99999":   {"10.99999"},
		"1.234,5678": {"1234.5678"},
	} {
		if got := readings(written); !slices.Equal(got, want) {
			t.Errorf("%s is read as %v, want %v", written, got, want)
		}
	}
}

func TestDates(t *testing.T) {
	for text, want := range map[string][]string{
		"17 April 2025":                {"2025-04-17"},
		"on April 17th, 2025.":         {"2025-04-17"},
		"am 09.10.2024":                {"2024-09-10", "2024-10-09"},
		"24. 6. 2025":                  {"2025-06-24"},
		"31.12.2024":                   {"2024-12-31"},
		"16. September 2024":           {"2024-09-16"},
		"le 1er août 2024":             {"2024-08-01"},
		"14 de julio de 2025":          {"2025-07-14"},
		"7 de janeiro de 2025":         {"2025-01-07"},
		"30 maggio 2025":               {"2025-05-30"},
		"3 juni 2025":                  {"2025-06-03"},
		"2025. gada 4. marts":          {"2025-03-04"},
		"14 августа 2025 г.":           {"2025-08-14"},
		"8 lipca 2024":                 {"2024-07-08"},
		"03 MAY 2025":                  {"2025-05-03"},
		"2025-02-30 is no day":         {},
		"from 2025-01-02 to 3.1.2025.": {"2025-01-02", "2025-01-03", "2025-03-01"},
		"room 12, 2025 chairs":         {},
	} {
		if got := datesIn(text); !slices.Equal(got, want) && len(got)+len(want) > 0 {
			t.Errorf("%q has the dates %v, want %v", text, got, want)
		}
	}
}

func TestStands(t *testing.T) {
	const text = "Rechnung Nr. 2024/1187 vom 09.10.2024: 84 m²  9.660,00 € an Ströbel & Sohn, 14 1.234 Stück, Ёлкин"
	for _, c := range []struct {
		value any
		want  bool
	}{
		{"2024/1187", true},
		{"ströbel  &  SOHN", true},
		{"Ströbel", true},
		{"Übelhör", false},
		{"2024-10-09", true},
		{"2024-10-08", false},
		{json.Number("9660"), true},
		{json.Number("9660.00"), true},
		{json.Number("966"), false},
		{json.Number("14"), true},
		{json.Number("1234"), true},
		{"Елкин", true},
		{"", false},
		{"…", false},
		{true, false},
		{[]any{"Ströbel", "Sohn"}, true},
		{[]any{"Ströbel", "Tochter"}, false},
		{[]any{}, false},
		{map[string]any{"number": "2024/1187"}, true},
	} {
		if got := stands(c.value, text); got != c.want {
			t.Errorf("%v stands: %v, want %v", c.value, got, c.want)
		}
	}
}

func TestCompare(t *testing.T) {
	number := func(text string) json.Number { return json.Number(text) }
	for name, c := range map[string]struct {
		want want
		got  any
		fits match
	}{
		"the same":                    {want{Expect: "HS-1"}, "HS-1", exact},
		"another form that is good":   {want{Expect: "Halloran Ltd", Also: []any{"Halloran"}}, "Halloran", exact},
		"case and punctuation":        {want{Expect: "Halloran Ltd"}, "HALLORAN LTD.", near},
		"another word":                {want{Expect: "Halloran Ltd"}, "Halloran Limited", differs},
		"more words":                  {want{Expect: "Halloran Ltd"}, "Halloran Ltd, Wexley", differs},
		"number":                      {want{Expect: number("1260")}, number("1260.00"), exact},
		"another number":              {want{Expect: number("1260")}, number("1261"), differs},
		"number as text":              {want{Expect: number("12480.5")}, "12.480,50 €", near},
		"two numbers as text":         {want{Expect: number("20")}, "20 of 30", differs},
		"text as number":              {want{Expect: "14"}, number("14"), near},
		"date in other words":         {want{Expect: "2025-04-17"}, "17 April 2025", near},
		"another date":                {want{Expect: "2025-04-17"}, "18 April 2025", differs},
		"a date among much else":      {want{Expect: "2025-04-17"}, "it was written on the 17 April 2025, a Thursday of rain", differs},
		"boolean":                     {want{Expect: true}, true, exact},
		"boolean as text":             {want{Expect: true}, "true", differs},
		"list":                        {want{Expect: []any{"a b", "c"}}, []any{"a b", "c"}, exact},
		"list in another order":       {want{Expect: []any{"a b", "c"}}, []any{"C", "A-B"}, near},
		"list as text":                {want{Expect: []any{"a b", "c"}}, "a b, c", near},
		"list that is too long":       {want{Expect: []any{"a b", "c"}}, []any{"a b", "c", "d"}, differs},
		"object":                      {want{Expect: map[string]any{"a": "x"}}, map[string]any{"a": "x"}, exact},
		"object, near":                {want{Expect: map[string]any{"a": "x"}}, map[string]any{"a": "X"}, near},
		"object with more":            {want{Expect: map[string]any{"a": "x"}}, map[string]any{"a": "x", "b": "y"}, differs},
		"near is not enough":          {want{Expect: "WEXLEY", Strict: true}, "Wexley", differs},
		"contains":                    {want{Expect: "two beams", Contains: []string{"beams"}}, "damage to two beams of the gate", near},
		"contains not":                {want{Expect: "two beams", Contains: []string{"beams"}}, "the gate", differs},
		"matches":                     {want{Matches: "(?i)rain"}, "Rainfall", exact},
		"matches not":                 {want{Matches: "(?i)rain"}, "Snow", differs},
		"array of the right size":     {want{Type: "array", MinItems: 3, MaxItems: 3}, []any{"a", "b", "c"}, exact},
		"array that is too short":     {want{Type: "array", MinItems: 3, MaxItems: 3}, []any{"a", "b"}, differs},
		"text instead of an array":    {want{Type: "array", MinItems: 1}, "a", differs},
		"nothing is said":             {want{}, "a", differs},
		"null is no value of a field": {want{Expect: "a"}, nil, differs},
	} {
		if got := c.want.compare(c.got); got != c.fits {
			t.Errorf("%s: %v against %v is %d, want %d", name, c.got, c.want.Expect, got, c.fits)
		}
	}
}
