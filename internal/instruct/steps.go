package instruct

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/satchel-files/satchel"
	"github.com/satchel-files/satchel/internal/llm"
)

// ask shows the model the instruction, the metadata and the beginning of the text. What needs no more is done then.
func (j *job) ask(ctx context.Context) error {
	w, err := nextWindow(ctx, j.task.Text, position{}, beginning>>j.p.Halved, false)
	if err != nil {
		return err
	}
	r := request{prompt: j.askPrompt(w), schema: answerSchema(j.schema, j.asking(j.may), true, true)}
	if _, err := j.room(r.prompt); err != nil {
		return err
	}
	response, err := j.send(ctx, r)
	if err != nil {
		return j.fail(err)
	}
	a, ok, err := j.parse(response)
	if !ok || err != nil {
		return err
	}
	return j.asked(ctx, response, &a, w)
}

// asking is a licence as the answer's schema shows it: the second time, a rename that was forgotten must be there.
func (j *job) asking(may licence) licence {
	may.must = j.p.Again != nil && j.p.Again.Rename
	return may
}

// asked goes on with the answer to ask.
func (j *job) asked(ctx context.Context, response *llm.Response, a *answer, w *window) error {
	wanted := len(a.set)+len(a.rename)+len(a.remove) > 0
	edit := j.wants(a, w)
	unread := !w.end || w.blank() // there may be more than the model has seen
	if a.needsDocument || unread && j.fromDocument(edit.Set, w) || !wanted && !w.blank() && slices.ContainsFunc(j.editor.words, otherVerb) {
		return j.needsDocument(ctx, edit, w)
	}
	edit, ok := j.accept(response, edit, j.may)
	if !ok {
		return nil
	}
	j.p.Again = nil
	j.p.Moves = satchel.Edit{Rename: edit.Rename, Remove: edit.Remove}
	j.p.absorb(edit.Set, func(path []string, value any) *Evidence {
		if j.editor.says(value) { // it is the instruction's word, wherever it stands else
			return nil
		}
		return j.evidence(w, path, value)
	})
	return j.finish(ctx)
}

// fromDocument reports whether a model that says it needs no document has set what can only be from there: what stands in the beginning that
// it was shown, and neither in the instruction nor in the metadata; or what stands nowhere, unless a text was to be put in other words.
func (j *job) fromDocument(set map[string]any, w *window) bool {
	given := j.given()
	reworded := slices.ContainsFunc(j.editor.words, changeWord) &&
		!slices.ContainsFunc(j.editor.words, func(word string) bool { return documentWord(word) || contentVerb(word) })
	nothing := w.end && w.blank()
	for key, value := range set {
		old, _ := j.editor.base[key].(string)
		may := reworded || nothing && old != "" // there is no other source of it
		if slices.ContainsFunc(leavesOf(value), func(leaf any) bool {
			text, isText := leaf.(string)
			switch {
			case given(leaf):
				return false
			case slices.ContainsFunc(w.passages, func(p *passage) bool { return len(p.places(leaf)) > 0 }):
				return true
			}
			return !isText || isDay(text) || !may
		}) {
			return true
		}
	}
	return false
}

// needsDocument goes on to read the document. The moves that were asked for stay; what was set before anything was read is forgotten.
func (j *job) needsDocument(ctx context.Context, edit satchel.Edit, w *window) error {
	if w.blank() {
		readable, err := j.readable(ctx)
		if err != nil {
			return err
		}
		if !readable {
			return noContent()
		}
	}
	j.p.Again = nil
	j.p.Moves = satchel.Edit{Rename: edit.Rename, Remove: edit.Remove}
	j.state.Next = stepRead
	j.state.Details = "the instruction needs the document; reading it is next"
	return nil
}

// readable looks for anything that a model could read.
func (j *job) readable(ctx context.Context) (bool, error) {
	for at := (position{}); ; {
		w, err := nextWindow(ctx, j.task.Text, at, maxWindow, j.limits.Vision)
		if err != nil || !w.blank() {
			return err == nil, err
		}
		if w.end {
			return false, nil
		}
		at = w.next
	}
}

func noContent() error {
	return &satchel.Error{Code: satchel.CodeNoReadableContent,
		Message: "the instruction needs the content of the file, and no text was found in it; nothing was changed"}
}

