package crm

import (
	"slices"
	"time"
)

// Span is a stretch of time: Start is inside, End is not.
type Span struct {
	Start time.Time
	End   time.Time
}

// IsEmpty tells whether no moment is inside.
func (s Span) IsEmpty() bool { return !s.Start.Before(s.End) }

// Contains tells whether t is inside.
func (s Span) Contains(t time.Time) bool { return !t.Before(s.Start) && t.Before(s.End) }

// Overlaps tells whether some moment is inside both. Spans that only touch do not overlap.
func (s Span) Overlaps(other Span) bool {
	return !s.IsEmpty() && !other.IsEmpty() && s.Start.Before(other.End) && other.Start.Before(s.End)
}

// MergeSpans returns the moments that are inside any of some spans, as the fewest spans, in order. Spans that touch become one.
func MergeSpans(spans []Span) []Span {
	sorted := slices.DeleteFunc(slices.Clone(spans), Span.IsEmpty)
	slices.SortFunc(sorted, func(a, b Span) int { return a.Start.Compare(b.Start) })
	merged := sorted[:0]
	for _, s := range sorted {
		last := len(merged) - 1
		switch {
		case last < 0 || s.Start.After(merged[last].End):
			merged = append(merged, s)
		case s.End.After(merged[last].End):
			merged[last].End = s.End
		}
	}
	return merged
}
