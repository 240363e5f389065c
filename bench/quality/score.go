package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/satchel-files/satchel"
	"github.com/satchel-files/satchel/internal/instruct"
)

// score is what one or many cases came to.
type score struct {
	cases     int
	right     int // cases without a fault
	fields    int // keys that were asked for, those without an answer too
	exact     int // fields; one that has no answer and got none is exact
	near      int
	missing   int // fields with an answer that got none
	values    int // values that were written
	invented  int // values where there is no answer, or that are wrong and do not stand in the text
	deleted   int // keys that were removed and must not be
	changed   int // keys of before that were changed and must not be
	standing  int // values that stand in the text word for word
	evidenced int // of them, those with a quote that holds them and is in the text
	failed    int // cases that ended in an error
	faults    []string
}

func (s *score) add(more score) {
	s.cases += more.cases
	s.right += more.right
	s.fields += more.fields
	s.exact += more.exact
	s.near += more.near
	s.missing += more.missing
	s.values += more.values
	s.invented += more.invented
	s.deleted += more.deleted
	s.changed += more.changed
	s.standing += more.standing
	s.evidenced += more.evidenced
	s.failed += more.failed
	s.faults = append(s.faults, more.faults...)
}

func (s *score) fault(format string, args ...any) {
	s.faults = append(s.faults, fmt.Sprintf(format, args...))
}

// judge is how one case is scored.
type judge struct {
	score
	pages    []string
	before   map[string]any
	after    map[string]any
	evidence map[string]instruct.Evidence
	whole    source // where values may come from
}

func newJudge(text string, before satchel.Metadata, result *instruct.Result) (*judge, error) {
	j := &judge{pages: strings.Split(text, "\f"), before: before.Object()}
	j.cases = 1
	after, err := before.Apply(result.Edit)
	if err != nil {
		return nil, fmt.Errorf("the edit cannot be applied: %w", err)
	}
	j.after, j.evidence = after.Object(), result.Evidence
	j.whole = source{text: text, folded: fold(text)}
	return j, nil
}

// scoreDocument compares what a model made of a document with its answers.
func scoreDocument(d document, result *instruct.Result) (score, error) {
	before, err := d.before()
	if err != nil {
		return score{}, err
	}
	j, err := newJudge(d.text, before, result)
	if err != nil {
		return score{}, err
	}
	j.kept(nil)
	taken := map[string]bool{}
	for _, key := range d.order {
		found := d.find(key, j.written())
		if found != nil {
			taken[found.top()] = true
		}
		j.field(key, d.Fields[key], found)
	}
	for key, value := range j.written() {
		if !taken[key] {
			j.stray(key, value)
		}
	}
	return j.done(), nil
}

// done closes the score of a case.
func (j *judge) done() score {
	if len(j.faults) == 0 {
		j.right = 1
	}
	return j.score
}

// written gives the keys that the edit made or changed, with their values.
func (j *judge) written() map[string]any {
	made := map[string]any{}
	for key, value := range j.after {
		if old, there := j.before[key]; !there || !sameValue(old, value) {
			made[key] = value
		}
	}
	return made
}

// kept checks that the keys of before are as they were, but for those that the case speaks of.
func (j *judge) kept(spoken []string) {
	for _, key := range sortedKeys(j.before) {
		if slices.Contains(spoken, key) {
			continue
		}
		switch value, there := j.after[key]; {
		case !there:
			j.deleted++
			j.fault("%s was removed", key)
		case !sameValue(j.before[key], value):
			j.changed++
			j.fault("%s was changed to %s", key, satchel.CanonicalJSON(value))
		}
	}
}

// answer is a value for a key, and where in the metadata it is.
type answer struct {
	path  []string
	value any
	alias bool // the key is neither the one asked for nor one of its other names
}

func (a *answer) top() string { return a.path[0] }

// find gives the answer to a field: by its key, or without a schema by another name for it, or by its value.
func (d *document) find(key string, written map[string]any) *answer {
	if value, there := written[key]; there {
		return &answer{path: []string{key}, value: value}
	}
	if d.Schema != "none" {
		return nil
	}
	w := d.Fields[key]
	all := places(nil, written)
	for _, name := range append([]string{key}, w.Keys...) {
		for i := range all {
			if last := all[i].path[len(all[i].path)-1]; fold(strings.Join(all[i].path, "")) == fold(name) || fold(last) == fold(name) {
				return &all[i]
			}
		}
	}
	for i := range all {
		if _, isText := all[i].value.(string); isText && !w.Absent && !d.asks(all[i].path) && w.compare(all[i].value) == exact {
			all[i].alias = true
			return &all[i]
		}
	}
	return nil
}

// asks reports whether a path is the key of a field.
func (d *document) asks(path []string) bool {
	_, there := d.Fields[path[0]]
	return there
}

// places gives every value within an object, objects before what is in them.
func places(path []string, object map[string]any) []answer {
	var all []answer
	for _, key := range sortedKeys(object) {
		here := append(path[:len(path):len(path)], key)
		all = append(all, answer{path: here, value: object[key]})
		if inner, ok := object[key].(map[string]any); ok {
			all = append(all, places(here, inner)...)
		}
	}
	return all
}

