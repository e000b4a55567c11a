package crm_test

import (
	"slices"
	"testing"
	"time"

	"github.com/rapport-crm/rapport/crm"
)

// span is from one hour of a day to another.
func span(from, to int) crm.Span {
	day := time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC)
	return crm.Span{Start: day.Add(time.Duration(from) * time.Hour), End: day.Add(time.Duration(to) * time.Hour)}
}

func TestSpansOverlap(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		a, b crm.Span
		want bool
	}{
		"apart":                  {span(9, 10), span(11, 12), false},
		"touching":               {span(9, 10), span(10, 11), false},
		"partly":                 {span(9, 11), span(10, 12), true},
		"one inside":             {span(9, 12), span(10, 11), true},
		"the same":               {span(9, 10), span(9, 10), true},
		"empty inside":           {span(9, 12), span(10, 10), false},
		"backwards is empty":     {span(9, 12), span(11, 10), false},
		"one moment at the edge": {span(9, 10), crm.Span{Start: span(9, 10).End.Add(-1), End: span(9, 10).End}, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if c.a.Overlaps(c.b) != c.want || c.b.Overlaps(c.a) != c.want {
				t.Errorf("%v overlaps %v: not %v", c.a, c.b, c.want)
			}
		})
	}
}

func TestMergeSpans(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ in, want []crm.Span }{
		"none":           {nil, nil},
		"in order":       {[]crm.Span{span(11, 12), span(9, 10)}, []crm.Span{span(9, 10), span(11, 12)}},
		"touching":       {[]crm.Span{span(9, 10), span(10, 11)}, []crm.Span{span(9, 11)}},
		"overlapping":    {[]crm.Span{span(9, 11), span(10, 12)}, []crm.Span{span(9, 12)}},
		"one inside":     {[]crm.Span{span(9, 12), span(10, 11)}, []crm.Span{span(9, 12)}},
		"empty ones":     {[]crm.Span{span(9, 9), span(12, 10)}, nil},
		"twice the same": {[]crm.Span{span(9, 10), span(9, 10)}, []crm.Span{span(9, 10)}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			before := slices.Clone(c.in)
			if got := crm.MergeSpans(c.in); !slices.Equal(got, c.want) {
				t.Errorf("got %v, want %v", got, c.want)
			}
			if !slices.Equal(c.in, before) {
				t.Error("the argument was changed")
			}
		})
	}
}
