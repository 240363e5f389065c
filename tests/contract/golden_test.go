package contract

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode"

	"github.com/google/go-cmp/cmp"

	"github.com/satchel-files/satchel/internal/daemon"
)

// update is a flag: the answers in testdata are written anew.
var update = flag.Bool("update", false, "write the answers in testdata anew")

func TestStories(t *testing.T) {
	t.Parallel()
	paths, err := filepath.Glob("testdata/*.http")
	if err != nil || len(paths) == 0 {
		t.Fatal("no stories", err)
	}
	for _, path := range paths {
		topic := strings.TrimSuffix(filepath.Base(path), ".http")
		t.Run(topic, func(t *testing.T) {
			t.Parallel()
			play(t, path, "")
		})
		if *update {
			continue
		}
		t.Run(topic+" under v1, on PostgreSQL", func(t *testing.T) {
			t.Parallel()
			play(t, path, "/v1", onPostgres(t))
		})
	}
}

// play runs a story on a server of its own and compares every answer.
func play(t *testing.T, path, prefix string, settings ...func(*daemon.Config)) {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	told := parseStory(t, string(text))
	server := newServer(t, append(settings, told.configure(t))...)
	n := newNames()
	for _, line := range told.tokens {
		n.introduce(line.name, server.makeToken(t, line.spec))
	}
	for _, step := range told.steps {
		step.play(t, server, n, told.always, told.shown, prefix)
	}
	if !*update {
		return
	}
	if err := os.WriteFile(path, []byte(told.String()), 0o644); err != nil {
		t.Fatal(err)
	}
}

// refuses reports whether the answer says that somebody has no right.
func (s *step) refuses() bool {
	return strings.HasPrefix(s.answer, "HTTP/1.1 401") || strings.HasPrefix(s.answer, "HTTP/1.1 403")
}

// introduce binds what a token's answer tells.
func (n *names) introduce(name string, made madeToken) {
	n.bind(name, made.Token)
	n.bind("tok-"+name, made.ID)
	n.bind("org-"+made.OrgName, made.OrgID)
	n.bind("user-"+made.UserName, made.UserID)
}

func (s *story) configure(t testing.TB) func(*daemon.Config) {
	return func(c *daemon.Config) {
		for name, value := range s.settings {
			switch name {
			case "max-file-bytes":
				if err := c.MaxFileBytes.Set(value); err != nil {
					t.Fatal(err)
				}
			case "workers":
				workers, err := strconv.Atoi(value)
				if err != nil {
					t.Fatal(err)
				}
				c.Workers = workers
			case "sweep-interval":
				interval, err := time.ParseDuration(value)
				if err != nil {
					t.Fatal(err)
				}
				c.SweepInterval = interval
			case "workspaces":
				c.Workspaces = value
			default:
				t.Fatalf("no such setting of the server: %s", name)
			}
		}
	}
}

// play sends the step's request and compares the answer, or notes it under -update.
func (s *step) play(t *testing.T, server *server, n *names, always []header, shown, prefix string) {
	t.Helper()
	r := s.request(t, n, always)
	r.target = prefix + r.target
	// The rules' failures should tell which step they mean.
	failed := t.Failed()
	a := server.do(t, r)
	if !*update && isCluster() && s.refuses() {
		a = server.within(t, r, a)
	}
	if s.shown != "" {
		shown = s.shown
	}
	got := n.render(r, a.only(t, shown))
	switch {
	case *update:
		s.answer = got
	case strings.TrimSpace(got) != strings.TrimSpace(s.answer):
		t.Errorf("line %d: %s\n%s", s.line, s.title, difference(strings.TrimSpace(s.answer), strings.TrimSpace(got)))
	}
	if !failed && t.Failed() {
		t.Logf("the first fault came with line %d: %s", s.line, s.title)
	}
}

// only gives the answer with no more of its File or Files than the named keys; "nothing" leaves out any body, "everything" none of it.
func (a answer) only(t *testing.T, keys string) answer {
	t.Helper()
	switch {
	case a.status >= http.StatusBadRequest || keys == "" || keys == "everything":
	case keys == "nothing":
		a.body = nil
	case a.isJSON():
		a.body = selectKeys(t, a.body, strings.Split(keys, ", "))
	}
	return a
}

