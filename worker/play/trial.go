package play

import (
	"context"
	"time"

	"github.com/rapport-crm/rapport/dsl"
)

// Trial is a test that was played.
type Trial struct {
	Test     *dsl.Test
	Passed   bool
	Rows     []Row
	Problems []string       // what fails a test whatever it expects: conditions that could not be evaluated
	Zone     *time.Location // the candidate's, at the end
	Err      error          // why it could not be played; then there are no rows
	Took     time.Duration
}

// timeline plays the part of a test: of a sequence, or of a retention policy.
func (s *Stage) timeline(ctx context.Context, t *dsl.Test) (*Timeline, error) {
	if s.set.Programs[t.Of] == nil && s.set.Retentions[t.Of] != nil {
		return s.Keep(ctx, PartOf(t), append([]string{t.Of}, t.Beside...)...)
	}
	return s.Play(ctx, PartOf(t))
}

// Try plays a test on a stage on which only the tested sequence enrolls, and compares.
func (s *Stage) Try(ctx context.Context, t *dsl.Test) *Trial {
	begun := time.Now()
	r := &Trial{Test: t}
	timeline, err := s.timeline(ctx, t)
	if err != nil {
		r.Err = err
	} else {
		r.Zone = timeline.Zone
		r.Rows, r.Passed = Compare(t.Expect, timeline)
		for i := range timeline.Lines {
			if problem := timeline.Lines[i].Problem; problem != "" {
				r.Problems = append(r.Problems, problem)
			}
		}
	}
	r.Took = time.Since(begun)
	return r
}