// read shows the model the next window and takes what it gives.
func (j *job) read(ctx context.Context) error {
	w, err := j.nextReadable(ctx)
	if err != nil {
		return err
	}
	if w.blank() {
		if !j.p.Seen {
			return noContent()
		}
		return j.finish(ctx)
	}
	may := j.windowLicence()
	response, err := j.send(ctx, request{prompt: j.windowPrompt(w), images: w.images, schema: answerSchema(j.schema, j.asking(may), false, j.task.Kind == Update)})
	if err != nil {
		return j.fail(err)
	}
	a, ok, err := j.parse(response)
	if !ok || err != nil {
		return err
	}
	edit, ok := j.accept(response, j.wants(&a, w), may)
	if !ok {
		return nil
	}
	j.take(edit, w)
	if w.end {
		return j.finish(ctx)
	}
	return nil
}

// nextReadable gives the next window that is not blank, or the last.
func (j *job) nextReadable(ctx context.Context) (*window, error) {
	for {
		room, err := j.room(j.windowPrompt(&window{}))
		if err != nil {
			return nil, err
		}
		w, err := nextWindow(ctx, j.task.Text, j.p.At, room, j.limits.Vision)
		if err != nil || w.end || !w.blank() {
			return w, err
		}
		j.p.At, j.p.Bytes = w.next, j.p.Bytes+w.bytes
	}
}

// windowLicence is what a window's answer may move: only the first window of a Process task is asked, an Update has been.
func (j *job) windowLicence() licence {
	if j.task.Kind == Update || j.p.Seen {
		return licence{}
	}
	return j.may
}

// wants turns an answer into an edit in proper form, less what the instruction and the caller do not allow.
func (j *job) wants(a *answer, w *window) satchel.Edit {
	set, bad := cleanSet(a.set)
	for _, key := range bad {
		j.editor.note("A key that metadata cannot have was left out: %q.", key)
	}
	a.set = j.editor.assigned(set)
	if j.state.Next != stepAsk {
		j.withoutDoubtful(a)
	}
	j.editor.shown = w.passages
	j.habits(w)
	c := conformer{
		schema: j.schema, passages: w.passages, point: j.p.Point, order: j.p.Order, said: func(text string) bool { return j.task.Kind == Update && j.editor.says(text) },
		literal: slices.ContainsFunc(j.editor.words, formWord), asNumber: slices.ContainsFunc(j.editor.words, numericWord),
		strict: j.state.Next != stepAsk && len(w.passages) > 0 && len(w.images) == 0 && !slices.ContainsFunc(j.editor.words, changeWord), given: j.given(),
		invented: func(key string, value any) { j.p.leave(key, value, "does not stand in the document") },
		mistaken: func(key string, value any) { j.p.leave(key, value, "is something else in the document") },
	}
	a.set = c.conform(a.set)
	edit := j.editor.moves(a)
	j.renamed = len(edit.Rename) > 0
	edit.Set = j.editor.trim(a.set)
	j.editor.withoutNewNames(edit)
	j.editor.withoutUnasked(edit)
	return j.editor.protect(edit)
}

// given tells what a model can know without the document, or from windows before; also what it put together of such words.
func (j *job) given() func(value any) bool {
	text := j.task.Instruction + "\n" + j.task.Metadata.String()
	known, words := newPassage(0, text), wordsOf(text)
	return func(value any) bool {
		return len(known.places(value)) > 0 || assembled(value, words) || slices.ContainsFunc(j.p.Found, func(c candidate) bool { return sameValue(c.Value, value) })
	}
}

// habits learns how the text writes numbers and dates.
func (j *job) habits(w *window) {
	for _, p := range w.passages {
		all, _ := p.numbers()
		if j.p.Point == unsure {
			j.p.Point = pointOf(all)
		}
		days, _ := p.days()
		if j.p.Order == anyOrder {
			j.p.Order = orderOf(days)
		}
	}
}

// take keeps what a window gave, and goes to the next.
func (j *job) take(edit satchel.Edit, w *window) {
	if !j.p.Seen && j.task.Kind == Process {
		j.p.Moves = satchel.Edit{Rename: edit.Rename, Remove: edit.Remove}
	}
	whole := j.p.absorb(edit.Set, func(path []string, value any) *Evidence { return j.evidence(w, path, value) })
	j.p.Full = j.p.Full || !whole
	j.p.Seen, j.p.Again = true, nil
	j.p.At, j.p.Bytes, j.p.Last = w.next, j.p.Bytes+w.bytes, max(j.p.Last, w.last)
	j.state.Window++
	j.state.Windows = j.windows(w)
	j.state.Details = j.progressText()
}

