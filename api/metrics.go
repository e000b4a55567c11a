package api

import (
	"context"
	"net/http"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/rapport-crm/rapport/store"
)

// metrics are what /metrics shows.
type metrics struct {
	requests *prometheus.HistogramVec // by method, route, status
	webhooks *prometheus.CounterVec   // by provider and result
	visits   *prometheus.CounterVec   // by kind and result
	inbound  *prometheus.CounterVec   // by channel and result
	handler  http.Handler

	accepted, duplicate, rejected prometheus.Counter // events
}

func newMetrics(registry *prometheus.Registry, s *store.Store) *metrics {
	m := &metrics{
		requests: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "rapport_http_request_duration_seconds", Help: "Time to answer a request.",
			Buckets: []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 10},
		}, []string{"method", "route", "status"}),
		webhooks: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "rapport_webhooks_total", Help: "Webhook requests by provider and result: accepted, signature, replay, too_large, invalid, unavailable, not_configured.",
		}, []string{"provider", "result"}),
		inbound: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "rapport_inbound_total", Help: "Mails and texts that came in, by channel and what they are: replied, auto_replied, bounced, invitation, notice, nobody.",
		}, []string{"channel", "result"}),
		visits: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "rapport_visits_total", Help: "Opens and clicks that own pictures and links noticed, by kind and result: person, machine, repeat, unasked, lost, forged.",
		}, []string{"kind", "result"}),
	}
	intake := prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "rapport_intake_items_total", Help: "Events sent to the API, by result: accepted, duplicate, rejected.",
	}, []string{"result"})
	m.accepted = intake.WithLabelValues(string(ItemAccepted))
	m.duplicate = intake.WithLabelValues(string(ItemDuplicate))
	m.rejected = intake.WithLabelValues(string(ItemRejected))
	registry.MustRegister(m.requests, intake, m.webhooks, m.inbound, m.visits)
	if s != nil {
		registry.MustRegister(newQueues(s), newAuditChecks(s))
	}
	m.handler = promhttp.HandlerFor(registry, promhttp.HandlerOpts{})
	return m
}

func (m *metrics) serve(c *gin.Context) { m.handler.ServeHTTP(c.Writer, c.Request) }

// queues reads the lengths of the queues in the database when it is scraped.
type queues struct {
	store  *store.Store
	length *prometheus.Desc
	age    *prometheus.Desc
}

func newQueues(s *store.Store) *queues {
	return &queues{
		store:  s,
		length: prometheus.NewDesc("rapport_queue_length", "What waits in the database, by queue.", []string{"queue"}, nil),
		age:    prometheus.NewDesc("rapport_queue_oldest_event_seconds", "Age of the oldest event that is not dispatched.", nil, nil),
	}
}

// Describe is part of prometheus.Collector.
func (q *queues) Describe(descs chan<- *prometheus.Desc) {
	descs <- q.length
	descs <- q.age
}

// scrapeTimeout bounds the query of one scrape.
const scrapeTimeout = 3 * time.Second

// Collect is part of prometheus.Collector. It shows nothing while the database does not answer.
func (q *queues) Collect(out chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), scrapeTimeout)
	defer cancel()
	counts, err := q.store.Counts(ctx)
	if err != nil {
		return
	}
	for queue, n := range map[string]int64{
		"events": counts.PendingEvents, "starting": counts.Starting, "wakes": counts.Unsignalled,
		"messages": counts.PlannedMessages, "unknown_messages": counts.UnknownMessages,
		"retention_asked": counts.RetentionAsked,
	} {
		out <- prometheus.MustNewConstMetric(q.length, prometheus.GaugeValue, float64(n), queue)
	}
	out <- prometheus.MustNewConstMetric(q.age, prometheus.GaugeValue, counts.OldestPending.Seconds())
}
