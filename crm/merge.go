package crm

import (
	"maps"
	"slices"
	"time"
)

// Absorb takes over what another candidate, who is the same person, is known by. What the survivor has stays; lists are
// united, attributes merged by key. The first of the two to become known says since when, the last activity, contact and
// decision count, and a legal hold on either holds. Score is what both scores are worth together.
func (c *Candidate) Absorb(other *Candidate, score Score) {
	theirs := other.texts()
	for field, place := range c.texts() {
		if *place == "" {
			*place = *theirs[field]
		}
	}
	lists := other.lists()
	for field, place := range c.lists() {
		*place = united(*place, *lists[field])
	}
	if len(other.Attributes) > 0 {
		attributes := maps.Clone(other.Attributes)
		maps.Copy(attributes, c.Attributes)
		c.Attributes = attributes
	}
	if other.Score != 0 {
		c.Score, c.ScoredAt = score.Points, score.At
	}
	c.LegalHold = c.LegalHold || other.LegalHold
	if c.CreatedAt.IsZero() || !other.CreatedAt.IsZero() && other.CreatedAt.Before(c.CreatedAt) {
		c.CreatedAt = other.CreatedAt
	}
	if c.RestrictedAt.IsZero() || !other.RestrictedAt.IsZero() && other.RestrictedAt.Before(c.RestrictedAt) {
		c.RestrictedAt = other.RestrictedAt // the earlier one: a request that one of them rests on was answered no sooner
	}
	c.PausedUntil = latest(c.PausedUntil, other.PausedUntil)
	c.LastActivityAt = latest(c.LastActivityAt, other.LastActivityAt)
	c.LastContactedAt = latest(c.LastContactedAt, other.LastContactedAt)
	c.LastDecisionAt = latest(c.LastDecisionAt, other.LastDecisionAt)
}

func united(mine, theirs []string) []string {
	all := slices.Clone(mine)
	for _, item := range theirs {
		if !slices.Contains(all, item) {
			all = append(all, item)
		}
	}
	return all
}

func latest(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

// Further tells whether this run goes on where one candidate has two runs of a sequence after a merge: the one that has
// taken more steps, else the one that began earlier.
func (e *Enrollment) Further(than *Enrollment) bool {
	mine, theirs := e.Progress.taken(), than.Progress.taken()
	if mine != theirs {
		return mine > theirs
	}
	return e.StartedAt.Before(than.StartedAt)
}

// taken counts the steps that a run has taken, each as often as it was taken.
func (p *Progress) taken() int {
	n := 0
	for _, s := range p.Steps {
		n += s.Occurrence
	}
	return n
}

// Shift moves every position of the cursor, when the order of the candidate's events moves behind another's.
func (p *Progress) Shift(by int64) {
	p.ReachedPos += by
	p.Checked += by
	p.Seen += by
	steps := make(map[string]StepState, len(p.Steps))
	for id, s := range p.Steps {
		s.Position += by
		steps[id] = s
	}
	p.Steps = steps
}
