package play

import (
	"cmp"
	"slices"
	"strconv"
	"strings"

	"github.com/rapport-crm/rapport/crm"
	"github.com/rapport-crm/rapport/dsl"
)

// interviewDetail fills in what is different in the lines of interviews.
func (p *player) interviewDetail(l *Line, n *crm.Note, d *crm.Decision) {
	switch n.Kind { //nolint:exhaustive // the others are as in sequences
	case crm.NoteEmitted: // of what the loop tells by itself nothing is in the definition
		l.Kind, l.Listed, l.Name = LineMeeting, false, n.EventType
	case crm.NotePlanned:
		i := slices.IndexFunc(d.Messages, func(m crm.Message) bool { return m.ID == n.MessageID })
		if i < 0 {
			return
		}
		m := &d.Messages[i]
		if m.Calendar != "" || m.Recipient != "" && p.set.Templates[m.Template] == nil {
			l.Name = cmp.Or(m.Recipient, dsl.ToCandidate)
			l.Names = []string{l.Name}
			return
		}
		l.To = m.Recipient
	case crm.NoteMeeting:
		p.meetingDetail(l, n, d)
	}
}

// meetingDetail fills in what was found, and what is booked.
func (p *player) meetingDetail(l *Line, n *crm.Note, d *crm.Decision) {
	round, _, asked := strings.Cut(n.Step, ".")
	var m crm.Meeting
	for _, x := range p.store.Meetings(d.EnrollmentID) {
		if x.Round == round {
			m = x
		}
	}
	switch {
	case !asked:
		l.Name = round + " " + n.Outcome
	case n.Outcome == crm.MeetingFound || n.Outcome == crm.MeetingNone && strings.HasSuffix(n.Step, ".find"):
		l.Kind, l.Name, l.Text = LineKind(dsl.ExpectOffered), strconv.Itoa(len(m.Offered)), times(m.Offered, p.zone())
		l.Names, l.Step, l.Offered = []string{l.Name}, round, m.Offered
		if len(m.Offered) == 0 {
			l.Text = strings.TrimSpace(p.report)
		}
	case n.Outcome == crm.MeetingWritten || n.Outcome == crm.MeetingReplaced:
		l.Kind, l.Name, l.Names, l.Starts = LineKind(dsl.ExpectBooked), round, []string{round}, m.StartsAt
		for _, x := range m.Panel {
			if !x.Shadow {
				l.With = append(l.With, x.InterviewerID)
			}
		}
		slices.Sort(l.With)
	default:
		l.Name = n.Step + " " + n.Outcome
	}
}
