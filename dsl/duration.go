package dsl

import "time"

// Duration is a span of the language, such as 30s, 24h, 3d, 6mo or 2bd.
type Duration struct {
	Months       int
	Days         int
	BusinessDays int
	Exact        time.Duration
}

// ParseDuration reads one number and a unit: s m h d w mo y bd.
func ParseDuration(s string) (Duration, error) { return Duration{}, nil }

// IsZero tells whether the duration is no time at all.
func (d Duration) IsZero() bool { return d == Duration{} }

func (d Duration) String() string { return "" }

// Add returns t plus d.
func (d Duration) Add(t time.Time, loc *time.Location, cal *Calendar) time.Time { return t }
