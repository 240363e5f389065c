package process

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"io"

	semconv "go.opentelemetry.io/otel/semconv/v1.37.0"
	"go.opentelemetry.io/otel/trace"

	"github.com/satchel-files/satchel"
	"github.com/satchel-files/satchel/internal/extract"
	"github.com/satchel-files/satchel/internal/files"
	"github.com/satchel-files/satchel/internal/instruct"
	"github.com/satchel-files/satchel/internal/llm"
)

// instruct takes the second step: the model, request by request, each checkpointed.
func (r *run) instruct(ctx context.Context) error {
	if r.Model == nil {
		return r.failWithoutModel(ctx)
	}
	text, err := r.openText(ctx)
	if err != nil {
		return err
	}
	defer text.close()
	task, err := r.task(ctx, text)
	if err != nil {
		return err
	}
	meter := &meter{Model: r.Model, tracer: r.Tracer}
	engine := instruct.New(meter)
	state := parseProgress(r.work.Run().Progress).Instruct
	r.watcher.say(cmp.Or(state.Details, "asking the language model "+r.Model.Limits().Name))
	for !state.Done {
		if r.Now().After(r.until) {
			return r.handOver(ctx)
		}
		meter.spent = satchel.Tokens{}
		if failure, err := r.work.MayAsk(ctx); err != nil || failure != nil {
			return r.refused(ctx, failure, err)
		}
		state, err = engine.Advance(ctx, task, state)
		r.spent = meter.spent
		if err != nil {
			return err
		}
		r.watcher.say(state.Details)
		if err := r.work.Checkpoint(ctx, satchel.StepInstruct, progress{Instruct: state}.String(), state.Details, state.Tokens); err != nil {
			return err
		}
		r.spent = satchel.Tokens{}
	}
	outcome, err := outcomeOf(state)
	if err != nil {
		return err
	}
	if outcome.Edit.Empty() && len(outcome.Notes) == 0 {
		outcome.Details = "The language model found nothing to change."
	}
	return r.work.Finish(ctx, outcome)
}

// refused ends a run whose workspace lets no model be asked, or not now.
func (r *run) refused(ctx context.Context, failure *satchel.Failure, err error) error {
	if err != nil {
		return err
	}
	return r.fail(ctx, failure)
}

// failWithoutModel ends a run whose instructions nobody can carry out. Where they may not be carried out either, that is the reason: it stays one when a
// model is configured.
func (r *run) failWithoutModel(ctx context.Context) error {
	failure, err := r.work.MayAsk(ctx)
	if err != nil {
		return err
	}
	if failure == nil || failure.Code != satchel.CodeAIDisabled {
		failure = &satchel.Failure{
			Code: satchel.CodeModelNotConfigured, Message: "the file is stored, but its instructions were not carried out: this server has no language model configured",
		}
	}
	return r.fail(ctx, failure)
}

// meter is a model that counts what a step spends: a step that fails has no state that says so.
type meter struct {
	llm.Model
	tracer trace.Tracer
	spent  satchel.Tokens
}

// Complete implements llm.Model.
func (m *meter) Complete(ctx context.Context, r llm.Request) (*llm.Response, error) {
	ctx, span := traceModel(ctx, m.tracer, m.Limits())
	response, err := m.Model.Complete(ctx, r)
	if err == nil {
		m.spent = m.spent.Add(response.Tokens)
		span.SetAttributes(semconv.GenAIUsageInputTokens(int(response.Tokens.Input)), semconv.GenAIUsageOutputTokens(int(response.Tokens.Output)))
	}
	endSpan(span, err)
	return response, err
}

func (r *run) task(ctx context.Context, text *storedText) (instruct.Task, error) {
	metadata, protected, err := r.work.Metadata(ctx)
	if err != nil {
		return instruct.Task{}, err
	}
	kind := instruct.Process
	if r.work.Run().Kind == satchel.RunMetadata {
		kind = instruct.Update
	}
	return instruct.Task{
		Kind: kind, Instruction: r.work.Run().Instructions, Schema: r.work.Run().Schema, Metadata: metadata, Protected: protected,
		Filename: r.work.File().Filename, Text: text, MaxTokens: r.TokensPerFile,
	}, nil
}

func outcomeOf(state instruct.State) (files.Outcome, error) {
	o := files.Outcome{Model: state.Model, Tokens: state.Tokens, Edit: state.Result.Edit, Notes: state.Result.Notes, Evidence: map[string]json.RawMessage{}}
	for key, evidence := range state.Result.Evidence {
		text, err := json.Marshal(evidence)
		if err != nil {
			return o, err
		}
		o.Evidence[key] = text
	}
	return o, nil
}

// storedText is the file's text and its pages as images; it implements instruct.Text.
type storedText struct {
	run   *run
	text  io.ReadSeekCloser // nil: none
	pages []satchel.TextPage
}

func (r *run) openText(ctx context.Context) (*storedText, error) {
	t := &storedText{run: r}
	if r.work.File().Text.ID == "" {
		return t, nil
	}
	var err error
	t.text, t.pages, err = r.work.StoredText(ctx)
	return t, err
}

func (t *storedText) close() {
	if t.text != nil {
		_ = t.text.Close() // it was only read
	}
}

// Pages implements instruct.Text.
func (t *storedText) Pages() []satchel.TextPage { return t.pages }

// Read implements instruct.Text.
func (t *storedText) Read(_ context.Context, offset, length int64) (string, error) {
	if t.text == nil {
		return "", errors.New("process: reading a text that is not there")
	}
	return files.ReadText(t.text, offset, length)
}

// imageSide is the longer side of the images that models are shown, in pixels.
const imageSide = 1280

// Image implements instruct.Text.
func (t *storedText) Image(ctx context.Context, n int) ([]byte, error) {
	file := t.run.work.File()
	if !t.run.Model.Limits().Vision || file.Document == nil || n > max(1, file.Document.Pages) {
		return nil, nil
	}
	content, err := t.run.work.Content(ctx)
	if err != nil {
		return nil, err
	}
	defer content.Close()
	image, err := t.run.Pool.Render(ctx, content, file.Filename, n, imageSide)
	if errors.Is(err, extract.ErrUnsupported) || isDocumentFault(err) {
		return nil, nil
	}
	return image, err
}