// selectKeys keeps some keys of an object, in their order, or of every object in a list.
func selectKeys(t *testing.T, text json.RawMessage, keys []string) json.RawMessage {
	t.Helper()
	var list struct{ Data []json.RawMessage }
	var b bytes.Buffer
	if err := json.Unmarshal(text, &list); err != nil {
		t.Fatal(err)
	}
	for _, item := range members(t, text) {
		switch {
		case list.Data != nil && item.key == "data":
			item.value = json.RawMessage("[")
			for i, file := range list.Data {
				item.value = append(append(item.value, ","[:min(i, 1)]...), selectKeys(t, file, keys)...)
			}
			item.value = append(item.value, ']')
		case list.Data == nil && !slices.Contains(keys, item.key):
			continue
		}
		fmt.Fprintf(&b, ",%q:%s", item.key, item.value)
	}
	return json.RawMessage("{" + strings.TrimPrefix(b.String(), ",") + "}")
}

type member struct {
	key   string
	value json.RawMessage
}

// members gives what an object has, in its order.
func members(t *testing.T, object json.RawMessage) []member {
	t.Helper()
	decoder := json.NewDecoder(bytes.NewReader(object))
	var all []member
	for token, err := decoder.Token(); decoder.More(); token, err = decoder.Token() {
		key, isKey := token.(string)
		if err != nil || !isKey && token != json.Delim('{') {
			t.Fatalf("no object: %s", object)
		}
		if !isKey {
			continue
		}
		var value json.RawMessage
		if err := decoder.Decode(&value); err != nil {
			t.Fatal(err)
		}
		all = append(all, member{key, value})
	}
	return all
}

// render gives an answer as a story shows it.
func (n *names) render(r request, a answer) string {
	var b strings.Builder
	fmt.Fprintf(&b, "HTTP/1.1 %d %s\n", a.status, http.StatusText(a.status))
	for _, name := range slices.Sorted(maps.Keys(a.header)) {
		if hidden(name, a) {
			continue
		}
		for _, value := range a.header[name] {
			b.WriteString(strings.ToLower(name) + ": " + n.renderHeader(r, name, value) + "\n")
		}
	}
	if len(a.body) == 0 {
		return b.String()
	}
	b.WriteString("\n")
	if a.isJSON() {
		b.WriteString(n.renderJSON(r, a.body) + "\n")
	} else {
		b.WriteString(n.renderText(a) + "\n")
	}
	return b.String()
}

// hidden says which headers a story does not show, because every answer has them and the rules check them.
func hidden(name string, a answer) bool {
	switch name {
	case "Date", "X-Request-Id":
		return true
	case "Content-Length", "Content-Type", "Cache-Control", "X-Content-Type-Options":
		return a.isJSON()
	}
	return false
}

var boundaryForm = regexp.MustCompile(`boundary=(\w+)`)

func (n *names) renderHeader(r request, name, value string) string {
	if name == "X-Satchel-Run" {
		return n.renderIDs(r, value)
	}
	if name == "Last-Modified" {
		if at, err := http.ParseTime(value); err == nil && isNow(at.Unix()) {
			return "«time»"
		}
	}
	if found := boundaryForm.FindStringSubmatch(value); found != nil {
		value = strings.ReplaceAll(value, found[1], "«boundary»")
	}
	return value
}

var (
	idForm     = regexp.MustCompile(`\b(file|org|user|tok|req|run)-[0-9a-v]{25}\b`)
	secretForm = regexp.MustCompile(`\bsat_[0-9A-Za-z]{38}\b`)
	timeField  = regexp.MustCompile(`"(created_at|updated_at|expires_at|ended_at|at)": (\d+)`)
	dayField   = regexp.MustCompile(`"since": \d+`)
	usedField  = regexp.MustCompile(`"last_used_at": (null|\d+)`)
)

const (
	longRun   = 64 // of one character; more are written «1000×a»
	manyLines = 10 // alike; more are counted
)

