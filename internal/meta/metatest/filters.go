package metatest

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/satchel-files/satchel"
	"github.com/satchel-files/satchel/internal/meta"
)

func testFilters(t *testing.T, open func(t *testing.T) Opened) {
	t.Run("table", func(t *testing.T) { filterTable(t, open(t).Store) })
	t.Run("random", func(t *testing.T) { randomFilters(t, open(t).Store) })
	t.Run("many values", func(t *testing.T) { manyValues(t, open(t).Store) })
}

// filterTable holds the store against what filters mean.
func filterTable(t *testing.T, s meta.Store) {
	scope := scopeOf("a", "default")
	for _, c := range filterCases() {
		f := newFile(scope, "f.txt", c.metadata)
		insert(t, s, f)
		condition := satchel.Condition{Path: strings.Split(c.path, "."), Value: decode(t, c.value), Text: c.text}
		if got := condition.Match(f.Metadata.Object()); got != c.want {
			t.Fatalf("the oracle says %v for %+v", got, c)
		}
		page, err := s.Files(t.Context(), scope, satchel.Query{Limit: 1, Filename: "f.txt", Metadata: []satchel.Condition{condition}}, now())
		must(t, err)
		if (len(page.Files) == 1) != c.want {
			t.Errorf("%s with %s = %s (text: %v) is found: %v", c.metadata, c.path, c.value, c.text, !c.want)
		}
		must(t, s.InTx(t.Context(), func(ctx context.Context, tx meta.Tx) error { return tx.DeleteFile(ctx, scope, f.ID, now()) }))
	}
}

// filterCase is a condition, and whether it holds for some metadata.
type filterCase struct {
	metadata string
	path     string
	value    string // JSON
	text     bool
	want     bool
}

// filterCases pin what filters mean, on metadata where it is easy to be wrong.
func filterCases() []filterCase {
	long := strings.Repeat("é", 100) // 200 bytes, cut inside of a character when only a part is looked at
	return []filterCase{
		{`{"k":"v"}`, "k", `"v"`, false, true},
		{`{"k":"v"}`, "k", `"V"`, false, false},
		{`{"k":"v"}`, "other", `"v"`, false, false},
		{`{"k":""}`, "k", `""`, false, true},
		{`{"k":"5"}`, "k", `5`, false, false},
		{`{"k":5}`, "k", `"5"`, false, false},
		{`{"k":5}`, "k", `"5"`, true, true},
		{`{"k":"5"}`, "k", `"5"`, true, true},
		{`{"k":5.0}`, "k", `"5"`, true, false},
		{`{"k":["5",5]}`, "k", `"5"`, true, true},
		{`{"k":true}`, "k", `"true"`, true, true},
		{`{"k":"true"}`, "k", `"true"`, true, true},
		{`{"k":false}`, "k", `"true"`, true, false},
		{`{"k":null}`, "k", `"null"`, true, false},
		{`{"k":5.0}`, "k", `50e-1`, false, true},
		{`{"k":-0}`, "k", `0.0`, false, true},
		{`{"k":1e400}`, "k", `1e400`, false, true},
		{`{"k":1e400}`, "k", `1e401`, false, false},
		{`{"k":9007199254740993}`, "k", `9007199254740993`, false, true},
		{`{"k":9007199254740993}`, "k", `9007199254740992`, false, false},
		{`{"k":null}`, "k", `null`, false, true},
		{`{}`, "k", `null`, false, false},
		{`{"k":[null]}`, "k", `null`, false, true},
		{`{"k":true}`, "k", `true`, false, true},
		{`{"k":true}`, "k", `false`, false, false},
		{`{"k":[1,2,3]}`, "k", `2`, false, true},
		{`{"k":[1,2,3]}`, "k", `[3,1]`, false, true},
		{`{"k":[1,2,3]}`, "k", `[4]`, false, false},
		{`{"k":[1,2,3]}`, "k", `[]`, false, true},
		{`{"k":1}`, "k", `[1]`, false, false},
		{`{"k":1}`, "k", `[]`, false, false},
		{`{"k":{}}`, "k", `{}`, false, true},
		{`{"k":{"x":1}}`, "k", `{}`, false, true},
		{`{"k":1}`, "k", `{}`, false, false},
		{`{"k":{"x":1,"y":[2]}}`, "k", `{"y":2}`, false, true},
		{`{"k":[{"x":1},{"y":2}]}`, "k", `{"x":1,"y":2}`, false, false},
		{`{"k":[{"x":1},{"y":2}]}`, "k", `{"y":2}`, false, true},
		{`{"k":{"x":{"z":1}}}`, "k.x.z", `1`, false, true},
		{`{"k":[{"x":[{"z":"1"}]}]}`, "k.x.z", `"1"`, true, true},
		{`{"k":[[1]]}`, "k", `1`, false, false},
		{`{"k":[[1]]}`, "k", `[[1]]`, false, true},
		{`{"a.b":1}`, "a.b", `1`, false, false}, // the dots of this table are between keys
		{`{"k":"` + long + `"}`, "k", `"` + long + `"`, false, true},
		{`{"k":"` + long + `x"}`, "k", `"` + long + `y"`, false, false},
	}
}

func decode(t *testing.T, text string) (value any) {
	t.Helper()
	decoder := json.NewDecoder(strings.NewReader(text))
	decoder.UseNumber()
	must(t, decoder.Decode(&value))
	return value
}

