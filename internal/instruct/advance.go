package instruct

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/satchel-files/satchel"
	"github.com/satchel-files/satchel/internal/llm"
	"github.com/satchel-files/satchel/internal/metaschema"
)

// What State.Next can be.
const (
	stepAsk    = "ask"    // does the instruction need the document?
	stepRead   = "read"   // the next window
	stepReread = "reread" // what windows copied, together
	stepChoose = "choose" // between what windows gave
)

// progress is State.Data. Its size is bounded whatever the document is like.
type progress struct {
	At     position     `json:"at,omitzero"`      // where the next window begins
	Bytes  int64        `json:"bytes,omitempty"`  // of the text, that were read
	Last   int          `json:"last,omitempty"`   // the last page that was read
	Seen   bool         `json:"seen,omitempty"`   // there was something to read
	Halved int          `json:"halved,omitempty"` // how often windows were too long for the model
	Point  point        `json:"point,omitempty"`  // how the text writes numbers
	Order  order        `json:"order,omitempty"`  // and dates
	Found  []candidate  `json:"found,omitempty"`  // values, in the order in which they were found
	Moves  satchel.Edit `json:"moves,omitzero"`   // renames and removals
	Notes  []string     `json:"notes,omitempty"`  // as in Result
	Again  *again       `json:"again,omitempty"`  // the last answer was wrong
	Full   bool         `json:"full,omitempty"`   // more was found than is kept

	Left map[string]string `json:"left,omitempty"` // values of keys that were not believed, and why

	size int // of Found in bytes, about; 0: not yet known
}

// leave notes a value that is not believed. Another window can still bring one that is.
func (p *progress) leave(key string, value any, why string) {
	if p.Left == nil {
		p.Left = map[string]string{}
	}
	if len(p.Left) < maxNotes {
		p.Left[key] = shortened(satchel.CanonicalJSON(value), maxShownValue) + " " + why
	}
}

// again is an answer that is asked for once more.
type again struct {
	Answer string `json:"answer"`
	Wrong  string `json:"wrong"`
	Cut    bool   `json:"cut,omitempty"`    // it was too long
	Rename bool   `json:"rename,omitempty"` // it must rename something
}

const (
	maxAgain    = 6 << 10 // bytes of a wrong answer that the model is shown again
	leastRoom   = 200     // tokens of a document that must fit beside the instruction
	overhead    = 64      // tokens that a conversation costs beside its texts
	beginning   = 350     // tokens of the document that an update shows first
	shareAnswer = 8       // of the context, that an answer may take; twice that when it was cut
	leastAnswer = 384
	mostAnswer  = 4096
)

// Advance does the next step of a task and gives the state after it; the caller stores that and calls again until Done. Each call makes one
// request of the model at most. An answer that was not of the form asked for, or against the schema, is asked for once more by the call
// after it, so that nothing is lost in between.
//
// With an error the state is the one that was given. A temporary *llm.Error, the end of ctx, and errors of Text are returned as they are:
// the same call may succeed later. Otherwise the error is a *satchel.Error that ends the task: CodeNoReadableContent, CodeModelRefused,
// CodeModelNonsense, or CodeInvalidValue for a schema that cannot be used.
func (e *Engine) Advance(ctx context.Context, task Task, state State) (State, error) {
	if state.Done {
		return state, nil
	}
	j, err := e.job(&task, state)
	if err != nil {
		return state, err
	}
	switch j.state.Next {
	case stepAsk:
		err = j.ask(ctx)
	case stepReread:
		err = j.reread(ctx)
	case stepChoose:
		err = j.choose(ctx)
	default:
		err = j.read(ctx)
	}
	if err == nil {
		err = j.save()
	}
	if err != nil {
		return state, err
	}
	return j.state, nil
}

// job is one step of a task.
type job struct {
	model  llm.Model
	limits llm.Limits
	task   *Task
	schema *metaschema.Schema
	may    licence
	editor *editor
	state  State
	p      progress

	renamed bool // the present answer renames something, if only a protected key
}

func (e *Engine) job(task *Task, state State) (*job, error) {
	s, err := metaschema.Parse(task.Schema)
	if err != nil {
		return nil, err
	}
	j := &job{model: e.model, limits: e.model.Limits(), task: task, schema: s, may: licenceOf(task.Kind, task.Instruction, task.Metadata), state: state}
	if len(state.Data) > 0 {
		decoder := json.NewDecoder(bytes.NewReader(state.Data))
		decoder.UseNumber()
		if err := decoder.Decode(&j.p); err != nil {
			return nil, fmt.Errorf("instruct: a state that is none: %w", err)
		}
	}
	if state.Next == "" {
		j.state.Next = stepRead
		if task.Kind == Update {
			j.state.Next = stepAsk
		}
	}
	j.editor = newEditor(task, s, j.may)
	j.editor.notes = j.p.Notes
	return j, nil
}

