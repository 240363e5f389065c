//go:build linux

package main

import (
	"bytes"
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
