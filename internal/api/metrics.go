package api

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/regrant/regrant/internal/integration"
)

// Metrics counts what happens, without names and secrets: labels are words of
// the product only.
type Metrics struct {
	registry  *prometheus.Registry
	pulls     *prometheus.CounterVec
	rows      prometheus.Counter
	bytes     prometheus.Counter
	seconds   prometheus.Histogram
	incidents *prometheus.CounterVec
}

// NewMetrics makes counters at zero.
func NewMetrics() *Metrics {
	m := &Metrics{
		registry:  prometheus.NewRegistry(),
		pulls:     prometheus.NewCounterVec(prometheus.CounterOpts{Name: "regrant_pulls_total", Help: "Pulls that ended, by outcome."}, []string{"outcome"}),
		rows:      prometheus.NewCounter(prometheus.CounterOpts{Name: "regrant_rows_total", Help: "Rows pulled."}),
		bytes:     prometheus.NewCounter(prometheus.CounterOpts{Name: "regrant_bytes_total", Help: "Bytes pulled."}),
		incidents: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "regrant_incidents_total", Help: "Incidents opened, by cause."}, []string{"cause"}),
		seconds: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "regrant_pull_seconds", Help: "How long pulls took.", Buckets: prometheus.ExponentialBuckets(0.25, 4, 9),
		}),
	}
	m.registry.MustRegister(m.pulls, m.rows, m.bytes, m.seconds, m.incidents,
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
}

// PullEnded counts a pull.
func (m *Metrics) PullEnded(p integration.Pull) {
	m.pulls.WithLabelValues(string(p.Outcome)).Inc()
	m.rows.Add(float64(max(p.Rows, 0)))
	m.bytes.Add(float64(max(p.Bytes, 0)))
	if !p.Ended.IsZero() {
		m.seconds.Observe(p.Ended.Sub(p.Started).Seconds())
	}
}

// IncidentOpened counts an incident.
func (m *Metrics) IncidentOpened(i integration.Incident) {
	m.incidents.WithLabelValues(i.Cause.String()).Inc()
}

func (m *Metrics) handler(heart viewer) (http.Handler, error) {
	if err := m.registry.Register(newNow(heart)); err != nil {
		return nil, fmt.Errorf("register metrics: %w", err)
	}
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{}), nil
}

// nowCollector reads how things are at the time of a scrape.
type nowCollector struct {
	heart                             viewer
	states, open, gaps, tables, stale *prometheus.Desc
}

func newNow(heart viewer) *nowCollector {
	describe := func(name, help string, labels ...string) *prometheus.Desc {
		return prometheus.NewDesc(name, help, labels, nil)
	}
	return &nowCollector{
		heart:  heart,
		states: describe("regrant_integrations", "Integrations, by state.", "state"),
		open:   describe("regrant_open_incidents", "Open incidents, by cause.", "cause"),
		gaps:   describe("regrant_open_gaps", "Gaps that still have to be filled."),
		tables: describe("regrant_tables", "Enabled tables, by whether they can be read.", "readable"),
		stale:  describe("regrant_oldest_success_seconds", "Age of the oldest last successful pull of an integration that is not paused."),
	}
}

// Describe tells the registry what there is.
func (c *nowCollector) Describe(out chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{c.states, c.open, c.gaps, c.tables, c.stale} {
		out <- d
	}
}

// Collect reads the state of every integration.
func (c *nowCollector) Collect(out chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), readyTime)
	defer cancel()
	views, err := c.heart.List(ctx)
	if err != nil {
		out <- prometheus.NewInvalidMetric(c.states, err)
		return
	}
	states, open := map[string]float64{}, map[string]float64{}
	var gaps, readable, unreadable, oldest float64
	for _, v := range views {
		states[string(v.Status.State)]++
		for _, i := range v.Incidents {
			open[i.Cause.String()]++
		}
		gaps += float64(len(v.Gaps))
		readable += float64(v.Status.Readable)
		unreadable += float64(v.Status.Enabled - v.Status.Readable)
		if v.LastGood != nil && !v.Integration.Paused {
			oldest = max(oldest, time.Since(v.LastGood.Ended).Seconds())
		}
	}
	gauge := func(d *prometheus.Desc, value float64, labels ...string) {
		out <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, value, labels...)
	}
	for state, n := range states {
		gauge(c.states, n, state)
	}
	for cause, n := range open {
		gauge(c.open, n, cause)
	}
	gauge(c.gaps, gaps)
	gauge(c.tables, readable, "true")
	gauge(c.tables, unreadable, "false")
	gauge(c.stale, oldest)
}
