package api

import (
	"context"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/rapport-crm/rapport/store"
)

// auditChecks reads how the checkpoints of the audit log are getting on when it is scraped.
type auditChecks struct {
	store              *store.Store
	age, since, broken *prometheus.Desc
}

func newAuditChecks(s *store.Store) *auditChecks {
	return &auditChecks{
		store:  s,
		age:    prometheus.NewDesc("rapport_audit_checkpoint_age_seconds", "How long ago a worker last looked at the audit log and had written a checkpoint. Absent before the first.", nil, nil),
		since:  prometheus.NewDesc("rapport_audit_entries_since_checkpoint", "Entries of the audit log that no checkpoint covers yet.", nil, nil),
		broken: prometheus.NewDesc("rapport_audit_broken", "Whether a worker has found the audit log broken: 0 or 1.", nil, nil),
	}
}

// Describe is part of prometheus.Collector.
func (a *auditChecks) Describe(descs chan<- *prometheus.Desc) {
	descs <- a.age
	descs <- a.since
	descs <- a.broken
}

// Collect is part of prometheus.Collector. It shows nothing while the database does not answer.
func (a *auditChecks) Collect(out chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), scrapeTimeout)
	defer cancel()
	checks, err := a.store.AuditChecks(ctx)
	if err != nil {
		return
	}
	gauge := func(desc *prometheus.Desc, value float64) {
		out <- prometheus.MustNewConstMetric(desc, prometheus.GaugeValue, value)
	}
	if !checks.CheckedAt.IsZero() {
		gauge(a.age, checks.Age.Seconds())
	}
	gauge(a.since, float64(checks.Since))
	broken := 0.0
	if !checks.BrokenAt.IsZero() {
		broken = 1
	}
	gauge(a.broken, broken)
}
