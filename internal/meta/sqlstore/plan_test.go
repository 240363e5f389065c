package sqlstore

import (
	"context"
	"regexp"
	"strings"
	"testing"

	"github.com/satchel-files/satchel"
)

// spy is a querier that notes what runs through it.
type spy struct {
	querier
	seen *[]call
}

type call struct {
	text string
	args []any
}

func (s spy) note(text string, args []any) { *s.seen = append(*s.seen, call{text, args}) }

func (s spy) exec(ctx context.Context, text string, args ...any) (int64, error) {
	s.note(text, args)
	return s.querier.exec(ctx, text, args...)
}

func (s spy) query(ctx context.Context, text string, args ...any) (rows, error) {
	s.note(text, args)
	return s.querier.query(ctx, text, args...)
}

func (s spy) get(ctx context.Context, dest []any, text string, args ...any) error {
	s.note(text, args)
	return s.querier.get(ctx, dest, text, args...)
}

// planOf gives SQLite's plan for a call, a line a step.
func planOf(t *testing.T, s *Store, c call) string {
	t.Helper()
	steps, err := collect(t.Context(), s.q, func(found rows) (string, error) {
		var id, parent, unused int
		var detail string
		err := found.Scan(&id, &parent, &unused, &detail)
		return detail, err
	}, "EXPLAIN QUERY PLAN "+c.text, c.args...)
	if err != nil {
		t.Fatalf("%s: %v", c.text, err)
	}
	return strings.Join(steps, "\n")
}

func TestPlans(t *testing.T) {
	s := openTest(t, Options{})
	scope := satchel.Scope{Org: "org-1", Workspace: "default", User: "user-1"}
	f := testFile(scope, 0)
	if err := s.LoadFiles(t.Context(), scope, 100, func(i int) *satchel.File { return testFile(scope, i) }); err != nil {
		t.Fatal(err)
	}
	_ = f
	var seen []call
	r := reader{spy{s.q, &seen}}
	for _, q := range []satchel.Query{
		{},
		{Ascending: true},
		{After: "file-x"},
		{Metadata: []satchel.Condition{{Path: []string{"kind"}, Value: "even"}}},
		{Metadata: []satchel.Condition{{Path: []string{"kind"}, Value: "even"}, {Path: []string{"group"}, Value: "g0", Text: true}}},
		{Metadata: []satchel.Condition{{Path: []string{"n"}, Value: "5", Text: true}}},
		{Metadata: []satchel.Condition{{Path: []string{"n"}, Value: "5", Text: true}}, Filename: "5.txt", Ascending: true},
	} {
		q.Limit = 100
		if _, err := r.Files(t.Context(), scope, q, s.now()); err != nil {
			t.Fatal(err)
		}
	}
	done := map[string]bool{}
	for _, c := range seen {
		if !done[c.text] {
			done[c.text] = true
			t.Logf("%s\n--\n%s\n", regexp.MustCompile(`\s+`).ReplaceAllString(c.text, " "), planOf(t, s, c))
		}
	}
}