// renderJSON indents JSON, without touching its order or its numbers, and names what differs from run to run.
func (n *names) renderJSON(r request, body []byte) string {
	var b bytes.Buffer
	if err := json.Indent(&b, body, "", "  "); err != nil {
		return "this is no JSON: " + string(body)
	}
	text := strings.TrimSpace(b.String())
	text = renderTimes(text)
	text = n.renderIDs(r, text)
	return foldLines(foldRuns(visible(text)))
}

// renderIDs names ids and secrets, except those that the request itself made up.
func (n *names) renderIDs(r request, text string) string {
	asked := r.target + string(r.body)
	name := func(kind func(string) string) func(string) string {
		return func(id string) string {
			if _, known := n.byValue[id]; !known && strings.Contains(asked, id) {
				return id
			}
			return n.nameOf(kind(id), id)
		}
	}
	text = idForm.ReplaceAllStringFunc(text, name(func(id string) string { kind, _, _ := strings.Cut(id, "-"); return kind }))
	return secretForm.ReplaceAllStringFunc(text, name(func(string) string { return "token" }))
}

// renderTimes names moments: the present one, and an expiry by its distance from the creation that stands before it.
func renderTimes(text string) string {
	text = dayField.ReplaceAllString(text, `"since": «a day»`)
	text = usedField.ReplaceAllString(text, `"last_used_at": «an hour, or null»`) // is noted beside the request
	var created int64
	return timeField.ReplaceAllStringFunc(text, func(found string) string {
		parts := timeField.FindStringSubmatch(found)
		at, _ := strconv.ParseInt(parts[2], 10, 64) // digits
		shown := parts[2]
		switch {
		case parts[1] == "created_at" && isNow(at):
			created, shown = at, "«time»"
		case parts[1] == "expires_at":
			shown = fmt.Sprintf("«created_at + %d»", at-created)
		case isNow(at) && at >= created:
			shown = "«time»"
		}
		return `"` + parts[1] + `": ` + shown
	})
}

// isNow is generous: a story may take minutes on a busy machine, and an hour is told from now by its start.
func isNow(unix int64) bool {
	distance := time.Since(time.Unix(unix, 0))
	return distance > -time.Hour && distance < time.Hour
}

// visible writes what no editor shows by its escape.
func visible(text string) string {
	var b strings.Builder
	for _, r := range text {
		if r != '\n' && !unicode.IsGraphic(r) {
			fmt.Fprintf(&b, "\\u%04x", r)
		} else {
			b.WriteRune(r)
		}
	}
	return b.String()
}

func foldRuns(text string) string {
	var b strings.Builder
	runes := []rune(text)
	for i := 0; i < len(runes); {
		end := i
		for end < len(runes) && runes[end] == runes[i] {
			end++
		}
		if end-i > longRun {
			fmt.Fprintf(&b, "«%d×%c»", end-i, runes[i])
		} else {
			b.WriteString(string(runes[i:end]))
		}
		i = end
	}
	return b.String()
}

func foldLines(text string) string {
	lines := strings.Split(text, "\n")
	var out []string
	for i := 0; i < len(lines); {
		end := i
		for end < len(lines) && lines[end] == lines[i] {
			end++
		}
		if end-i > manyLines {
			out = append(out, fmt.Sprintf("%s «%d lines like this»", lines[i], end-i))
		} else {
			out = append(out, lines[i:end]...)
		}
		i = end
	}
	return strings.Join(out, "\n")
}

// renderText shows a body that is not JSON; what is not printable becomes escapes.
func (n *names) renderText(a answer) string {
	text := string(a.body)
	if found := boundaryForm.FindStringSubmatch(a.header.Get("Content-Type")); found != nil {
		text = strings.ReplaceAll(text, found[1], "«boundary»")
	}
	text = strings.ReplaceAll(text, "\r\n", "\n")
	quoted := strconv.QuoteToGraphic(text)
	return strings.NewReplacer(`\n`, "\n", `\"`, `"`).Replace(quoted[1 : len(quoted)-1])
}

// difference shows what is missing (-) from an answer and what is new (+) in it.
func difference(want, got string) string {
	return cmp.Diff(strings.Split(want, "\n"), strings.Split(got, "\n"))
}
