package api

import (
	"context"

	"github.com/rapport-crm/rapport/crm"
)

// answerGiven is what somebody says to an invitation: on their page, or by their mail program.
type answerGiven struct {
	answer   crm.Answered
	text     string      // why, in their own words
	mailed   *crm.Mailed // by mail; nil: on the page, now
	proposed bool        // they ask for another time, which text tells
}

// answerInvitation keeps whether an interviewer comes. The run hears of it only when they do not.
func (s *server) answerInvitation(ctx context.Context, t *sitting, interviewer string, given *answerGiven) error {
	return s.change(ctx, t, func(m *crm.Meeting) (bool, *crm.Event, error) {
		seat := m.Seat(interviewer)
		came := seat == nil || seat.Answer != crm.AnswerDeclined
		var news bool
		var err error
		if given.mailed != nil {
			news, err = m.ReplyByMail(interviewer, given.answer, *given.mailed, t.now)
		} else {
			news, err = m.Reply(interviewer, given.answer, t.now)
		}
		if err != nil || !news || !came || given.answer != crm.AnswerDeclined {
			return news, nil, err
		}
		told := t.event(m, crm.EventDeclined, map[string]any{"by": t.by(interviewer), "reason": reasonDeclined, "text": given.text})
		return true, &told, nil
	})
}

// by is who tells of a change: an address, or an id where it is not known.
func (t *sitting) by(interviewer string) string {
	if email := t.people[interviewer].Email; email != "" {
		return email
	}
	return interviewer
}

// cancelInterview keeps that the candidate does not want it.
func (s *server) cancelInterview(ctx context.Context, t *sitting, given *answerGiven) error {
	return s.change(ctx, t, func(m *crm.Meeting) (bool, *crm.Event, error) {
		if given.mailed != nil {
			if news, err := m.Respond(given.answer, *given.mailed, t.now); err != nil || !news {
				return false, nil, err
			}
		}
		changed, err := m.Cancel(t.now)
		if err != nil || !changed {
			return false, nil, err
		}
		told := t.event(m, crm.EventCancelled, map[string]any{"by": reasonCandidate, "reason": reasonCandidate, "text": given.text})
		return true, &told, nil
	})
}

// candidateAnswers keeps what the candidate's mail program says, for the timeline. Only one that declines changes anything.
func (s *server) candidateAnswers(ctx context.Context, t *sitting, given *answerGiven) error {
	if given.answer == crm.AnswerDeclined {
		return s.cancelInterview(ctx, t, given)
	}
	said := string(given.answer)
	if given.proposed {
		said = answerProposed
	}
	return s.change(ctx, t, func(m *crm.Meeting) (bool, *crm.Event, error) {
		before, at := m.Answer, m.AnsweredAt
		news, err := m.Respond(given.answer, *given.mailed, t.now)
		if err != nil || !news || before == given.answer && (given.text == "" || m.AnsweredAt.Equal(at)) { // a mail may be posted twice
			return news, nil, err
		}
		told := t.event(m, crm.EventAnswered, map[string]any{"by": reasonCandidate, "answer": said, "text": given.text})
		return true, &told, nil
	})
}

// answerProposed is what somebody says who asks for another time.
const answerProposed = "proposed"