// field scores one key that was asked for.
func (j *judge) field(key string, w want, got *answer) {
	j.fields++
	switch {
	case got == nil && w.Absent:
		j.exact++
		return
	case got == nil:
		j.missing++
		j.fault("%s: nothing, not %s", key, w)
		return
	}
	j.values++
	if w.Absent {
		j.invented++
		j.fault("%s: %s, but there is no answer", key, satchel.CanonicalJSON(got.value))
		return
	}
	fits := w.compare(got.value)
	if got.alias {
		fits = min(fits, near)
	}
	j.proof(w, fits, got)
	switch fits {
	case exact:
		j.exact++
	case near:
		j.near++
	case differs:
		j.wrong(key, w, got.value)
	}
}

// wrong scores a value that is not the right one.
func (j *judge) wrong(key string, w want, value any) {
	_, isBool := value.(bool)
	made := !w.Derived && !isBool && !standsIn(value, j.whole)
	if made {
		j.invented++
	}
	j.fault("%s: %s, not %s%s", key, satchel.CanonicalJSON(value), w, map[bool]string{true: " (invented)"}[made])
}

// stray scores a key that nobody asked for.
func (j *judge) stray(key string, value any) {
	j.values++
	made := !standsIn(value, j.whole)
	if made {
		j.invented++
	}
	j.fault("%s: %s was not asked for%s", key, satchel.CanonicalJSON(value), map[bool]string{true: " (invented)"}[made])
}

// proof counts a value that stands in the text, and whether its evidence holds.
func (j *judge) proof(w want, fits match, got *answer) {
	if w.Derived {
		return
	}
	written := got.value
	if fits >= near && w.Text != "" {
		written = w.Text
	}
	if !standsIn(written, j.whole) {
		return
	}
	j.standing++
	evidence, there := j.evidence[got.top()]
	switch {
	case !there:
		j.fault("%s: no evidence for %s", got.top(), satchel.CanonicalJSON(got.value))
	case !j.holds(evidence, got.value, written):
		j.fault("%s: page %d does not prove %s with %q", got.top(), evidence.Page, satchel.CanonicalJSON(got.value), evidence.Quote)
	default:
		j.evidenced++
	}
}

// holds reports whether a quote is on its page and has the value, or a part of it.
func (j *judge) holds(e instruct.Evidence, forms ...any) bool {
	if e.Page < 1 || e.Page > len(j.pages) || fold(e.Quote) == "" || !strings.Contains(fold(j.pages[e.Page-1]), fold(e.Quote)) {
		return false
	}
	quote := source{text: e.Quote, folded: fold(e.Quote)}
	for _, form := range forms {
		for _, leaf := range leaves(nil, form) {
			if scalarStands(leaf.value, quote) || strings.Contains(fold(flatText(leaf.value)), quote.folded) {
				return true
			}
		}
	}
	return false
}

// scoreEdit compares metadata after an edit with what they should be.
func scoreEdit(e edit, result *instruct.Result) (score, error) {
	j, err := newJudge(e.text, e.before, result)
	if err != nil {
		return score{}, err
	}
	known := e.text + "\n" + e.Instruction + "\n" + flatText(j.before)
	j.whole = source{text: known, folded: fold(known)}
	j.kept(slices.Concat(sortedKeys(e.After), e.Gone, e.May))
	for _, key := range e.Gone {
		if _, there := j.after[key]; there && !slices.Contains(e.May, key) {
			j.fault("%s is still there", key)
		}
	}
	for _, key := range sortedKeys(e.After) {
		j.change(key, e.After[key])
	}
	for key, value := range j.written() {
		if _, asked := e.After[key]; !asked && j.before[key] == nil && !slices.Contains(e.May, key) {
			j.stray(key, value)
		}
	}
	return j.done(), nil
}

// change scores one key that an edit is about. It needs no evidence: most of these values stand in no document.
func (j *judge) change(key string, w want) {
	j.fields++
	value, there := j.after[key]
	if !there {
		j.missing++
		if _, was := j.before[key]; was {
			j.deleted++
		}
		j.fault("%s: nothing, not %s", key, w)
		return
	}
	j.values++
	switch w.compare(value) {
	case exact:
		j.exact++
	case near:
		j.near++
	case differs:
		j.deleted += lost(j.before[key], w.Expect, value)
		j.wrong(key, w, value)
	}
}

// lost counts what was in an object or array before, should be there still, and is gone.
func lost(before, expected, after any) int {
	count := 0
	had, should, has := flatLeaves(before), flatLeaves(expected), flatLeaves(after)
	for _, leaf := range had {
		if len(had) > 1 && slices.Contains(should, leaf) && !slices.Contains(has, leaf) {
			count++
		}
	}
	return count
}

func flatLeaves(value any) []string {
	var all []string
	for _, leaf := range leaves(nil, value) {
		all = append(all, strings.Join(leaf.path, ".")+"="+satchel.CanonicalJSON(leaf.value))
	}
	return all
}

// String says what is right, for people.
func (w want) String() string {
	switch {
	case w.Expect != nil:
		return satchel.CanonicalJSON(w.Expect)
	case w.Matches != "":
		return "something like " + w.Matches
	}
	return "something fitting"
}

// failedCase scores a case that ended in an error: everything that it asks for is missing.
func failedCase(fields map[string]want, err error) score {
	s := score{cases: 1, failed: 1}
	for _, w := range fields {
		s.fields++
		if !w.Absent {
			s.missing++
		}
	}
	s.fault("failed: %v", err)
	return s
}
