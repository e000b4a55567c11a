package play

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/rapport-crm/rapport/crm"
	"github.com/rapport-crm/rapport/dsl"
)

// Recorded makes a part of what is known of a candidate and of what they did: everything before start is how things are, the
// rest happens at its time. What Rapport told by itself is left out, as the play tells it anew; that somebody did a task or
// answered a survey stays, though Rapport told of it.
func Recorded(c crm.Candidate, consents []crm.Consent, events []crm.Event, start time.Time) *Part {
	part := &Part{Candidate: c, Start: start, Lenient: true}
	for _, line := range consents {
		if !line.At.After(start) {
			part.Consents = append(part.Consents, line)
			continue
		}
		part.Script = append(part.Script, consentEvent(line))
	}
	for i := range events {
		e := &events[i]
		byPerson := e.Type == "survey.answered" || e.Type == "task.completed"
		if strings.HasPrefix(e.Source, crm.SourceRapport) && !byPerson {
			continue
		}
		h := dsl.Happening{
			At: dsl.At(later(e.Time, start)), Event: e.Type, ID: e.ExternalID, Source: e.Source, Data: e.Data,
		}
		if strings.HasPrefix(e.Type, "message.") || byPerson {
			h.Step = cmp.Or(e.Step, e.Text("step"))
		}
		part.Script = append(part.Script, h)
	}
	slices.SortStableFunc(part.Script, func(a, b dsl.Happening) int { return a.At.In(time.UTC).Compare(b.At.In(time.UTC)) })
	return part
}

// consentEvent tells of a line of a consent history that is later than the start.
func consentEvent(line crm.Consent) dsl.Happening {
	event := "consent.revoked"
	if line.Granted {
		event = "consent.granted"
	}
	return dsl.Happening{
		At: dsl.At(line.At), Event: event, Source: cmp.Or(line.Source, "import"),
		Data: map[string]any{"purpose": line.Purpose, "channels": []any{string(line.Channel)}},
	}
}