// generator makes metadata and conditions out of few keys and values, so that they often meet.
type generator struct{ *rand.Rand }

func (g generator) pick(of ...any) any { return of[g.IntN(len(of))] }

func (g generator) key() string { return string("abc"[g.IntN(3)]) }

func (g generator) scalar() any {
	long := strings.Repeat("x", 130)
	return g.pick(nil, true, false, "", "1", "true", "v", long+"1", long+"2", json.Number("1"), json.Number("1.0"), json.Number("-1"),
		json.Number("1e999"), json.Number("2e999"), json.Number("0"), json.Number("-0.0"))
}

func (g generator) value(depth int) any {
	switch kind := g.IntN(6); {
	case depth > 0 && kind == 0:
		return g.object(depth - 1)
	case depth > 0 && kind <= 2:
		array := make([]any, g.IntN(4))
		for i := range array {
			array[i] = g.value(depth - 1)
		}
		return array
	}
	return g.scalar()
}

func (g generator) object(depth int) map[string]any {
	object := map[string]any{}
	for range g.IntN(4) {
		object[g.key()] = g.value(depth)
	}
	return object
}

func (g generator) condition() satchel.Condition {
	var path []string
	for range 1 + g.IntN(3) {
		path = append(path, g.key())
	}
	if g.IntN(3) == 0 {
		return satchel.Condition{Path: path, Value: g.pick("1", "1.0", "true", "null", "v", "", "-1"), Text: true}
	}
	return satchel.Condition{Path: path, Value: g.value(2)}
}

func (g generator) query() satchel.Query {
	q := satchel.Query{Limit: 1 + g.IntN(20), Ascending: g.IntN(2) == 0}
	for range g.IntN(3) {
		q.Metadata = append(q.Metadata, g.condition())
	}
	if g.IntN(5) == 0 {
		q.Purpose = satchel.PurposeUserData
	}
	if g.IntN(5) == 0 {
		q.Filename = "even.txt"
	}
	return q
}

// randomFilters compares every list with what Condition.Match says about all files, one after the other.
func randomFilters(t *testing.T, s meta.Store) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	g := generator{rand.New(rand.NewPCG(seed, 0))}
	scope := scopeOf("a", "default")
	files := make([]*satchel.File, 150)
	for i := range files {
		files[i] = newFile(scope, []string{"even.txt", "odd.txt"}[i%2], `{}`)
		metadata, err := satchel.NewMetadata(g.object(3))
		must(t, err)
		files[i].Metadata = metadata
		files[i].Purpose = []satchel.Purpose{satchel.PurposeUserData, satchel.PurposeBatch}[i%3/2]
	}
	insert(t, s, files...)
	matched := 0
	for i := range 800 {
		q := g.query()
		if i%10 == 0 {
			q.SHA256 = &files[g.IntN(len(files))].Content.SHA256
		}
		want := matching(files, q)
		matched += len(want)
		if got := walk(t, s, scope, q, nil); !slices.Equal(got, want) {
			t.Fatalf("%s\ngives %v\nwant  %v", describe(q), got, want)
		}
	}
	if matched < 500 {
		t.Errorf("the queries matched %d files in all: too few to say anything", matched)
	}
}

// matching gives what a query must give, in its order.
func matching(files []*satchel.File, q satchel.Query) []satchel.FileID {
	var ids []satchel.FileID
	for _, f := range files {
		ok := (q.Purpose == "" || f.Purpose == q.Purpose) && (q.Filename == "" || f.Filename == q.Filename) &&
			(q.SHA256 == nil || f.Content.SHA256 == *q.SHA256)
		for _, c := range q.Metadata {
			ok = ok && c.Match(f.Metadata.Object())
		}
		if ok {
			ids = append(ids, f.ID)
		}
	}
	if !q.Ascending {
		slices.Reverse(ids)
	}
	return ids
}

func describe(q satchel.Query) string { return fmt.Sprintf("%+v", q) }

// manyValues stores, changes, finds and deletes a file with as many values as a file may have.
func manyValues(t *testing.T, s meta.Store) {
	scope := scopeOf("a", "default")
	values := func(from int) satchel.Metadata {
		object := map[string]any{}
		for i := range satchel.MaxMetadataLeaves {
			object[fmt.Sprintf("key-%d", i)] = json.Number(fmt.Sprint(from + i))
		}
		m, err := satchel.NewMetadata(object)
		must(t, err)
		return m
	}
	f := newFile(scope, "f.txt", `{}`)
	f.Metadata = values(0)
	insert(t, s, f, newFile(scope, "g.txt", `{"key-0":0}`))
	all := satchel.Query{Metadata: []satchel.Condition{{Value: f.Metadata.Object()}}}
	wantFiles(t, s, scope, all, []satchel.FileID{f.ID})
	edit(t, s, scope, f.ID, func(f *satchel.File) { f.Metadata = values(1) })
	wantFiles(t, s, scope, all, nil)
	wantFiles(t, s, scope, where("key-999", json.Number("1000")), []satchel.FileID{f.ID})
	must(t, s.InTx(t.Context(), func(ctx context.Context, tx meta.Tx) error { return tx.DeleteFile(ctx, scope, f.ID, now()) }))
	wantFiles(t, s, scope, where("key-999", json.Number("1000")), nil)
}
