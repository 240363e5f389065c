package httpapi

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"runtime/debug"
	"strings"
	"time"

	"github.com/satchel-files/satchel"
)

// sendAtOnce is how much of a download goes out under one write deadline: a slow client may take the idle time-out for each.
const sendAtOnce = 4 << 20

// meter is a ResponseWriter that knows what was sent, and that gives up on clients who stop reading.
type meter struct {
	http.ResponseWriter
	control *http.ResponseController
	idle    time.Duration
	until   time.Time
	status  int
	sent    int64
}

func newMeter(w http.ResponseWriter, idle time.Duration) *meter {
	return &meter{ResponseWriter: w, control: http.NewResponseController(w), idle: idle}
}

// Unwrap lets http.ResponseController reach the connection.
func (m *meter) Unwrap() http.ResponseWriter { return m.ResponseWriter }

// WriteHeader notes the status.
func (m *meter) WriteHeader(status int) {
	if m.status == 0 && status >= http.StatusOK {
		m.status = status
	}
	m.extend()
	m.ResponseWriter.WriteHeader(status)
}

func (m *meter) Write(p []byte) (int, error) {
	m.begin()
	m.extend()
	n, err := m.ResponseWriter.Write(p)
	m.sent += int64(n)
	return n, err
}

// ReadFrom keeps the kernel's own copying of files (sendfile): net/http does it for an *io.LimitedReader over an *os.File, so the pieces
// are cut from the limit and not wrapped once more.
func (m *meter) ReadFrom(src io.Reader) (total int64, err error) {
	m.begin()
	limited, ok := src.(*io.LimitedReader)
	if !ok {
		limited = &io.LimitedReader{R: src, N: 1<<63 - 1}
	}
	for limited.N > 0 {
		m.extend()
		piece := &io.LimitedReader{R: limited.R, N: min(limited.N, sendAtOnce)}
		want := piece.N
		n, err := io.Copy(m.ResponseWriter, piece)
		total, m.sent, limited.N = total+n, m.sent+n, limited.N-n
		if err != nil || n < want {
			return total, err
		}
	}
	return total, nil
}

func (m *meter) begin() {
	if m.status == 0 {
		m.status = http.StatusOK
	}
}

func (m *meter) extend() {
	now := time.Now()
	if m.until.Sub(now) < m.idle*3/4 {
		m.until = now.Add(m.idle)
		_ = m.control.SetWriteDeadline(m.until) // connections without deadlines (tests) do without
	}
}

type contextKey int

const (
	requestIDKey contextKey = iota
	traceKey
)

// trace is what the access log tells of a request beyond its first line; handlers fill it.
type trace struct {
	route  string
	caller satchel.Caller
	read   func() int64
}

func requestID(ctx context.Context) string {
	id, _ := ctx.Value(requestIDKey).(string)
	return id
}

// observe gives a request its id, has it answered, and accounts for it: one line of log, and the metrics. A handler's panic is a 500.
func (a *API) observe(w http.ResponseWriter, r *http.Request, next http.HandlerFunc) {
	start := time.Now()
	id := "req-" + string(satchel.NewBlobID(start))
	tr := &trace{read: func() int64 { return 0 }}
	ctx := context.WithValue(context.WithValue(r.Context(), requestIDKey, id), traceKey, tr)
	r = r.WithContext(ctx)
	m := newMeter(w, a.idle)
	m.Header().Set("X-Request-Id", id)
	a.metrics.open.Inc()
	defer a.metrics.open.Dec()
	defer func() {
		if cause := recover(); cause != nil {
			a.afterPanic(m, r, cause)
		}
		took := time.Since(start)
		a.metrics.observe(tr.route, r.Method, m.status, took, tr.read(), m.sent)
		a.logRequest(r, m, tr, took)
		tr.describeSpan(ctx, r)
	}()
	next(m, r)
}

// afterPanic answers for a handler that broke, if it can still be answered. The cause is in the log.
func (a *API) afterPanic(m *meter, r *http.Request, cause any) {
	if cause == http.ErrAbortHandler { //nolint:errorlint // it is panicked with as it is
		panic(cause) // an answer that could not be ended, of which the log knows
	}
	a.logger.ErrorContext(r.Context(), "a handler panicked", "request_id", requestID(r.Context()), "cause", cause, "stack", string(debug.Stack()))
	if m.status != 0 {
		panic(http.ErrAbortHandler) // the client must not take half an answer for a whole one
	}
	writeProblem(m, http.StatusInternalServerError, satchel.Faults{{Code: satchel.CodeInternal}})
}

func (a *API) logRequest(r *http.Request, m *meter, tr *trace, took time.Duration) {
	level := slog.LevelInfo
	if tr.route == "GET /health" || tr.route == "GET /ready" || tr.route == "GET /metrics" {
		level = slog.LevelDebug // probes come every second and say nothing new
	}
	if !a.logger.Enabled(r.Context(), level) {
		return
	}
	attrs := []slog.Attr{
		slog.String("request_id", requestID(r.Context())), slog.String("method", r.Method), slog.String("path", strings.ToValidUTF8(r.URL.Path, "?")),
		slog.Int("status", m.status), slog.Duration("took", took), slog.Int64("in", tr.read()), slog.Int64("out", m.sent),
		slog.String("org", string(tr.caller.Org)), slog.String("user", string(tr.caller.User)), slog.String("token", string(tr.caller.Token)),
		slog.String("from", clientOf(r, a.proxies)),
	}
	if tr.caller.Issuer != "" { // its tokens have no id of ours
		attrs = append(attrs, slog.String("issuer", tr.caller.Issuer))
	}
	a.logger.LogAttrs(r.Context(), level, "request", attrs...)
}
