package process

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/satchel-files/satchel"
	"github.com/satchel-files/satchel/internal/instruct"
	"github.com/satchel-files/satchel/internal/llm"
)

const (
	firstPause = time.Second
	lastPause  = time.Minute
	patience   = 15 * time.Minute // with a model that does not answer, or a disk that is full
	maxUnknown = 5                // tries after errors of which nothing is known
)

// progress is a run's checkpoint: how far the instruction is, and what went wrong last.
type progress struct {
	Instruct instruct.State `json:"instruct"`
	Failing  time.Time      `json:"failing,omitzero"` // since when the present step has failed
	Tries    int            `json:"tries,omitempty"`  // how often
	Due      time.Time      `json:"due,omitzero"`     // when it is to be tried again
}

// parseProgress reads what String wrote. What it cannot read begins afresh.
func parseProgress(text string) progress {
	var p progress
	if err := json.Unmarshal([]byte(text), &p); err != nil {
		return progress{}
	}
	return p
}

func (p progress) String() string {
	text, err := json.Marshal(p)
	if err != nil {
		return "" // its parts are ours and encode
	}
	return string(text)
}

// retry is when and with which words a step is tried again.
type retry struct {
	at      time.Time
	details string
}

// next decides what becomes of a run whose step failed: another try, or its end.
func (p *progress) next(cause error, now time.Time) (retry, *satchel.Failure) {
	_, ofModel := errors.AsType[*llm.Error](cause) // which may have taken too long
	if !ofModel && (errors.Is(cause, context.Canceled) || errors.Is(cause, context.DeadlineExceeded)) {
		return retry{now, "waiting for a worker"}, nil // the worker stops, not the work
	}
	if p.Failing.IsZero() || now.Sub(p.Due) >= patience { // while the server was off, nothing failed
		p.Failing, p.Tries = now, 0
	}
	p.Tries++
	failure, last, temporary := judge(cause)
	over := now.Sub(p.Failing) >= patience || !temporary && p.Tries >= maxUnknown
	if last || over {
		return retry{}, failure
	}
	pause := min(firstPause<<min(p.Tries-1, 10), lastPause)
	if known, ok := errors.AsType[*llm.Error](cause); ok {
		pause = max(pause, min(known.RetryAfter, patience/3))
	}
	p.Due = now.Add(pause)
	return retry{p.Due, fmt.Sprintf("waiting: %s; next try in %s", failure.Message, pause.Round(time.Second))}, nil
}

// judge says how a run fails of an error, whether that is certain, and whether trying for long can help.
func judge(cause error) (failure *satchel.Failure, certain, temporary bool) {
	if known, ok := errors.AsType[*llm.Error](cause); ok {
		if known.Temporary() {
			return &satchel.Failure{Code: satchel.CodeModelUnavailable, Message: "the language model cannot be used: " + known.Message}, false, true
		}
		return &satchel.Failure{Code: satchel.CodeModelRefused, Message: "the language model refused the request: " + known.Message}, true, false
	}
	if known, ok := errors.AsType[*satchel.Error](cause); ok {
		switch known.Code {
		case satchel.CodeInsufficientStorage, satchel.CodeUnavailable:
			return &satchel.Failure{Code: known.Code, Message: known.Message}, false, true
		case satchel.CodeInternal, satchel.CodeConflict:
		default:
			return &satchel.Failure{Code: known.Code, Message: known.Message}, true, false
		}
	}
	return &satchel.Failure{Code: satchel.CodeInternal, Message: "something went wrong in the server; its log knows more"}, false, false
}
