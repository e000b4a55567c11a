package cloud

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"time"

	"github.com/rapport-crm/rapport/activities/calendar"
	"github.com/rapport-crm/rapport/crm"
)

// Mark is kept beside an event at the provider: which version of it Rapport put there. The provider's own sequence number will not
// do for that, since it also counts what the owner changes; and the texts come back in another form than they went.
type Mark struct {
	Sequence  int
	Digest    string // of everything that was put
	Cancelled bool   // neither provider has a cancelled event that stays: for them it is a deleted one
}

// MarkOf is the mark of an event. It disregards the organizer and those invited, since they are not put.
func MarkOf(e *calendar.Event) Mark {
	sum := sha256.Sum256(fmt.Appendf(nil, "%q", []string{
		e.Start.UTC().Format(time.RFC3339), e.End.UTC().Format(time.RFC3339), e.Zone, e.Summary, e.Description, e.Location, e.URL,
	}))
	return Mark{Sequence: e.Sequence, Digest: hex.EncodeToString(sum[:12]), Cancelled: e.Cancelled}
}

// String is the mark as it is kept.
func (m Mark) String() string {
	state := "on"
	if m.Cancelled {
		state = "off"
	}
	return fmt.Sprintf("%d %s %s", m.Sequence, state, m.Digest)
}

// ParseMark reads what String wrote. Anything else is no mark.
func ParseMark(text string) (Mark, bool) {
	var m Mark
	var state string
	if n, err := fmt.Sscanf(text, "%d %s %s", &m.Sequence, &state, &m.Digest); n != 3 || err != nil {
		return Mark{}, false
	}
	m.Cancelled = state == "off"
	return m, m.String() == text
}

// Split cuts a span into pieces of at most a length: providers answer for so many weeks at a time.
func Split(s crm.Span, length time.Duration) []crm.Span {
	var pieces []crm.Span
	for start := s.Start; start.Before(s.End); start = start.Add(length) {
		end := start.Add(length)
		if end.After(s.End) {
			end = s.End
		}
		pieces = append(pieces, crm.Span{Start: start, End: end})
	}
	return pieces
}
