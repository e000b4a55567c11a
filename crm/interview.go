package crm

import (
	"slices"
	"time"
)

// How a round of an interview can end.
const (
	RoundCompleted = "completed"
	RoundSkipped   = "skipped" // its condition was false
	RoundNoShow    = "no_show"
	RoundCancelled = "cancelled"
	RoundGaveUp    = "gave_up" // the candidate picked no time
)

// Round is how far a round of an interview has come.
type Round struct {
	Outcome    string    // one of the above, or "" while it is open
	StartsAt   time.Time // zero until a time is agreed
	Scorecards []Scorecard
	Missing    int // scorecards that are still to come
}

// Scorecard is what one interviewer thought.
type Scorecard struct {
	Interviewer string    `json:"interviewer,omitempty"` // email
	Rating      int       `json:"rating"`                // 1 to 5
	Recommend   string    `json:"recommend,omitempty"`   // a word: strong_no, no, yes or strong_yes
	Notes       string    `json:"notes,omitempty"`
	By          []Noted   `json:"attributes,omitempty"` // what was noted about each of the round's attributes
	At          time.Time `json:"at,omitzero"`          // when it was handed in
}

// Noted is what an interviewer noted about one attribute that a round looks at.
type Noted struct {
	Attribute string `json:"attribute"`
	Notes     string `json:"notes"`
}

// Same tells whether two scorecards of a person say the same, whenever they were handed in.
func (s *Scorecard) Same(o *Scorecard) bool {
	return s.Rating == o.Rating && s.Recommend == o.Recommend && s.Notes == o.Notes && slices.Equal(s.By, o.By)
}

// Scored returns the scorecards of a round once all of them are in. Until then they are not known: what is missing must never
// count as a yes.
func (r *Round) Scored() ([]Scorecard, bool) {
	return r.Scorecards, r.Missing == 0 && len(r.Scorecards) > 0
}
