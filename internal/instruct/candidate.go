package instruct

import (
	"encoding/json"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/satchel-files/satchel"
	"github.com/satchel-files/satchel/internal/metaschema"
)

const (
	maxCandidates    = 8        // values of one key that are kept
	maxCandidateKeys = 500      // keys
	maxFoundBytes    = 96 << 10 // of all candidates together, as JSON
	maxUnion         = 200      // items of a list that grows from window to window
	extractiveLength = 120      // bytes of text that is rather copied than composed
)

// candidate is a value that a window gave for a key. Objects are taken apart: a path leads through them to a scalar or a list.
type candidate struct {
	Path     []string  `json:"path"`
	Value    any       `json:"value"`
	Evidence *Evidence `json:"evidence,omitempty"`
	Windows  int       `json:"windows"` // how many windows gave it
}

// leavesIn takes a set apart, in the order of its keys.
func leavesIn(set map[string]any, above []string, take func(path []string, value any)) {
	for _, key := range slices.Sorted(maps.Keys(set)) {
		path := append(slices.Clone(above), key)
		if inner, ok := set[key].(map[string]any); ok {
			leavesIn(inner, path, take)
			continue
		}
		take(path, set[key])
	}
}

// absorb adds what a window gave. It reports whether all of it was kept.
func (p *progress) absorb(set map[string]any, evidence func(path []string, value any) *Evidence) (whole bool) {
	whole = true
	leavesIn(set, nil, func(path []string, value any) {
		if !p.take(candidate{Path: path, Value: value, Evidence: evidence(path, value), Windows: 1}) {
			whole = false
		}
	})
	return whole
}

func (p *progress) take(c candidate) bool {
	same := p.of(c.Path)
	if len(same) == 0 {
		return p.keep(c)
	}
	if items, ok := c.Value.([]any); ok && grow(same[0], items, c.Evidence) {
		return true
	}
	for _, old := range same {
		if sameValue(old.Value, c.Value) {
			old.Windows++
			if old.Evidence == nil {
				old.Evidence = c.Evidence
			}
			return true
		}
	}
	if c.Evidence == nil && extractive(c.Value) && slices.ContainsFunc(same, func(old *candidate) bool { return old.Evidence != nil }) {
		return true // a copy of what it was told, or invented
	}
	if len(same) >= maxCandidates {
		*same[maxCandidates-1] = c
		return true
	}
	return p.keep(c)
}

// of gives the candidates for a key.
func (p *progress) of(path []string) []*candidate {
	var all []*candidate
	for i := range p.Found {
		if slices.Equal(p.Found[i].Path, path) {
			all = append(all, &p.Found[i])
		}
	}
	return all
}

// keep adds a candidate if there is room: what is found is stored after every window.
func (p *progress) keep(c candidate) bool {
	if p.size == 0 {
		for _, old := range p.Found {
			p.size += old.size()
		}
	}
	if len(p.Found) >= maxCandidateKeys || p.size+c.size() > maxFoundBytes {
		return false
	}
	p.size += c.size()
	p.Found = append(p.Found, c)
	return true
}

// size is about how many bytes it takes up in a state.
func (c *candidate) size() int {
	size := len(satchel.CanonicalJSON(c.Value)) + len(satchel.PathText(c.Path)) + 64
	if c.Evidence != nil {
		size += len(c.Evidence.Quote)
	}
	return size
}

// grow adds items to a candidate that is a list.
func grow(c *candidate, items []any, evidence *Evidence) bool {
	old, ok := c.Value.([]any)
	if !ok {
		return false
	}
	c.Value = union(old, items, maxUnion)
	c.Windows++
	if c.Evidence == nil {
		c.Evidence = evidence
	}
	return true
}

// extractive reports values that are copied from a text rather than composed of it.
func extractive(value any) bool {
	text, isText := value.(string)
	_, isNumber := value.(json.Number)
	return isNumber || isText && len(text) <= extractiveLength
}

// choice is a key for which windows gave different values.
type choice struct {
	path       []string
	candidates []candidate
}

