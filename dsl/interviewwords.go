package dsl

import (
	"strconv"
	"strings"
	"time"

	"github.com/rapport-crm/rapport/crm"
)

// The words here are for the timeline, which recruiters read: they may name people of the panel. What goes to Temporal holds
// rounds, numbers and times only.

// came says what came of something that calendars were asked for; "" when a code says enough.
func (r *run) came(in *Instr, m *crm.Meeting, outcome string) string {
	switch outcome {
	case crm.MeetingFound:
		if len(m.Offered) == 0 {
			return ""
		}
		first, last := m.Offered[0].StartsAt, m.Offered[len(m.Offered)-1].StartsAt
		return counted(len(m.Offered), "time") + " to offer, from " + r.local(first) + " to " + r.local(last)
	case crm.MeetingWritten:
		return "booked for " + r.local(m.StartsAt) + heldBy(m.Panel)
	case crm.MeetingTaken:
		return "the time is gone after all"
	case crm.MeetingReplaced:
		return "from now on" + heldBy(m.Panel)
	case crm.MeetingNone:
		if in.Meet.Do == MeetReplace {
			return "nobody can step in at that time"
		}
		return "no time is free"
	case crm.CallFailed:
		return "calendars did not answer"
	}
	return ""
}

// local is a moment as the candidate's clock shows it, with the zone.
func (r *run) local(t time.Time) string { return t.In(r.loc).Format("Mon 2 Jan 15:04 MST") }

// heldBy names those who hold a meeting, as far as their names are known.
func heldBy(panel []crm.Panelist) string {
	var names []string
	for _, p := range panel {
		if !p.Shadow && p.Name != "" {
			names = append(names, p.Name)
		}
	}
	if len(names) == 0 {
		return ""
	}
	last := names[len(names)-1]
	if len(names) == 1 {
		return " with " + last
	}
	return " with " + strings.Join(names[:len(names)-1], ", ") + " and " + last
}

// turned says why a wait about a meeting is over.
func (r *run) turned(in *Instr, m *crm.Meeting, outcome string) string {
	switch outcome {
	case meetPicked:
		return "the candidate picks " + r.local(m.StartsAt)
	case meetMore:
		return "the candidate asks for other times"
	case meetStale:
		return "the times that were offered are gone"
	case meetCancelled:
		return "the candidate cancels"
	case meetUnable:
		return unableWords(m)
	case meetNoShow:
		return "the candidate is not there"
	case meetIn:
		return "all scorecards are in"
	case OutcomeTimeout:
		return overWords(in, m)
	}
	return ""
}

// unableWords names who cannot hold a meeting.
func unableWords(m *crm.Meeting) string {
	p := m.Seat(m.Unable())
	if p == nil {
		return ""
	}
	who := p.Name
	if who == "" {
		who = "an interviewer"
	}
	if p.Clash {
		return who + " has another appointment at that time"
	}
	return who + " declines"
}

// overWords says what it means that a wait is over by itself.
func overWords(in *Instr, m *crm.Meeting) string {
	switch in.Meet.Do { //nolint:exhaustive // the others wait for nothing
	case MeetAnswer:
		return "no answer so far"
	case MeetPause:
		return "tries again"
	case MeetScores:
		return counted(len(m.Owing()), "scorecard") + " missing"
	case MeetUntil:
		switch {
		case in.Meet.Before != nil:
			return "time to remind"
		case in.Meet.After.IsZero():
			return "the interview is over"
		}
		return "time for the survey"
	}
	return ""
}

// closedWords says how a round has ended.
func closedWords(outcome string) string {
	switch outcome {
	case crm.RoundCompleted:
		return "the round is completed"
	case crm.RoundNoShow:
		return "the interview did not take place: the candidate was not there"
	case crm.RoundGaveUp:
		return "the round is given up"
	case crm.RoundCancelled:
		return "the round is cancelled"
	}
	return ""
}

// standing tells engineers where each round is, in Markdown: ids, numbers and times, nothing of people.
func (r *run) standing() string {
	if r.p.Loop == nil {
		return ""
	}
	var b strings.Builder
	for i := range r.p.Loop.Rounds {
		id := r.p.Loop.Rounds[i].ID
		m := lastMeeting(r.f.Meetings, id)
		if m == nil {
			continue
		}
		b.WriteString("\n- " + id + ": " + string(m.State))
		switch {
		case m.State == crm.MeetingOffered:
			b.WriteString(", " + counted(len(m.Offered), "time"))
		case !m.StartsAt.IsZero():
			b.WriteString(" for " + clockText(m.StartsAt))
		}
		if m.N > 1 {
			b.WriteString(", attempt " + strconv.Itoa(m.N))
		}
		if m.Moves > 0 {
			b.WriteString(", moved " + counted(m.Moves, "time"))
		}
	}
	if b.Len() == 0 {
		return ""
	}
	return "\n" + b.String()
}

func counted(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return strconv.Itoa(n) + " " + what + "s"
}