// evidence finds a value in a window.
func (j *job) evidence(w *window, path []string, value any) *Evidence {
	hints := topHints(j.schema, path[0], path[len(path)-1])
	for _, p := range w.passages {
		if found, ok := p.evidence(value, hints); ok {
			return &found
		}
	}
	return nil
}

// windows estimates how many windows there are, by what is left of the text.
func (j *job) windows(w *window) int {
	if w.end {
		return j.state.Window
	}
	left := int64(0)
	for _, page := range j.task.Text.Pages() {
		left += page.Length
	}
	left = max(left-j.p.Bytes, 1)
	size := max(j.p.Bytes/int64(j.state.Window), 1)
	return j.state.Window + int((left+size-1)/size)
}

// progressText says how much was read.
func (j *job) progressText() string {
	pages := len(j.task.Text.Pages())
	switch {
	case pages > 1 && j.p.Last > 1:
		return fmt.Sprintf("read pages 1 to %d of %d", j.p.Last, pages)
	case pages > 1:
		return fmt.Sprintf("read page 1 of %d", pages)
	case j.state.Windows > 1:
		return fmt.Sprintf("read part %d of about %d", j.state.Window, j.state.Windows)
	}
	return "read the document"
}

// fail deals with the ends that are no failures: a window that is too long is made smaller, and a task whose tokens are used up is over.
func (j *job) fail(err error) error {
	switch {
	case errors.Is(err, errLimit):
		j.stop()
		return nil
	case !errors.Is(err, errTooLong):
		return err
	case minWindow<<j.p.Halved > maxWindow:
		return &satchel.Error{Code: satchel.CodeModelRefused, Message: "the language model takes no request as long as this instruction needs; its context is smaller than configured"}
	}
	j.p.Halved++
	j.p.Again = nil
	return nil
}

// stop ends the task where it is.
func (j *job) stop() {
	pages := len(j.task.Text.Pages())
	switch {
	case !j.p.Seen:
		j.editor.note("Nothing was read: the limit of %d tokens for one file was reached before.", j.task.MaxTokens)
	case pages > 1:
		j.editor.note("Only pages 1 to %d of %d were read: the limit of %d tokens for one file was reached.", j.p.Last, pages, j.task.MaxTokens)
	default:
		j.editor.note("Only the first %d parts of about %d were read: the limit of %d tokens for one file was reached.", j.state.Window, j.state.Windows, j.task.MaxTokens)
	}
	agreed, open := j.p.settle()
	for _, c := range open {
		agreed = append(agreed, c.fallback())
	}
	j.end(agreed)
}

// finish ends the task, or has the model compare first what windows gave.
func (j *job) finish(ctx context.Context) error {
	j.state.Windows = j.state.Window
	if j.rereads() {
		j.state.Next = stepReread
		j.state.Details = strings.TrimSuffix(j.progressText(), ".") + "; comparing what was found is next"
		return nil
	}
	return j.choosing(ctx)
}

// choosing ends the task, or has the model choose first where windows gave different values.
func (j *job) choosing(ctx context.Context) error {
	j.p.Again = nil
	agreed, open := j.p.settle()
	if len(open) == 0 {
		j.end(agreed)
		return ctx.Err()
	}
	j.state.Next = stepChoose
	j.state.Details = strings.TrimSuffix(j.progressText(), ".") + "; choosing between what was found is next"
	return nil
}

