package contract

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// story is a file of testdata: settings, and steps in their order.
type story struct {
	settings map[string]string
	tokens   []tokenLine
	always   []header
	shown    string // keys of Files; empty: all
	steps    []*step
	preface  []string // lines before the first step, as they stand
}

// tokenLine is "@token «ada» = acme ada member".
type tokenLine struct{ name, spec string }

// step is one request and the answer that is expected to it.
type step struct {
	line    int      // of its title
	heading string   // of the steps from here on
	title   string   // says the rule
	shown   string   // keys of Files, where the story's are not meant
	asked   []string // lines from the title to the answer, as they stand
	answer  string
}

// parseStory reads a story's text.
func parseStory(t testing.TB, text string) *story {
	t.Helper()
	s := &story{settings: map[string]string{}}
	var current *step
	var heading string
	inAnswer := false
	for i, line := range strings.Split(strings.TrimSuffix(text, "\n"), "\n") {
		title, isTitle := strings.CutPrefix(line, "### ")
		switch {
		case isTitle:
			current, inAnswer = &step{line: i + 1, heading: heading, title: title, asked: []string{line}}, false
			heading, s.steps = "", append(s.steps, current)
		case strings.HasPrefix(line, "## "):
			heading = line
		case current == nil:
			s.preface = append(s.preface, line)
			s.setting(t, line)
		case inAnswer || strings.HasPrefix(line, "HTTP/1.1 "):
			inAnswer = true
			current.answer += line + "\n"
		default:
			current.asked = append(current.asked, line)
			if keys, ok := strings.CutPrefix(line, "@show "); ok {
				current.shown = keys
			}
		}
	}
	return s
}

// setting reads a line of the preface that begins with @.
func (s *story) setting(t testing.TB, line string) {
	t.Helper()
	keyword, rest, _ := strings.Cut(line, " ")
	switch keyword {
	case "@server":
		name, value, _ := strings.Cut(rest, "=")
		s.settings[name] = value
	case "@token":
		name, spec, _ := strings.Cut(rest, " = ")
		s.tokens = append(s.tokens, tokenLine{strings.Trim(name, "«»"), spec})
	case "@show":
		s.shown = rest
	case "@always":
		name, value, _ := strings.Cut(rest, ": ")
		s.always = append(s.always, header{name, value})
	default:
		if strings.HasPrefix(line, "@") {
			t.Fatalf("no such setting: %s", line)
		}
	}
}

// String is the story's text.
func (s *story) String() string {
	var b strings.Builder
	b.WriteString(strings.TrimRight(strings.Join(s.preface, "\n"), "\n") + "\n\n")
	for _, step := range s.steps {
		if step.heading != "" {
			b.WriteString(step.heading + "\n\n")
		}
		asked := strings.TrimRight(strings.Join(step.asked, "\n"), "\n")
		b.WriteString(asked + "\n\n" + strings.TrimRight(step.answer, "\n") + "\n\n")
	}
	return strings.TrimSuffix(b.String(), "\n")
}

var (
	requestLine = regexp.MustCompile(`^[A-Z]+ /\S*$`)
	headerLine  = regexp.MustCompile(`^[A-Za-z][A-Za-z-]*:( .*)?$`)
	partLine    = regexp.MustCompile(`^- ([^:(]*?)( \((.*?)\))?:( (.*))?$`)
	partType    = regexp.MustCompile(`^(.*), ([a-z]+/[^ ]+)$`)
)

// request reads the lines of a step, with every name in them filled in.
func (s *step) request(t testing.TB, n *names, always []header) request {
	t.Helper()
	lines := s.asked[1:]
	for len(lines) > 0 && (strings.HasPrefix(lines[0], "#") || strings.HasPrefix(lines[0], "@show ") || lines[0] == "") {
		lines = lines[1:]
	}
	if len(lines) == 0 || !requestLine.MatchString(lines[0]) {
		t.Fatalf("line %d: the step has no request", s.line)
	}
	method, target, _ := strings.Cut(n.fill(t, lines[0]), " ")
	r := request{method: method, target: target}
	lines, without := r.readHead(t, n, lines[1:])
	r.readBody(t, n, lines)
	for _, h := range always {
		if !r.has(h.name) && !without[strings.ToLower(h.name)] {
			r.header = append(r.header, header{h.name, n.fill(t, h.value)})
		}
	}
	return r
}

