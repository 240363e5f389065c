package maintain

import (
	"slices"
	"testing"
	"time"
)

func TestSweptMark(t *testing.T) {
	now := time.Date(2026, 11, 23, 14, 20, 0, 0, time.UTC)
	hours := func(from string, n int) (all []string) {
		start, err := time.Parse("2006-01-02T15", from)
		if err != nil {
			t.Fatal(err)
		}
		for i := range n {
			all = append(all, start.Add(time.Duration(i)*time.Hour).Format("2006-01-02T15/"))
		}
		return all
	}
	for _, test := range []struct {
		name, mark string
		deep       bool
		want       []string
	}{
		{"nothing was ever swept", "", false, []string{""}},
		{"not readable", "yesterday", false, []string{""}},
		{"minutes ago", "2026-11-23T14:15:00Z", false, hours("2026-11-23T13", 3)},
		{"early in an hour", "2026-11-23T14:00:01Z", false, hours("2026-11-23T13", 3)},
		{"a whole day", "2026-11-23T14:15:00Z", true, hours("2026-11-22T14", 26)},
		{"days ago", "2026-11-21T10:15:00Z", true, hours("2026-11-21T09", 55)},
		{"hours left over", "2026-11-23T14:15:00Z 2026-11-02T03 2026-11-23T14", false, append([]string{"2026-11-02T03/"}, hours("2026-11-23T13", 3)...)},
		{"clock set back", "2026-11-25T14:15:00Z", false, hours("2026-11-23T13", 3)},
		{"long ago", "2026-01-01T00:00:00Z", false, []string{""}},
	} {
		t.Run(test.name, func(t *testing.T) {
			mark := parseSweptMark(test.mark)
			if got := mark.prefixes(now, test.deep); !slices.Equal(got, test.want) {
				t.Errorf("lists %v, want %v", got, test.want)
			}
			if !mark.since.IsZero() && mark.String() != test.mark {
				t.Errorf("%q is written as %q", test.mark, mark)
			}
		})
	}
}

func TestSweptMarkStaysSmall(t *testing.T) {
	start := time.Date(2026, 11, 23, 14, 20, 0, 0, time.UTC)
	p := &orphanPass{result: &SweepResult{Started: start}, left: map[string]bool{}}
	for i := range 2 * maxLeft {
		p.left[start.Add(-time.Duration(i)*time.Hour).Format("2006-01-02T15")] = true
	}
	mark := p.mark()
	oldest := start.Truncate(time.Hour).Add(-(2*maxLeft - 1) * time.Hour)
	if len(mark.hours) != 0 || !mark.since.Equal(oldest) {
		t.Errorf("the mark names %d hours and begins at %v, not at %v", len(mark.hours), mark.since, oldest)
	}
}
