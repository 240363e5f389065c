package httpapi

import (
	"net/http"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// metrics counts what the API does. Routes are the patterns, so that their number is fixed.
type metrics struct {
	requests *prometheus.CounterVec
	duration *prometheus.HistogramVec
	received *prometheus.CounterVec
	sent     *prometheus.CounterVec
	open     prometheus.Gauge
}

func newMetrics(registry prometheus.Registerer) *metrics {
	m := &metrics{
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "satchel_http_requests_total", Help: "Requests answered, by route and status."}, []string{"route", "status"}),
		duration: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "satchel_http_request_duration_seconds", Help: "Time from the first byte of a request to the last of its answer, by route.",
			Buckets: []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 10, 60, 600},
		}, []string{"route"}),
		received: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "satchel_http_received_bytes_total", Help: "Bytes of request bodies read, by route."}, []string{"route"}),
		sent:     prometheus.NewCounterVec(prometheus.CounterOpts{Name: "satchel_http_sent_bytes_total", Help: "Bytes of answer bodies sent, by route."}, []string{"route"}),
		open:     prometheus.NewGauge(prometheus.GaugeOpts{Name: "satchel_http_requests_open", Help: "Requests being answered now."}),
	}
	registry.MustRegister(m.requests, m.duration, m.received, m.sent, m.open)
	return m
}

func (m *metrics) observe(route, method string, status int, took time.Duration, received, sent int64) {
	if route == "" {
		route = knownMethod(method) + " unknown"
	}
	m.requests.WithLabelValues(route, strconv.Itoa(status)).Inc()
	m.duration.WithLabelValues(route).Observe(took.Seconds())
	m.received.WithLabelValues(route).Add(float64(received))
	m.sent.WithLabelValues(route).Add(float64(sent))
}

// knownMethod keeps invented methods from making ever new time series.
func knownMethod(method string) string {
	switch method {
	case http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete, http.MethodOptions:
		return method
	}
	return "OTHER"
}
