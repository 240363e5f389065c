package daemon_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"

	coltrace "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"

	"github.com/satchel-files/satchel/api"
	"github.com/satchel-files/satchel/client"
	"github.com/satchel-files/satchel/internal/llm/llmtest"
)

// collector takes spans as OTLP over HTTP.
type collector struct {
	*httptest.Server
	mu    sync.Mutex
	spans []*tracepb.Span
	raw   bytes.Buffer
}

func newCollector(t *testing.T) *collector {
	t.Helper()
	c := &collector{}
	c.Server = httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/v1/traces" {
			t.Errorf("spans are sent to %s", r.URL.Path)
		}
		if err := c.take(r); err != nil {
			t.Error(err)
		}
	}))
	t.Cleanup(c.Close)
	return c
}

func (c *collector) take(r *http.Request) error {
	body := io.Reader(r.Body)
	if r.Header.Get("Content-Encoding") == "gzip" {
		unzipped, err := gzip.NewReader(r.Body)
		if err != nil {
			return err
		}
		body = unzipped
	}
	text, err := io.ReadAll(body)
	if err != nil {
		return err
	}
	var request coltrace.ExportTraceServiceRequest
	if err := proto.Unmarshal(text, &request); err != nil {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.raw.Write(text)
	for _, resource := range request.GetResourceSpans() {
		for _, scope := range resource.GetScopeSpans() {
			c.spans = append(c.spans, scope.GetSpans()...)
		}
	}
	return nil
}

// traced serves with a collector while do works, and ends: then all spans have come.
func traced(t *testing.T, ratio float64, do func(c *client.Client, token string)) *collector {
	t.Helper()
	spans := newCollector(t)
	model := llmtest.New(t, llmtest.JSON(map[string]any{"set": map[string]any{"subject": "logic"}}))
	c := config(t)
	c.Workers, c.OTLPEndpoint, c.TraceRatio = 1, spans.URL, ratio
	c.LLM.URL, c.LLM.Model = model.URL, llmtest.Model
	d := open(t, c)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error)
	go func() { ended <- d.Run(ctx) }()
	do(client.New(d.URL(), d.FirstToken()), d.FirstToken())
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
	if err := d.Close(); err != nil {
		t.Error(err)
	}
	return spans
}

// way gives the names of the spans from the beginning of a trace down to the first span of a name.
func (c *collector) way(name string) (names []string) {
	for _, span := range c.spans {
		if span.GetName() != name {
			continue
		}
		for span != nil {
			names = append([]string{span.GetName()}, names...)
			span = c.parent(span)
		}
		break
	}
	return names
}

func (c *collector) parent(of *tracepb.Span) *tracepb.Span {
	for _, span := range c.spans {
		if bytes.Equal(span.GetSpanId(), of.GetParentSpanId()) && bytes.Equal(span.GetTraceId(), of.GetTraceId()) {
			return span
		}
	}
	return nil
}

// TestTraces follows an upload from the request through its run to the model: one trace, in which each span is below the one before, and nothing that
// is the user's.
func TestTraces(t *testing.T) {
	var token string
	var run *api.Run
	spans := traced(t, 1, func(c *client.Client, secret string) {
		token = secret
		files, err := c.Upload(t.Context(), client.Upload{
			Sources: []client.Source{{Name: "diary.txt", Body: strings.NewReader("Being is."), Size: 9}}, Instructions: "Find the subject.",
			Metadata: json.RawMessage(`{"shelf":"attic"}`),
		})
		if err != nil {
			t.Fatal(err)
		}
		file, err := c.WaitForProcessing(t.Context(), files[0].ID)
		if err != nil || file.Status != "processed" {
			t.Fatal(file, err)
		}
		for found, err := range c.Files(t.Context(), client.ListOptions{Metadata: json.RawMessage(`{"shelf":"attic"}`)}) {
			if err != nil || found.ID != file.ID {
				t.Error(found, err)
			}
		}
		runs, err := c.Runs(t.Context(), file.ID, "", 1)
		if err != nil {
			t.Fatal(err)
		}
		run = runs.Data[0]
	})
	for _, way := range [][]string{
		{"POST /files", "run process", "extract"}, {"POST /files", "run process", "run process", "chat " + llmtest.Model}, {"GET /files"},
	} {
		if got := spans.way(way[len(way)-1]); !slices.Equal(got, way) {
			t.Errorf("%v leads to the last span of %v", got, way)
		}
	}
	for _, secret := range []string{token, "diary", "Being", "subject", "attic", "shelf", "logic"} {
		if strings.Contains(spans.raw.String(), secret) {
			t.Errorf("the collector is told %q", secret)
		}
	}
	if !strings.Contains(spans.raw.String(), run.ID) {
		t.Errorf("no span names the run %s", run.ID)
	}
}

// TestTracesOfSome: where no request is to be traced, only those of callers who trace are.
func TestTracesOfSome(t *testing.T) {
	spans := traced(t, 0, func(c *client.Client, _ string) {
		if _, err := c.Usage(t.Context(), "", 1); err != nil {
			t.Error(err)
		}
	})
	if len(spans.spans) != 0 {
		t.Errorf("the spans are %v", spans.spans)
	}
}
