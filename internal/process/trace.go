package process

import (
	"context"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	semconv "go.opentelemetry.io/otel/semconv/v1.37.0"
	"go.opentelemetry.io/otel/trace"

	"github.com/satchel-files/satchel"
	"github.com/satchel-files/satchel/internal/files"
	"github.com/satchel-files/satchel/internal/llm"
)

// Spans hold ids, kinds, numbers and codes. Names of files, metadata, instructions, texts and what a model says are in none of them, and neither are the
// words of errors, which may quote them.

// traceRun begins the span of one worker's work on a run.
func (p *Processor) traceRun(ctx context.Context, work *files.Work) (context.Context, trace.Span) {
	run := work.Run()
	return p.Tracer.Start(ctx, "run "+string(run.Kind), trace.WithSpanKind(trace.SpanKindConsumer), trace.WithAttributes(
		attribute.String("satchel.run", string(run.ID)), attribute.String("satchel.file", string(run.File)),
		attribute.String("satchel.org", string(run.Org)), attribute.String("satchel.workspace", string(run.Workspace)),
	))
}

// endRun says what became of the run in this worker's hands; err is an error of the worker's own.
func endRun(span trace.Span, work *files.Work, err error) {
	run := work.Run()
	span.SetAttributes(attribute.String("satchel.run.state", string(run.State)))
	if run.Failure != nil {
		span.SetStatus(codes.Error, string(run.Failure.Code))
	}
	endSpan(span, err)
}

// traceModel begins the span of one request to a language model.
func traceModel(ctx context.Context, tracer trace.Tracer, model llm.Limits) (context.Context, trace.Span) {
	return tracer.Start(ctx, "chat "+model.Name, trace.WithSpanKind(trace.SpanKindClient), trace.WithAttributes(
		semconv.GenAIOperationNameChat, semconv.GenAIRequestModel(model.Name), semconv.ServerAddress(model.Host),
	))
}

// codeOf says what an error is for programs: a model's say what can be done about them.
func codeOf(err error) string {
	if kind := llm.KindOf(err); kind != "" {
		return "model_" + string(kind)
	}
	return string(satchel.CodeOf(err))
}

// endSpan ends a span; of an error it tells the code.
func endSpan(span trace.Span, err error) {
	if err != nil {
		span.SetStatus(codes.Error, codeOf(err))
	}
	span.End()
}
