package openai

import (
	"crypto/sha256"
	"encoding/json"
	"errors"
	"net/http"
	"regexp"
	"sync"

	"github.com/satchel-files/satchel/internal/llm"
)

// form is how the form of an answer is asked for, from the firmest to the weakest.
type form int

const (
	strictSchema form = iota // response_format json_schema, kept to the letter
	looseSchema              // response_format json_schema
	jsonObject               // response_format json_object, and the schema in the prompt
	promptOnly               // the schema in the prompt
)

func (f form) String() string {
	switch f {
	case strictSchema:
		return "a strict json_schema"
	case looseSchema:
		return "json_schema"
	case jsonObject:
		return "json_object"
	default:
		return "the prompt alone"
	}
}

// way is how a request is put to an endpoint. Every change leads further down; none leads back.
type way struct {
	form      form
	newLimit  bool // the limit is max_completion_tokens instead of max_tokens
	noHeat    bool // temperature is left out
	noPieces  bool // logprobs are not asked for
	noSystems bool // system messages become part of the first user message
}

// maxExceptions bounds the schemas that are remembered.
const maxExceptions = 128

// learned is what is known of an endpoint.
type learned struct {
	mu         sync.Mutex
	usual      way
	proven     map[form]bool              // forms in which JSON came back: what fails afterwards is the schema's fault
	exceptions map[[sha256.Size]byte]form // for schemas that need a weaker form than the usual one
}

func newLearned() *learned {
	return &learned{proven: map[form]bool{}, exceptions: map[[sha256.Size]byte]form{}}
}

// way says how a request for this schema is put.
func (l *learned) way(schema json.RawMessage) way {
	l.mu.Lock()
	defer l.mu.Unlock()
	w := l.usual
	w.form = max(w.form, l.exceptions[sha256.Sum256(schema)])
	return w
}

// answered notes what an answer tells. An endpoint that takes a form and does not keep to it is asked in a weaker one, unless it was seen to
// keep to it: then it was the model's slip.
func (l *learned) answered(w way, schema json.RawMessage, r *llm.Response) (found string) {
	if len(schema) == 0 || r.Truncated {
		return ""
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if json.Valid([]byte(r.Text)) {
		l.proven[w.form] = true
		return ""
	}
	next := min(max(w.form+1, jsonObject), promptOnly) // it would not keep to a loose schema either
	if l.proven[w.form] || l.usual.form >= next {
		return ""
	}
	l.usual.form = next
	return "it does not keep to " + w.form.String()
}

// weaken has one schema asked for in this form, and all of them if the fault is not the schema's.
func (l *learned) weaken(from, next form, schema json.RawMessage, thisSchema bool) (found string) {
	if !thisSchema && !l.proven[from] {
		l.usual.form = max(l.usual.form, next)
		return "it does not take " + from.String()
	}
	if len(l.exceptions) >= maxExceptions {
		clear(l.exceptions)
	}
	l.exceptions[sha256.Sum256(schema)] = next
	return ""
}

// What refusals speak of.
var (
	saysUnsupported = regexp.MustCompile(`(?i)unsupported|not supported|unrecognized|unknown|unexpected|extra|instead|not permitted|not allowed|forbidden`)
	saysPieces      = regexp.MustCompile(`(?i)log_?probs`)
	saysTemperature = regexp.MustCompile(`(?i)\btemperature\b`)
	saysLimit       = regexp.MustCompile(`(?i)\bmax_(completion_)?tokens\b`)
	saysSystem      = regexp.MustCompile(`(?i)system (role|message|prompt)s?\b|roles? must alternate`)
	saysForm        = regexp.MustCompile(`(?i)response_?format|json[_ ]?(schema|object|mode)|\bschema\b|\bgrammar\b|structured[_ ]outputs?|guided`)
	// saysThisSchema tells the fault of one schema from the lack of any.
	saysThisSchema = regexp.MustCompile(`(?i)invalid (json ?)?schema|schema (error|is invalid|is not valid)|\bgrammar\b|\$ref|additionalProperties|keyword`)
)

// refused gives the way in which a refused request may do better, w itself if there is none, and what that tells about the endpoint.
func (l *learned) refused(w way, schema json.RawMessage, err error) (next way, found string) {
	f, ok := errors.AsType[*failure](err)
	if !ok || llm.KindOf(err) == llm.KindTooLong || !f.aboutRequest() {
		return w, ""
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	next = w
	text := f.message + " " + f.param
	switch {
	case !w.noPieces && saysPieces.MatchString(text):
		next.noPieces, l.usual.noPieces = true, true
		found = "it does not tell how probable its tokens are"
	case !w.newLimit && saysLimit.MatchString(text) && saysUnsupported.MatchString(text):
		next.newLimit, l.usual.newLimit = true, true
		found = "it wants max_completion_tokens"
	case !w.noHeat && saysTemperature.MatchString(text):
		next.noHeat, l.usual.noHeat = true, true
		found = "it takes no temperature"
	case !w.noSystems && saysSystem.MatchString(text):
		next.noSystems, l.usual.noSystems = true, true
		found = "it takes no system messages"
	case len(schema) > 0 && w.form < promptOnly && saysForm.MatchString(text):
		next.form = w.form + 1
		found = l.weaken(w.form, next.form, schema, saysThisSchema.MatchString(text))
	}
	return next, found
}

// aboutRequest reports whether a failure may be a refusal of how the request was put. Some servers call that an error of their own.
func (f *failure) aboutRequest() bool {
	switch f.status {
	case http.StatusBadRequest, http.StatusNotFound, http.StatusUnprocessableEntity, http.StatusInternalServerError, http.StatusNotImplemented:
		return true
	case http.StatusForbidden: // in which some speak of a model's rights
		return saysPieces.MatchString(f.message)
	}
	return false
}