// settle gives the values on which there is agreement, and the choices that remain. Of truth values true wins: a window that knows nothing says
// false. What stands in the text wins over what does not.
func (p *progress) settle() (agreed []candidate, open []choice) {
	for i := range p.Found {
		path := p.Found[i].Path
		if slices.ContainsFunc(p.Found[:i], func(c candidate) bool { return slices.Equal(c.Path, path) }) {
			continue
		}
		var all []candidate
		for _, c := range p.of(path) {
			all = append(all, *c)
		}
		if best, ok := obvious(all); ok {
			agreed = append(agreed, best)
		} else {
			open = append(open, choice{path, all})
		}
	}
	return agreed, open
}

func obvious(all []candidate) (candidate, bool) {
	if len(all) == 1 {
		return all[0], true
	}
	if i := slices.IndexFunc(all, func(c candidate) bool { return c.Value == true }); i >= 0 {
		return all[i], true
	}
	var proven []candidate
	for _, c := range all {
		if c.Evidence != nil {
			proven = append(proven, c)
		}
	}
	if len(proven) == 1 && !slices.ContainsFunc(all, func(c candidate) bool { return !extractive(c.Value) }) {
		return proven[0], true
	}
	return candidate{}, false
}

// fallback chooses without a model: what stands in the text, then what most windows gave, then the first.
func (c choice) fallback() candidate {
	best := c.candidates[0]
	for _, other := range c.candidates[1:] {
		better := other.Windows > best.Windows
		if (other.Evidence != nil) != (best.Evidence != nil) {
			better = other.Evidence != nil
		}
		if better {
			best = other
		}
	}
	return best
}

// composed reports whether the values are of the kind that one writes anew out of parts, such as summaries.
func (c choice) composed() bool {
	return slices.ContainsFunc(c.candidates, func(one candidate) bool { return !extractive(one.Value) && one.Evidence == nil })
}

// chosen finds the candidate that a model chose, or takes what it composed.
func (c choice) chosen(value any) (candidate, bool) {
	for _, one := range c.candidates {
		if sameValue(one.Value, value) {
			return one, true
		}
	}
	text, ok := value.(string)
	if ok && c.composed() && !notFound(text) {
		return candidate{Path: c.path, Value: text}, true
	}
	return candidate{}, false
}

const (
	maxChoices    = 20  // keys in one request
	maxShownChars = 600 // of a composed value
)

// choicePrompt asks for choices.
func choicePrompt(instruction string, s *metaschema.Schema, choices []choice) string {
	var b strings.Builder
	b.WriteString(chooseText + "Instruction: " + instruction + "\n")
	for _, c := range choices {
		b.WriteString("\n" + satchel.PathText(c.path))
		if s != nil {
			if text := describe(s, s.Properties(s.Root).Get(c.path[0])); text != "" {
				b.WriteString(" (" + text + ")")
			}
		}
		b.WriteString(":\n")
		for _, one := range c.candidates {
			b.WriteString("- " + defuse(shortened(satchel.CanonicalJSON(one.Value), maxShownChars)))
			if one.Evidence != nil {
				b.WriteString(" (page " + strconv.Itoa(one.Evidence.Page) + ": " + defuse(oneLine(one.Evidence.Quote)) + ")")
			}
			b.WriteByte('\n')
		}
	}
	b.WriteString("\n" + answerSet)
	return b.String()
}

func shortened(text string, most int) string {
	if runes := []rune(text); len(runes) > most {
		return string(runes[:most]) + "…"
	}
	return text
}

// choiceSchema lets a model choose only what there is, or compose text where values are composed.
func choiceSchema(choices []choice) json.RawMessage {
	properties := &metaschema.Object{}
	for _, c := range choices {
		var values []any
		for _, one := range c.candidates {
			values = append(values, one.Value)
		}
		if c.composed() {
			properties.With(satchel.PathText(c.path), typed("string").With("maxLength", maxString))
		} else {
			properties.With(satchel.PathText(c.path), enum(values))
		}
	}
	set := typed("object").With("properties", properties).With("required", properties.Names()).With("additionalProperties", false)
	text, err := metaschema.Encode(typed("object").With("properties", (&metaschema.Object{}).With("set", set)).With("required", []string{"set"}).With("additionalProperties", false))
	if err != nil {
		return nil // its parts are ours and encode
	}
	return text
}
