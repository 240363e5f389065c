package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"time"

	"github.com/satchel-files/satchel"
	"github.com/satchel-files/satchel/internal/instruct"
	"github.com/satchel-files/satchel/internal/llm"
)

// tokensPerCase is the default of SATCHEL_LLM_TOKENS_PER_FILE.
const tokensPerCase = 500_000

// runner puts cases through a model.
type runner struct {
	model  *recorder
	engine *instruct.Engine
	folder string          // for transcripts
	waits  []time.Duration // before the same is asked again of an endpoint that is busy or down; after the last the run ends
	out    io.Writer
}

// outcome is what a run has measured.
type outcome struct {
	documents score
	schemas   score // of the documents, those with a schema
	edits     score
	tokens    satchel.Tokens
	seconds   float64 // of all documents together
}

func newRunner(model llm.Model, folder string, out io.Writer) *runner {
	r := &runner{model: &recorder{Model: model}, folder: filepath.Join(folder, fileName(model.Limits().Name)), waits: usualWaits(), out: out}
	r.engine = instruct.New(r.model)
	return r
}

// usualWaits are two and a half minutes together: a server that is started anew loads its model meanwhile.
func usualWaits() []time.Duration {
	return []time.Duration{5 * time.Second, 10 * time.Second, 15 * time.Second, 30 * time.Second, 30 * time.Second, time.Minute}
}

// all runs every case of a set, one after the other.
func (r *runner) all(ctx context.Context, s set) (o outcome, err error) {
	for _, d := range s.documents {
		got, tokens, seconds, err := r.document(ctx, d)
		if err != nil {
			return o, err
		}
		o.documents.add(got)
		if d.Schema != "none" {
			o.schemas.add(got)
		}
		o.tokens, o.seconds = o.tokens.Add(tokens), o.seconds+seconds
	}
	for _, e := range s.edits {
		got, tokens, err := r.edit(ctx, e)
		if err != nil {
			return o, err
		}
		o.edits.add(got)
		o.tokens = o.tokens.Add(tokens)
	}
	return o, nil
}

func (r *runner) document(ctx context.Context, d document) (score, satchel.Tokens, float64, error) {
	before, err := d.before()
	if err != nil {
		return score{}, satchel.Tokens{}, 0, err
	}
	task := instruct.Task{
		Kind: instruct.Process, Instruction: d.Instruction, Schema: d.schema(), Metadata: before, Filename: d.name + ".txt",
		Text: newMemoryText(d.text), MaxTokens: tokensPerCase,
	}
	start := time.Now()
	state, failure := r.do(ctx, task)
	seconds := time.Since(start).Seconds()
	if temporary(failure) {
		return score{}, state.Tokens, seconds, failure
	}
	got := failedCase(d.Fields, failure)
	if failure == nil {
		if got, err = scoreDocument(d, state.Result); err != nil {
			got = failedCase(d.Fields, err)
		}
	}
	return got, state.Tokens, seconds, r.note(ctx, d.name, got, state, seconds)
}

func (r *runner) edit(ctx context.Context, e edit) (score, satchel.Tokens, error) {
	task := instruct.Task{
		Kind: instruct.Update, Instruction: e.Instruction, Schema: string(e.Schema), Metadata: e.before, Filename: e.name + ".txt",
		Text: newMemoryText(e.text), MaxTokens: tokensPerCase,
	}
	start := time.Now()
	state, failure := r.do(ctx, task)
	if temporary(failure) {
		return score{}, state.Tokens, failure
	}
	var got score
	if failure == nil {
		got, failure = scoreEdit(e, state.Result)
	}
	if satchel.CodeOf(failure) == satchel.CodeNoReadableContent {
		got, failure = scoreEdit(e, &instruct.Result{}) // it asked for a document that is not there: metadata stay as they are
	}
	if failure != nil {
		got = failedCase(e.After, failure)
	}
	return got, state.Tokens, r.note(ctx, e.name, got, state, time.Since(start).Seconds())
}

// do carries out a task to its end. An error that is temporary even after all waits is no fault of the case: it ends the run.
func (r *runner) do(ctx context.Context, task instruct.Task) (state instruct.State, err error) {
	for failures := 0; !state.Done; {
		next, err := r.engine.Advance(ctx, task, state)
		if err == nil {
			state, failures = next, 0
			continue
		}
		if !temporary(err) || failures == len(r.waits) {
			return state, err
		}
		if err := pause(ctx, r.waits[failures]); err != nil {
			return state, err
		}
		failures++
	}
	return state, nil
}

func temporary(err error) bool {
	e, ok := errors.AsType[*llm.Error](err)
	return ok && e.Temporary()
}

func pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}

// note prints how a case went and keeps its transcript. It fails when the run was stopped.
func (r *runner) note(ctx context.Context, name string, got score, state instruct.State, seconds float64) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	_, _ = fmt.Fprintf(r.out, "%-28s %2d of %2d  %5d tokens  %5.1f s\n", name, got.exact+got.near, got.fields, state.Tokens.Total(), seconds)
	for _, fault := range got.faults {
		_, _ = fmt.Fprintf(r.out, "    %s\n", fault)
	}
	return transcript{Case: name, Faults: got.faults, Result: state.Result, Calls: r.model.take()}.keep(r.folder)
}
