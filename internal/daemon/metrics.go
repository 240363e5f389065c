package daemon

import (
	"context"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"

	"github.com/satchel-files/satchel"
	"github.com/satchel-files/satchel/internal/blob"
	"github.com/satchel-files/satchel/internal/maintain"
	"github.com/satchel-files/satchel/internal/meta"
)

// countTimeout bounds the query behind the number of files: a scrape must not wait for a busy database.
const countTimeout = 2 * time.Second

// metrics counts what happens behind the API.
type metrics struct {
	batches prometheus.Histogram
	sweeps  *prometheus.CounterVec
	removed *prometheus.CounterVec
}

func newMetrics(registry prometheus.Registerer) *metrics {
	m := &metrics{
		batches: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "satchel_commit_batch_size", Help: "Transactions that shared one commit of the database.", Buckets: []float64{1, 2, 4, 8, 16, 32, 64, 128},
		}),
		sweeps:  prometheus.NewCounterVec(prometheus.CounterOpts{Name: "satchel_sweeps_total", Help: "Passes of the sweeper, by kind."}, []string{"kind"}),
		removed: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "satchel_swept_total", Help: "What the sweeper removed, by kind; failed: what it could not."}, []string{"kind"}),
	}
	registry.MustRegister(m.batches, m.sweeps, m.removed, collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
}

func (m *metrics) commit(batch int) { m.batches.Observe(float64(batch)) }

func (m *metrics) sweep(r maintain.SweepResult) {
	kind := "light"
	if r.Full {
		kind = "full"
	}
	m.sweeps.WithLabelValues(kind).Inc()
	for kind, n := range map[string]int{
		"expired": r.Expired, "blob": r.Removed, "orphan": r.Orphans, "partial": r.Partials, "idempotency_key": r.Forgotten, "audit": r.Audit, "failed": r.Failed,
	} {
		m.removed.WithLabelValues(kind).Add(float64(n))
	}
}

// watch adds what is asked for at every scrape.
func (m *metrics) watch(registry prometheus.Registerer, rows meta.System, vault *blob.Vault) {
	registry.MustRegister(
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "satchel_files", Help: "File rows."}, counting(rows.CountFiles)),
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "satchel_runs_open", Help: "Runs that wait or are being worked on."}, counting(rows.CountRuns)),
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "satchel_staged_bytes", Help: "Bytes of uploads that are not published yet."}, func() float64 {
			return float64(vault.StagedBytes())
		}),
	)
}

// connected is a store that has connections to a database elsewhere.
type connected interface {
	Connections() (busy, most int32)
}

// watchConnections adds what is known of a store's connections, if it has any.
func (m *metrics) watchConnections(registry prometheus.Registerer, rows rowStore) {
	store, ok := rows.(connected)
	if !ok {
		return
	}
	registry.MustRegister(
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "satchel_database_connections_busy", Help: "Connections to PostgreSQL in use."}, func() float64 {
			busy, _ := store.Connections()
			return float64(busy)
		}),
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "satchel_database_connections_most", Help: "Connections to PostgreSQL that this process may open."}, func() float64 {
			_, most := store.Connections()
			return float64(most)
		}),
	)
}

// counting makes a gauge of a query.
func counting(count func(context.Context) (int64, error)) func() float64 {
	return func() float64 {
		ctx, cancel := context.WithTimeout(context.Background(), countTimeout)
		defer cancel()
		n, err := count(ctx)
		if err != nil {
			return -1 // unknown; a gauge cannot say so better
		}
		return float64(n)
	}
}

// runMetrics counts what becomes of runs.
type runMetrics struct {
	runs   *prometheus.CounterVec
	took   *prometheus.HistogramVec
	tokens *prometheus.CounterVec
}

func newRunMetrics(registry prometheus.Registerer) *runMetrics {
	m := &runMetrics{
		runs: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "satchel_runs_total", Help: "Runs that ended, by kind, state and code of failure."}, []string{"kind", "state", "code"}),
		took: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "satchel_run_duration_seconds", Help: "Time from the request for a run to its end, by kind.",
			Buckets: []float64{.025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30, 60, 300, 900, 3600},
		}, []string{"kind"}),
		tokens: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "satchel_llm_tokens_total", Help: "Tokens that the language model read and wrote for runs that ended."}, []string{"direction"}),
	}
	registry.MustRegister(m.runs, m.took, m.tokens)
	return m
}

func (m *runMetrics) observe(run *satchel.Run) {
	code := ""
	if run.Failure != nil {
		code = string(run.Failure.Code)
	}
	m.runs.WithLabelValues(string(run.Kind), string(run.State), code).Inc()
	m.took.WithLabelValues(string(run.Kind)).Observe(run.EndedAt.Sub(run.CreatedAt).Seconds())
	m.tokens.WithLabelValues("input").Add(float64(run.Tokens.Input))
	m.tokens.WithLabelValues("output").Add(float64(run.Tokens.Output))
}
