package daemon

import (
	"context"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"

	"github.com/satchel-files/satchel/internal/blob"
	"github.com/satchel-files/satchel/internal/maintain"
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
		"expired": r.Expired, "blob": r.Removed, "orphan": r.Orphans, "partial": r.Partials, "idempotency_key": r.Forgotten, "failed": r.Failed,
	} {
		m.removed.WithLabelValues(kind).Add(float64(n))
	}
}

// watch adds what is asked for at every scrape.
func (m *metrics) watch(registry prometheus.Registerer, countFiles func(context.Context) (int64, error), vault *blob.Vault) {
	registry.MustRegister(
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "satchel_files", Help: "File rows."}, func() float64 {
			ctx, cancel := context.WithTimeout(context.Background(), countTimeout)
			defer cancel()
			n, err := countFiles(ctx)
			if err != nil {
				return -1 // unknown; a gauge cannot say so better
			}
			return float64(n)
		}),
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "satchel_staged_bytes", Help: "Bytes of uploads that are not published yet."}, func() float64 {
			return float64(vault.StagedBytes())
		}),
	)
}