// save writes what the next call needs.
func (j *job) save() error {
	if j.state.Done {
		j.state.Next, j.state.Data = "", nil
		return nil
	}
	j.p.Notes = j.editor.notes
	data, err := metaschema.Encode(j.p)
	if err != nil {
		return fmt.Errorf("instruct: write the state: %w", err)
	}
	j.state.Data = data
	return nil
}

// request is one question to the model.
type request struct {
	prompt string
	images [][]byte
	schema json.RawMessage
}

var (
	errTooLong = errors.New("instruct: the request does not fit into the model's context")
	errLimit   = errors.New("instruct: the task's tokens are used up")
)

// send asks the model, once more about its last answer if that was wrong. errLimit and errTooLong are for the steps.
func (j *job) send(ctx context.Context, r request) (*llm.Response, error) {
	messages := []llm.Message{{Role: llm.RoleSystem, Text: systemText}, {Role: llm.RoleUser, Text: r.prompt, Images: r.images}}
	cut := false
	if a := j.p.Again; a != nil {
		said := fmt.Sprintf(againText, a.Wrong)
		if cut = a.Cut; cut {
			said = cutText
		}
		messages = append(messages, llm.Message{Role: llm.RoleAssistant, Text: a.Answer}, llm.Message{Role: llm.RoleUser, Text: said})
	}
	if j.task.MaxTokens > 0 && j.state.Tokens.Total()+int64(tokensOf(r.prompt)/2) > j.task.MaxTokens {
		return nil, errLimit
	}
	answer, err := j.model.Complete(ctx, llm.Request{Messages: messages, Schema: r.schema, SchemaName: "answer", MaxTokens: j.answerTokens(cut), Pieces: true})
	switch llm.KindOf(err) {
	case llm.KindTooLong:
		return nil, errTooLong
	case llm.KindRefused:
		failed, _ := errors.AsType[*llm.Error](err)
		return nil, &satchel.Error{Code: satchel.CodeModelRefused, Message: "the language model refused the request: " + failed.Message, Err: err}
	}
	if err != nil {
		return nil, err
	}
	j.state.Tokens = j.state.Tokens.Add(answer.Tokens)
	j.state.Model = cmp.Or(answer.Model, j.limits.Name)
	return answer, nil
}

// answerTokens is how long an answer may be.
func (j *job) answerTokens(more bool) int {
	tokens := min(max(j.limits.Context/shareAnswer, leastAnswer), mostAnswer)
	if more {
		tokens *= 2
	}
	return min(tokens, j.limits.Context/2)
}

// room is how many tokens of a document fit beside the rest of a prompt; an error if too few do.
func (j *job) room(rest string) (int, error) {
	room := j.limits.Context - j.answerTokens(true) - tokensOf(systemText+rest) - overhead
	if room < leastRoom {
		return 0, &satchel.Error{Code: satchel.CodeModelRefused, Message: fmt.Sprintf(
			"the instruction, with the schema and the metadata, is too long for the language model, which takes %d tokens; make it shorter", j.limits.Context)}
	}
	window := min(max(j.limits.Context/windowShare, smallestWindow), maxWindow, room) >> j.p.Halved
	return max(window, minWindow), nil
}

// parse reads an answer. Of a wrong one it remembers what is wrong, for the next call, and gives ok false; of the second wrong one it gives an
// error.
func (j *job) parse(r *llm.Response) (a answer, ok bool, err error) {
	second := j.p.Again != nil
	a, fault := readResponse(r, second && r.Truncated)
	if fault == nil && (second || !r.Truncated) {
		return a, true, nil
	}
	if fault == nil {
		fault = errors.New("it was cut off")
	}
	if second {
		return a, false, &satchel.Error{Code: satchel.CodeModelNonsense,
			Message: "the language model did not answer in the form asked for, also when asked again: " + fault.Error(), Err: fault}
	}
	j.again(r, fault)
	return a, false, nil
}

// again has the next call ask for a better answer.
func (j *job) again(r *llm.Response, fault error) {
	text := strings.TrimSpace(r.Text)
	if len(text) > maxAgain {
		text = text[:wholeRunes(text[:maxAgain])]
	}
	j.p.Again = &again{Answer: text, Wrong: fault.Error(), Cut: r.Truncated}
}

// accept checks what an answer wants under the schema and the limits, and that a rename is not forgotten. The first time that something is
// wrong, the next call asks for a better answer, and ok is false; the second time it is left out.
func (j *job) accept(r *llm.Response, edit satchel.Edit, may licence) (good satchel.Edit, ok bool) {
	faults := j.editor.review(edit)
	forgotten := len(may.rename) > 0 && !j.renamed && slices.ContainsFunc(j.editor.words, renameWord)
	switch {
	case len(faults) == 0 && !forgotten:
		return edit, true
	case j.p.Again != nil:
		if forgotten {
			edit = j.editor.withoutForgotten(edit, may)
		}
		return j.editor.prune(edit), true
	}
	j.editor.notes = j.p.Notes // those of this answer are for nothing
	if forgotten {
		j.again(r, errors.New(forgottenText))
	} else {
		j.again(r, wrong(faults))
	}
	j.p.Again.Rename = forgotten
	return edit, false
}
