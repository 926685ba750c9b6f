package api

import (
	"slices"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/alexandervashurin/semaphore/pool"
	"github.com/alexandervashurin/semaphore/store"
)

// Metrics are the figures of one server and its pool, in a registry of their
// own. Make it with [NewMetrics].
type Metrics struct {
	registry *prometheus.Registry

	requests *prometheus.CounterVec
	took     *prometheus.HistogramVec

	tasks  *prometheus.GaugeVec
	nodes  *prometheus.GaugeVec
	leases prometheus.Gauge
	drains prometheus.Gauge

	launched *prometheus.CounterVec
	finished *prometheus.CounterVec
	waited   *prometheus.HistogramVec
	ran      *prometheus.HistogramVec
	lines    prometheus.Counter
	lost     *prometheus.CounterVec
}

// NewMetrics returns figures that are all 0. A pool is made before its server:
// give [Metrics.Pool] to the one and the Metrics to the other.
func NewMetrics() *Metrics {
	counter := func(name, help string, labels ...string) *prometheus.CounterVec {
		return prometheus.NewCounterVec(prometheus.CounterOpts{Namespace: "semaphore", Name: name, Help: help}, labels)
	}
	histogram := func(name, help string, buckets []float64, labels ...string) *prometheus.HistogramVec {
		return prometheus.NewHistogramVec(prometheus.HistogramOpts{Namespace: "semaphore", Name: name, Help: help, Buckets: buckets}, labels)
	}
	long := prometheus.ExponentialBuckets(0.1, 4, 10) // to seven hours
	m := &Metrics{
		registry: prometheus.NewRegistry(),
		requests: counter("http_requests_total", "Requests by route, method and status.", "route", "method", "status"),
		took:     histogram("http_request_seconds", "Duration of requests.", prometheus.DefBuckets, "route", "method"),
		tasks: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Namespace: "semaphore", Name: "tasks", Help: "Unfinished tasks by state.",
		}, []string{"status"}),
		nodes: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Namespace: "semaphore", Name: "nodes", Help: "Servers that share the database, by version and whether they are there.",
		}, []string{"version", "alive", "draining"}),
		drains:   prometheus.NewGauge(prometheus.GaugeOpts{Namespace: "semaphore", Name: "draining", Help: "1 while this server takes no tasks of its own."}),
		leases:   prometheus.NewGauge(prometheus.GaugeOpts{Namespace: "semaphore", Name: "task_leases", Help: "Tasks that a worker holds."}),
		launched: counter("tasks_launched_total", "Tasks that were added.", "app"),
		finished: counter("tasks_finished_total", "Tasks that have ended, by result.", "app", "status"),
		waited:   histogram("task_wait_seconds", "From the creation of a task to its start.", long, "app"),
		ran:      histogram("task_run_seconds", "From the start of a task to its end.", long, "app"),
		lines:    prometheus.NewCounter(prometheus.CounterOpts{Namespace: "semaphore", Name: "task_output_lines_total", Help: "Lines of output that were stored."}),
		lost:     counter("task_leases_expired_total", "Leases that were not renewed, by what became of the task.", "outcome"),
	}
	m.registry.MustRegister(
		m.requests, m.took, m.tasks, m.nodes, m.leases, m.drains, m.launched, m.finished, m.waited, m.ran, m.lines, m.lost,
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
	)
	return m
}

func newMetrics(s *Server) *Metrics {
	if s.cfg.Metrics != nil {
		return s.cfg.Metrics
	}
	return NewMetrics()
}

// PoolMetrics returns what [pool.Config].Metrics takes; see [NewMetrics].
func (s *Server) PoolMetrics() pool.Metrics { return s.metrics.Pool() }

// Pool returns what [pool.Config].Metrics takes.
func (m *Metrics) Pool() pool.Metrics {
	return pool.Metrics{
		Launched: func(app string) { m.launched.WithLabelValues(app).Inc() },
		Waited:   func(app string, d time.Duration) { m.waited.WithLabelValues(app).Observe(d.Seconds()) },
		Finished: func(app string, status store.Status, d time.Duration) {
			m.finished.WithLabelValues(app, string(status)).Inc()
			m.ran.WithLabelValues(app).Observe(d.Seconds())
		},
		Lines: func(n int) { m.lines.Add(float64(n)) },
		Lost:  func(o store.ExpiryOutcome) { m.lost.WithLabelValues(string(o)).Inc() },
	}
}

// request counts a request. The labels come from the table of routes and from
// known methods only, so that nobody can make series without end.
func (m *Metrics) request(route, method string, status int, took time.Duration) {
	if route == "" {
		route = "other"
	}
	if !slices.Contains(methods, method) {
		method = "other"
	}
	m.requests.WithLabelValues(route, method, strconv.Itoa(status)).Inc()
	m.took.WithLabelValues(route, method).Observe(took.Seconds())
}

// showMetrics answers with all figures as Prometheus reads them.
func (s *Server) showMetrics(c *call) error {
	counts, err := s.st.Tasks().Counts(c.ctx(), store.TaskFilter{Statuses: unfinished()})
	if err != nil {
		return err
	}
	leases, err := s.st.Queue().Leases(c.ctx())
	if err != nil {
		return err
	}
	for _, status := range unfinished() {
		s.metrics.tasks.WithLabelValues(string(status)).Set(float64(counts[status]))
	}
	if s.cfg.Nodes != nil {
		list, err := s.cfg.Nodes(c.ctx())
		if err != nil {
			return err
		}
		s.metrics.nodes.Reset()
		for _, n := range list {
			s.metrics.nodes.WithLabelValues(n.Version, strconv.FormatBool(n.Alive), strconv.FormatBool(n.Draining)).Inc()
		}
	}
	s.metrics.drains.Set(0)
	if s.pool.Draining() {
		s.metrics.drains.Set(1)
	}
	s.metrics.leases.Set(float64(len(leases)))
	promhttp.HandlerFor(s.metrics.registry, promhttp.HandlerOpts{}).ServeHTTP(c.w, c.r)
	return nil
}