// choose has the model choose between the values that windows gave. Whatever it answers, the task is over then.
func (j *job) choose(ctx context.Context) error {
	agreed, open := j.p.settle()
	asked := open[:min(len(open), maxChoices)]
	prompt := choicePrompt(j.task.Instruction, j.schema, asked)
	for len(asked) > 1 && tokensOf(prompt) > j.limits.Context-j.answerTokens(true)-overhead {
		asked = asked[:len(asked)/2]
		prompt = choicePrompt(j.task.Instruction, j.schema, asked)
	}
	response, err := j.send(ctx, request{prompt: prompt, schema: choiceSchema(asked)})
	var a answer
	switch {
	case errors.Is(err, errTooLong), errors.Is(err, errLimit):
	case err != nil:
		return err
	default:
		a, err = readResponse(response, true)
		if err != nil && j.p.Again == nil {
			j.again(response, err)
			return nil
		}
	}
	for _, c := range open {
		best := c.fallback()
		if value, ok := a.set[satchel.PathText(c.path)]; ok {
			if chosen, ok := c.chosen(value); ok {
				best = chosen
			}
		}
		agreed = append(agreed, best)
	}
	j.end(agreed)
	return nil
}

// end makes the result of what was found.
func (j *job) end(agreed []candidate) {
	edit := clone(j.p.Moves)
	evidence := map[string]Evidence{}
	for _, c := range agreed {
		if edit.Set == nil {
			edit.Set = map[string]any{}
		}
		edit.Set = mergeInto(edit.Set, nested(c.Path, c.Value))
		if _, known := evidence[c.Path[0]]; !known && c.Evidence != nil {
			evidence[c.Path[0]] = *c.Evidence
		}
	}
	edit = j.editor.prune(j.editor.protect(edit))
	for key := range evidence {
		if _, set := edit.Set[key]; !set {
			delete(evidence, key)
		}
	}
	for _, key := range slices.Sorted(maps.Keys(j.p.Left)) {
		if _, set := edit.Set[key]; !set {
			j.editor.note("%q was left out: %s.", key, j.p.Left[key])
		}
	}
	j.missing(edit)
	if j.p.Full {
		j.editor.note("More was found than metadata can hold; the rest was left out.")
	}
	j.state.Done = true
	j.state.Details = "read the document"
	if j.p.Seen {
		j.state.Details = j.progressText()
	} else if j.task.Kind == Update {
		j.state.Details = "done without reading the document"
	}
	if edit.Empty() && !j.p.Seen && len(j.editor.notes) == 0 {
		j.editor.note("Nothing was changed: the language model found nothing to change by this instruction.")
	}
	j.state.Result = &Result{Edit: edit, Evidence: evidence, Notes: j.editor.notes}
}

// nested puts a value at a path into objects.
func nested(path []string, value any) map[string]any {
	if len(path) == 1 {
		return map[string]any{path[0]: value}
	}
	return map[string]any{path[0]: nested(path[1:], value)}
}

// missing names the keys that the schema requires and nobody has found.
func (j *job) missing(edit satchel.Edit) {
	if j.schema == nil {
		return
	}
	after, err := j.task.Metadata.Apply(edit)
	if err != nil {
		return
	}
	object := after.Object()
	required, _ := j.schema.Root.Get("required").([]any)
	for _, key := range required {
		name, _ := key.(string)
		if _, there := object[name]; !there {
			j.editor.note("%q, which the schema requires, was not found.", name)
		}
	}
}

// askPrompt is the prompt of ask.
func (j *job) askPrompt(w *window) string {
	var b strings.Builder
	if w.blank() {
		b.WriteString(askNoText)
	} else {
		b.WriteString(askBeginning + documentPart(w.text()))
	}
	b.WriteString(j.metadataLine() + askText + fmt.Sprintf(taskText, defuse(j.task.Instruction)))
	if j.schema != nil {
		b.WriteString(keyLines(j.schema))
	}
	b.WriteString(answerLine(j.may))
	return b.String()
}

// windowPrompt is the prompt of read.
func (j *job) windowPrompt(w *window) string {
	var b strings.Builder
	if text := w.text(); text != "" {
		b.WriteString(documentPart(text))
	}
	if len(w.images) > 0 {
		b.WriteString(imagesText)
	}
	if j.p.At != (position{}) || !w.end {
		fmt.Fprintf(&b, partText, j.state.Window+1)
	}
	b.WriteString(foundLine(j.p.Found, j.schema == nil) + j.wishes(j.windowLicence()))
	return b.String()
}

// wishes is the part of a prompt that says what is wanted.
func (j *job) wishes(may licence) string {
	metadata := ""
	if j.task.Kind == Update || !j.may.empty() {
		metadata = j.metadataLine()
	}
	return metadata + fmt.Sprintf(taskText, defuse(j.task.Instruction)) + keyLines(j.schema) + answerLine(may)
}