// readHead takes the header lines from the front of lines; without are the names to leave out.
func (r *request) readHead(t testing.TB, n *names, lines []string) (rest []string, without map[string]bool) {
	t.Helper()
	without = map[string]bool{}
	for i, line := range lines {
		switch name, isLess := strings.CutPrefix(line, "-"); {
		case headerLine.MatchString(line):
			name, value, _ := strings.Cut(line, ":")
			r.header = append(r.header, header{name, n.fill(t, strings.TrimPrefix(value, " "))})
		case isLess && !strings.HasPrefix(name, " ") && headerLine.MatchString(name+":"):
			without[strings.ToLower(name)] = true
		default:
			return lines[i:], without
		}
	}
	return nil, without
}

// readBody reads a form, or raw text behind an empty line.
func (r *request) readBody(t testing.TB, n *names, lines []string) {
	t.Helper()
	for len(lines) > 0 && lines[len(lines)-1] == "" {
		lines = lines[:len(lines)-1]
	}
	switch {
	case len(lines) == 0:
	case strings.HasPrefix(lines[0], "- "):
		r.readForm(t, n, lines)
	case lines[0] == "":
		end := "\n"
		if strings.Contains(strings.Join(r.values("Content-Type"), ""), "multipart/") {
			end = "\r\n"
		}
		r.body, r.hasBody = []byte(n.fill(t, strings.Join(lines[1:], end))), true
	default:
		t.Fatalf("what is this line? %q", lines[0])
	}
}

func (r *request) readForm(t testing.TB, n *names, lines []string) {
	t.Helper()
	var parts []part
	for _, line := range lines {
		found := partLine.FindStringSubmatch(line)
		if found == nil {
			t.Fatalf("no part of a form: %q", line)
		}
		p := part{name: n.fill(t, found[1]), isFile: found[2] != "", filename: found[3], content: n.fill(t, found[5])}
		if typed := partType.FindStringSubmatch(p.filename); typed != nil {
			p.filename, p.contentType = typed[1], typed[2]
		}
		p.filename = n.fill(t, p.filename)
		parts = append(parts, p)
	}
	r.body, r.hasBody = formBody(parts), true
	if !r.has("Content-Type") {
		r.header = append(r.header, header{"Content-Type", "multipart/form-data; boundary=" + formBoundary})
	}
}

func (r *request) values(name string) []string {
	var all []string
	for _, h := range r.header {
		if strings.EqualFold(h.name, name) {
			all = append(all, h.value)
		}
	}
	return all
}

// names are the values that a story knows by name.
type names struct {
	byName  map[string]string
	byValue map[string]string
	counted map[string]int
}

func newNames() *names {
	return &names{byName: map[string]string{"root": rootToken}, byValue: map[string]string{rootToken: "root"}, counted: map[string]int{}}
}

func (n *names) bind(name, value string) {
	n.byName[name], n.byValue[value] = value, name
}

// nameOf gives the name of a value, a new one such as file-3 if it has none.
func (n *names) nameOf(kind, value string) string {
	if name, ok := n.byValue[value]; ok {
		return "«" + name + "»"
	}
	n.counted[kind]++
	name := kind + "-" + strconv.Itoa(n.counted[kind])
	n.bind(name, value)
	return "«" + name + "»"
}

var (
	placeholder = regexp.MustCompile(`«([^«»]*)»`)
	repetition  = regexp.MustCompile(`^(?:(\d+)\.\.)?(\d+)×(.*)$`)
)

// fill puts what the names stand for into text.
func (n *names) fill(t testing.TB, text string) string {
	t.Helper()
	return placeholder.ReplaceAllStringFunc(text, func(found string) string {
		inner := strings.Trim(found, "«»")
		if times := repetition.FindStringSubmatch(inner); times != nil {
			return repeat(times[1], times[2], times[3])
		}
		if strings.HasPrefix(inner, `\`) {
			bytes, err := strconv.Unquote(`"` + inner + `"`)
			if err != nil {
				t.Fatalf("%s: %v", found, err)
			}
			return bytes
		}
		value, ok := n.byName[inner]
		if !ok {
			t.Fatalf("nothing is known as %s", found)
		}
		return value
	})
}

// repeat gives text as often as to says; in «1..3×k#,» the # counts: k1,k2,k3,.
func repeat(from, to, text string) string {
	last, _ := strconv.Atoi(to) // digits
	if from == "" {
		return strings.Repeat(text, last)
	}
	first, _ := strconv.Atoi(from)
	var b strings.Builder
	for i := first; i <= last; i++ {
		b.WriteString(strings.ReplaceAll(text, "#", fmt.Sprint(i)))
	}
	return b.String()
}
