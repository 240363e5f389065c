package main

import (
	"os"
	"strings"
	"testing"
)

// The page says what follows from the results that are beside it.
func TestThePageIsUpToDate(t *testing.T) {
	measured, err := os.ReadFile("../../" + results)
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile("../../" + document)
	if err != nil {
		t.Fatal(err)
	}
	want, err := replace(string(text), string(measured))
	if err != nil {
		t.Fatal(err)
	}
	if want != string(text) {
		t.Error("docs/scale.md is not what follows from bench/RESULTS.md: go run ./bench/scale")
	}
}

func TestFind(t *testing.T) {
	const text = "\n## One\n\n| | median | least |\n| --- | ---: | ---: |\n| a, first | 12.5 MB/s | 1 MB/s |\n| b | 7 MB/s | 1 MB/s |\n\n## Two\n"
	for _, c := range []struct {
		section, row string
		want         float64
		fault        string
	}{
		{"One", "a", 12.5, ""},
		{"One", "b", 7, ""},
		{"One", "c", 0, `no row "c"`},
		{"Two", "a", 0, `no row "a"`},
		{"Three", "a", 0, `no section "Three"`},
	} {
		got, err := find(text, c.section, c.row)
		if got != c.want || (err == nil) != (c.fault == "") || err != nil && !strings.Contains(err.Error(), c.fault) {
			t.Errorf("find %s, %s: %v, %v", c.section, c.row, got, err)
		}
	}
}

func TestNumbers(t *testing.T) {
	for got, want := range map[string]string{
		whole(999.6):      "1,000",
		whole(1234567):    "1,234,567",
		people(2.34e9):    "2.3 billion",
		people(1.26e8):    "130 million",
		people(1_500):     "1,500",
		inBytes(2.5e12):   "2.5 TB",
		inBytes(7e8):      "700 MB",
		inTime(90):        "90 seconds",
		inTime(7200):      "2 hours",
		inTime(864_000):   "10 days",
		inTime(3_600 / 2): "30 minutes",
	} {
		if got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}
