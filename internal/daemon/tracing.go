package daemon

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"time"

	"go.opentelemetry.io/contrib/instrumentation/net/http/otelhttp"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	noopmetric "go.opentelemetry.io/otel/metric/noop"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	semconv "go.opentelemetry.io/otel/semconv/v1.37.0"
	"go.opentelemetry.io/otel/trace"
)

// flushTime is how long the end of a server may take to send its last spans.
const flushTime = 5 * time.Second

// tracing makes spans and sends them to a collector; nil: there are none.
type tracing struct{ provider *sdktrace.TracerProvider }

// openTracing begins to trace, if an endpoint is configured. Whether it can be reached shows only when the first spans are sent.
func (d *Daemon) openTracing(ctx context.Context) (*tracing, error) {
	c := d.config
	if c.OTLPEndpoint == "" {
		return nil, nil
	}
	exporter, err := otlptracehttp.New(ctx, otlptracehttp.WithEndpointURL(tracesURL(c.OTLPEndpoint)))
	if err != nil {
		return nil, fmt.Errorf("traces: %w", err)
	}
	about, err := resource.New(ctx, resource.WithHost(), resource.WithAttributes(semconv.ServiceName("satchel"), semconv.ServiceVersion(c.Version)), resource.WithFromEnv())
	if err != nil {
		return nil, fmt.Errorf("traces: %w", err)
	}
	return &tracing{sdktrace.NewTracerProvider(
		sdktrace.WithBatcher(&loggedExporter{exporter, d.logger}), sdktrace.WithResource(about),
		sdktrace.WithSampler(sdktrace.ParentBased(sdktrace.TraceIDRatioBased(c.TraceRatio))),
	)}, nil
}

// tracesURL is where a collector takes traces, as the specification of OTLP/HTTP has it.
func tracesURL(endpoint string) string {
	whole, _ := url.JoinPath(endpoint, "v1/traces") // Check has seen it
	return whole
}

// checkTracing finds what is wrong with the configuration of traces.
func (c Config) checkTracing() error {
	var all []error
	if u, err := url.Parse(c.OTLPEndpoint); c.OTLPEndpoint != "" && (err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https") {
		all = append(all, fmt.Errorf("OTLP endpoint: %q is no address of a collector; write it like http://127.0.0.1:4318", c.OTLPEndpoint))
	}
	if c.TraceRatio < 0 || c.TraceRatio > 1 {
		all = append(all, fmt.Errorf("trace ratio: %v is no part of all requests; write a number from 0 to 1", c.TraceRatio))
	}
	return errors.Join(all...)
}

// wrap has every request traced, but for probes.
func (t *tracing) wrap(handler http.Handler) http.Handler {
	if t == nil {
		return handler
	}
	return otelhttp.NewHandler(handler, "request",
		otelhttp.WithTracerProvider(t.provider), otelhttp.WithPropagators(propagation.TraceContext{}), otelhttp.WithMeterProvider(noopmetric.NewMeterProvider()),
		otelhttp.WithFilter(func(r *http.Request) bool {
			return r.URL.Path != "/health" && r.URL.Path != "/ready" && r.URL.Path != "/metrics"
		}))
}

// tracer makes the spans of what is done behind the API; nil where nothing is traced.
func (t *tracing) tracer() trace.Tracer {
	if t == nil {
		return nil
	}
	return t.provider.Tracer("github.com/satchel-files/satchel")
}

func (t *tracing) close() error {
	if t == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), flushTime)
	defer cancel()
	_ = t.provider.Shutdown(ctx) // spans that nobody takes are lost, and the log has said so
	return nil
}

// loggedExporter tells the log what goes wrong, and nobody else: OpenTelemetry would write it to standard error.
type loggedExporter struct {
	sdktrace.SpanExporter
	logger *slog.Logger
}

// ExportSpans sends spans; those that cannot be sent are gone.
func (e *loggedExporter) ExportSpans(ctx context.Context, spans []sdktrace.ReadOnlySpan) error {
	if err := e.SpanExporter.ExportSpans(ctx, spans); err != nil {
		e.logger.WarnContext(ctx, "spans are lost: the collector does not take them", "spans", len(spans), "err", err)
	}
	return nil
}
