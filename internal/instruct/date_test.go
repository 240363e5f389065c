package instruct

import (
	"slices"
	"testing"
)

func TestDates(t *testing.T) {
	for text, want := range map[string][]string{
		"2026-03-05":                    {"2026-03-05"},
		"2026/3/5":                      {"2026-03-05"},
		"20260305":                      {"2026-03-05"},
		"5.3.2026":                      {"2026-03-05"},
		"05. 03. 2026":                  {"2026-03-05"},
		"5.3.26":                        {"2026-03-05"},
		"03/05/2026":                    {"2026-05-03", "2026-03-05"},
		"25/12/2026":                    {"2026-12-25"},
		"12/25/2026":                    {"2026-12-25"},
		"5 March 2026":                  {"2026-03-05"},
		"5th of March, 2026":            {"2026-03-05"},
		"March 5, 2026":                 {"2026-03-05"},
		"Mar. 5th, 2026":                {"2026-03-05"},
		"05-MAR-2026":                   {"2026-03-05"},
		"5. März 2026":                  {"2026-03-05"},
		"Jänner 2026":                   {"2026-01"},
		"le 1er août 2026":              {"2026-08-01"},
		"5 de marzo de 2026":            {"2026-03-05"},
		"1º de maio de 2026":            {"2026-05-01"},
		"5 marzo 2026":                  {"2026-03-05"},
		"5 марта 2026 г.":               {"2026-03-05"},
		"2026. gada 5. martā":           {"2026-03-05"},
		"2026. gada 2. aprīlī":          {"2026-04-02"},
		"5 stycznia 2026":               {"2026-01-05"},
		"2026 m. kovo 5 d.":             {"2026-03-05"},
		"2026年3月5日":                     {"2026-03-05"},
		"2026년 3월 5일":                   {"2026-03-05"},
		"March 2026":                    {"2026-03"},
		"2026-03-05T10:00":              {"2026-03-05"},
		"from 1 May 2026 to 3 May 2026": {"2026-05-01", "2026-05-03"},
		"2026-0417 of 9 November 2025":  {"2025-11-09"},
		"No. 2024 of 9 November 2025":   {"2025-11-09"},
		"31.02.2026":                    nil,
		"192.168.1.10":                  nil,
		"1.2.3.4":                       nil,
		"12/2026":                       nil,
		"99/99/9999":                    nil,
		"may 5 people come":             {"--05-05"},
		"room 5, march on":              {"--03-05"},
	} {
		var got []string
		for _, d := range dates(foldText(text, asText)) {
			got = append(got, d.iso)
		}
		if !slices.Equal(got, want) {
			t.Errorf("%q: %v, want %v", text, got, want)
		}
	}
}

func TestReadDate(t *testing.T) {
	for _, c := range []struct {
		text  string
		habit order
		want  string
		year  string
	}{
		{"03/05/2026", anyOrder, "2026-05-03", ""}, {"03/05/2026", monthFirst, "2026-03-05", ""}, {"03/25/2026", anyOrder, "2026-03-25", ""},
		{"Thursday, 5 March 2026", anyOrder, "2026-03-05", ""}, {"5.3.2026", monthFirst, "2026-03-05", ""}, {"25. martam.", anyOrder, "2026-03-25", "2026"},
		{"March 2026", anyOrder, "", ""}, {"1 May 2026 to 3 May 2026", anyOrder, "", ""}, {"within 30 days of 5 March 2026", anyOrder, "", ""}, {"soon", anyOrder, "", ""},
		{"25. martam", anyOrder, "", ""},
	} {
		if got, ok := readDate(c.text, c.habit, c.year); got != c.want || ok != (c.want != "") {
			t.Errorf("readDate(%q, %d) = %q, %v; want %q", c.text, c.habit, got, ok, c.want)
		}
	}
}

func TestOrderOf(t *testing.T) {
	for text, want := range map[string]order{
		"03/05/2026, 25/12/2026": dayFirst, "03/05/2026, 12/25/2026": monthFirst, "03/05/2026": anyOrder, "25/12/2026 12/25/2026": anyOrder,
		"5 March 2026": anyOrder, "05.03.2026": dayFirst,
	} {
		if got := orderOf(dates(foldText(text, asText))); got != want {
			t.Errorf("%q: %d, want %d", text, got, want)
		}
	}
}

func FuzzDates(f *testing.F) {
	for _, s := range []string{"5.3.2026", "March 5, 2026", "2026年3月5日", "1/2/3", "2026. gada 5. martā", "31 feb 2026"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		text := foldText(s, asText)
		for _, d := range dates(text) {
			if d.at.start < 0 || d.at.end > len(text) || d.at.start >= d.at.end || !isDay(d.iso) && !isMonth(d.iso) && len(d.iso) != len("--03-05") {
				t.Fatalf("%q: %q at %v", text, d.iso, d.at)
			}
		}
		readDate(s, monthFirst, "2026")
	})
}
