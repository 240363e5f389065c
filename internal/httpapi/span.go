package httpapi

import (
	"context"
	"net/http"

	"go.opentelemetry.io/otel/attribute"
	semconv "go.opentelemetry.io/otel/semconv/v1.37.0"
	oteltrace "go.opentelemetry.io/otel/trace"
)

// describeSpan adds what only the API knows to the span of a request, if there is one.
func (tr *trace) describeSpan(ctx context.Context, r *http.Request) {
	span := oteltrace.SpanFromContext(ctx)
	if !span.IsRecording() {
		return
	}
	span.SetAttributes(attribute.String("satchel.request", requestID(ctx)))
	if tr.route != "" {
		span.SetName(tr.route)
		span.SetAttributes(semconv.HTTPRoute(tr.route[len(r.Method)+1:]))
	}
	if tr.caller.Org != "" {
		span.SetAttributes(attribute.String("satchel.org", string(tr.caller.Org)), attribute.String("satchel.user", string(tr.caller.User)))
	}
}
