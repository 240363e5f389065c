//go:build linux

package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// The whole bench on small sizes, without peers: every measure runs, every server answers, the results have every goal.
func TestQuickRun(t *testing.T) {
	var out, progress bytes.Buffer
	err := run(t.Context(), []string{"-quick", "-rounds", "1", "-peers=false"}, &out, &progress)
	if err != nil {
		t.Fatalf("%v\n%s", err, &progress)
	}
	b := &bench{options: options{quick: true}, sizes: options{quick: true}.sizes()}
	for _, m := range b.measures() {
		if !strings.Contains(out.String(), "## "+m.title+"\n") {
			t.Errorf("no section %q", m.title)
		}
		for _, g := range m.goals {
			if !strings.Contains(out.String(), g.text(m.unit)) {
				t.Errorf("%s: no goal %q", m.name, g.text(m.unit))
			}
		}
	}
}

func TestVerdicts(t *testing.T) {
	tbl := &table{
		measure: measure{unit: "ms"},
		values:  map[string][]float64{"a": {10, 20, 30}, "b": {20, 20, 20}, "c": {20, 10, 10}},
	}
	for _, c := range []struct {
		name string
		goal goal
		text string
		met  bool
	}{
		{"least ratio, kept", atLeast("a", 1, "b"), "a: ≥ 1 × b", true},
		{"least ratio, missed", atLeast("a", 1.1, "b"), "a: ≥ 1.1 × b", false},
		{"most ratio, kept", atMost("a", 1, "b"), "a: ≤ 1 × b", true},
		{"most ratio, missed", atMost("a", 0.9, "b"), "a: ≤ 0.9 × b", false},
		{"ratio or enough, kept by the ratio", atMostOr("a", 1, "b", 5), "a: ≤ 1 × b, or ≤ 5.00 ms", true},
		{"ratio or enough, kept by being enough", atMostOr("a", 0.5, "b", 20), "a: ≤ 0.5 × b, or ≤ 20.0 ms", true},
		{"ratio or enough, missed", atMostOr("a", 0.5, "b", 19), "a: ≤ 0.5 × b, or ≤ 19.0 ms", false},
		{"ratio to the lesser, kept", atLeastOfLesser("b", 2, "a", "c"), "b: ≥ 2 × the lesser of a and c", true},
		{"ratio to the lesser, missed", atLeastOfLesser("b", 2.1, "a", "c"), "b: ≥ 2.1 × the lesser of a and c", false},
		{"value, kept", under("a", 20.5), "a: < 20.5 ms", true},
		{"value, reached", under("a", 20), "a: < 20.0 ms", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := c.goal.text("ms"); got != c.text {
				t.Errorf("text %q, want %q", got, c.text)
			}
			if got := c.goal.met(tbl.outcome(c.goal)); got != c.met {
				t.Errorf("met: %v, want %v", got, c.met)
			}
		})
	}
	if got := tbl.outcome(atLeast("a", 1, "absent")); len(got) != 0 {
		t.Errorf("an outcome against somebody who took no part: %v", got)
	}
}

// TestSections: what is measured by itself goes in its place in the results, or behind the others, and everything else stays.
func TestSections(t *testing.T) {
	one := func(title string, g goal) *table {
		return &table{measure: measure{title: title, unit: "ms", goals: []goal{g}}, order: []string{"a"}, values: map[string][]float64{"a": {1}}}
	}
	d := document{head: "# Results\n\n- Machine: one.\n- Goals: none.\n", notes: "## What the figures mean\n\nNothing.\n"}
	d.put(one("first", under("a", 2)))
	d.put(one("second", under("a", 2)))
	before := d.text()
	if again := split(before); again.text() != before || len(again.sections) != 2 || again.notes != d.notes {
		t.Errorf("read and written again it is\n%s\nand was\n%s", again.text(), before)
	}
	d.put(one("first", under("a", 0.5)))
	d.put(one("third", under("a", 2)))
	after := d.text()
	for _, want := range []string{"- Goals: 2 met, 1 missed.\n\n## first\n", "**missed** |\n\n## second\n", "| met |\n\n## third\n", "| met |\n\n## What"} {
		if !strings.Contains(after, want) || strings.Count(after, "Goals:") != 1 {
			t.Errorf("no %q in\n%s", want, after)
		}
	}
}

// TestResults: a whole run replaces everything but what takes too long for it; a part of the measures replaces its own sections.
func TestResults(t *testing.T) {
	b := &bench{options: options{only: regexp.MustCompile(""), out: "results.md"}, root: t.TempDir()}
	path := filepath.Join(b.root, b.out)
	long := b.largest()[0]
	of := func(title, unit string) *table {
		return &table{measure: measure{title: title, unit: unit}, order: []string{"a"}, values: map[string][]float64{"a": {1}}}
	}
	write := func(want string, tables ...*table) {
		t.Helper()
		if err := b.write(tables, nil); err != nil {
			t.Fatal(err)
		}
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, s := range split(string(text)).sections {
			got = append(got, s.title+" "+s.text[strings.Index(s.text, "| a | 1.00 ")+11:][:1])
		}
		if got := strings.Join(got, ", "); got != want {
			t.Errorf("the sections are %s, want %s", got, want)
		}
	}
	b.errw = io.Discard
	b.update = true
	if err := b.write([]*table{of("x", "A")}, nil); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("an update of nothing: %v", err)
	}
	b.update = false
	write("x A, y A, "+long.title+" A", of("x", "A"), of("y", "A"), of(long.title, "A"))
	write("y B, "+long.title+" A", of("y", "B"))
	b.update = true
	write("y B, "+long.title+" C, z C", of(long.title, "C"), of("z", "C"))
	b.update, b.only = false, regexp.MustCompile("x")
	write("x D", of("x", "D"))
}

// TestTheResultsAreWhole, although their parts are measured at different times.
func TestTheResultsAreWhole(t *testing.T) {
	text, err := os.ReadFile("RESULTS.md")
	if err != nil {
		t.Fatal(err)
	}
	b := &bench{root: ".."}
	d := split(string(text))
	if d.notes, err = b.notes(); err != nil {
		t.Fatal(err)
	}
	if d.text() != string(text) {
		t.Error("RESULTS.md does not end with NOTES.md, or its goals are miscounted")
	}
}

func TestJumping(t *testing.T) {
	for _, n := range []int{1, 2, 100, 500, 7920} {
		seen := map[string]bool{}
		next := jumping(n, func(i int) *request { return &request{path: fmt.Sprint(i)} })
		for range n {
			seen[next().path] = true
		}
		if len(seen) != n {
			t.Errorf("of %d only %d had their turn", n, len(seen))
		}
	}
}

func TestPeople(t *testing.T) {
	for n, want := range map[int]string{
		300: "300", 10_000: "10 thousand", 1_000_000: "1 million", 10_000_000: "10 million", 1_500_000: "1500 thousand", 1_234: "1234",
	} {
		if got := people(n); got != want {
			t.Errorf("%d is %s, want %s", n, got, want)
		}
	}
}

func TestMedian(t *testing.T) {
	for _, c := range []struct {
		values []float64
		want   float64
	}{{[]float64{3}, 3}, {[]float64{4, 1, 3}, 3}, {[]float64{4, 1, 3, 2}, 2.5}} {
		if got := median(c.values); got != c.want {
			t.Errorf("median of %v: %v, want %v", c.values, got, c.want)
		}
	}
}
