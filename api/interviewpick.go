package api

import (
	"context"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/rapport-crm/rapport/crm"
)

// What the forms of the pages of interviews ask for, as their field "do" says it.
const (
	doPick       = "pick"
	doAsk        = "ask"
	doCancel     = "cancel" // asks once more
	doCancelSure = "cancel_sure"
	doAccept     = "accept"
	doDecline    = "decline"
	doAbsent     = "absent"
	doScore      = "score"
)

// changeInterview carries out what one of the page's forms asks for.
func (s *server) changeInterview(c *gin.Context) {
	v, ok := s.candidateVisit(c)
	if !ok {
		return
	}
	ctx := c.Request.Context()
	var err error
	switch c.PostForm("do") {
	case doPick:
		var right bool
		if right, err = s.pick(c, v); !right {
			s.showVisit(c, v, http.StatusUnprocessableEntity)
			return
		}
	case doAsk:
		if !v.readWish(c) {
			s.showVisit(c, v, http.StatusUnprocessableEntity)
			return
		}
		err = s.askMore(ctx, v, c.PostForm("asked"))
	case doCancel:
		s.fill(v, nil)
		s.show(c, http.StatusOK, "interview-cancel", &page{Words: v.words, Title: v.words.Say("interview_cancel_sure_title"), Content: &v.page})
		return
	case doCancelSure:
		err = s.cancelInterview(ctx, v.sitting, &answerGiven{answer: crm.AnswerDeclined, text: shortened(c.PostForm("text"))})
	}
	s.answerVisit(c, v, err)
}

// answerVisit sends the candidate back to the page, or shows there why what they wanted could not be done.
func (s *server) answerVisit(c *gin.Context, v *candidateVisit, err error) {
	switch {
	case crm.CodeOf(err) == crm.CodeConflict:
		again, ok := s.candidateVisit(c)
		if !ok {
			return
		}
		again.page = v.page
		if again.Reason != crm.MeetingTaken || again.taken() == "" {
			again.page.Note = v.words.Say("interview_changed")
		}
		s.showVisit(c, again, http.StatusConflict)
	case crm.CodeOf(err) == crm.CodeNotFound:
		s.deadLink(c)
	case err != nil:
		s.tryAgain(c, err)
	default:
		s.fill(v, nil)
		c.Redirect(http.StatusSeeOther, v.page.Path)
	}
}

// pick agrees a time. It tells whether the form was filled in right.
func (s *server) pick(c *gin.Context, v *candidateVisit) (right bool, err error) {
	start, err := time.Parse(time.RFC3339, c.PostForm("start"))
	if err != nil {
		v.page.StartWrong = v.words.Say("interview_choose")
	}
	needs, given := c.GetPostForm("needs")
	v.page.Needs = strings.TrimSpace(needs)
	if tooLong(v.page.Needs) {
		v.page.NeedsWrong = v.words.Say("survey_long", "Limit", maxAnswer)
	}
	if v.page.StartWrong != "" || v.page.NeedsWrong != "" {
		return false, nil
	}
	ctx := c.Request.Context()
	err = s.change(ctx, v.sitting, func(m *crm.Meeting) (bool, *crm.Event, error) {
		limit, by := v.moves(m)
		changed, err := m.Pick(start, limit, by, v.now)
		switch {
		case err != nil || !changed:
			return false, nil, err
		case v.tooSoon(start):
			return false, nil, &crm.Error{Code: crm.CodeConflict, Message: "That time is not free any more.", Next: "Please pick one of the others."}
		}
		if given {
			m.Needs = v.page.Needs
		}
		v.introduce(m)
		told := v.event(m, crm.EventPicked, nil) // what they need is nobody's business who neither prepares nor holds the interview
		return true, &told, nil
	})
	if crm.CodeOf(err) == crm.CodeConflict {
		if lost := s.lose(ctx, v.sitting, start); lost != nil {
			err = lost
		}
	}
	return true, err
}

// introduce gives the panel the names and addresses that are known.
func (t *sitting) introduce(m *crm.Meeting) {
	for i := range m.Panel {
		if known, ok := t.people[m.Panel[i].InterviewerID]; ok {
			m.Panel[i].Name, m.Panel[i].Email = known.Name, known.Email
		}
	}
}

// lose takes a time that could not be had out of those that are offered. When none is left, others are looked for.
func (s *server) lose(ctx context.Context, t *sitting, start time.Time) error {
	return s.change(ctx, t, func(m *crm.Meeting) (bool, *crm.Event, error) {
		limit, by := t.moves(m)
		if m.State != crm.MeetingOffered && (m.State != crm.MeetingBooked || m.StartsAt.Equal(start) || m.Movable(limit, by, t.now) != nil) {
			return false, nil, nil
		}
		before := len(m.Offered)
		m.Offered = slices.DeleteFunc(m.Offered, func(slot crm.Slot) bool { return slot.StartsAt.Equal(start) })
		changed := len(m.Offered) < before || m.Reason != crm.MeetingTaken
		m.Reason = crm.MeetingTaken
		return changed, nil, nil
	})
}

// askAnew has new times looked for: none of those that were offered is left.
func (s *server) askAnew(ctx context.Context, t *sitting) error {
	return s.change(ctx, t, func(m *crm.Meeting) (bool, *crm.Event, error) {
		others := slices.ContainsFunc(m.Offered, func(now crm.Slot) bool {
			return !slices.ContainsFunc(t.Offered, func(then crm.Slot) bool { return then.StartsAt.Equal(now.StartsAt) })
		})
		if m.State != crm.MeetingOffered || others { // they have come in the meantime
			return false, nil, nil
		}
		m.Offer(nil, reasonStale)
		told := t.event(m, crm.EventTimesRequested, map[string]any{"reason": reasonStale})
		return true, &told, nil
	})
}

// readWish reads which times the candidate would like. It tells whether that was filled in right.
func (v *candidateVisit) readWish(c *gin.Context) bool {
	v.page.Wish = strings.TrimSpace(c.PostForm("text"))
	switch {
	case v.page.Wish == "":
		v.page.WishWrong = v.words.Say("survey_write")
	case tooLong(v.page.Wish):
		v.page.WishWrong = v.words.Say("survey_long", "Limit", maxAnswer)
	}
	return v.page.WishWrong == ""
}

// askMore has other times looked for, as the candidate would like them. Asked is how often they had asked when they saw the form,
// so that a second click does not ask again.
func (s *server) askMore(ctx context.Context, v *candidateVisit, asked string) error {
	return s.change(ctx, v.sitting, func(m *crm.Meeting) (bool, *crm.Event, error) {
		if strconv.Itoa(m.Asked) != asked {
			return false, nil, nil
		}
		if err := m.AskMore(); err != nil {
			return false, nil, err
		}
		told := v.event(m, crm.EventTimesRequested, map[string]any{"reason": reasonWish, "text": v.page.Wish})
		return true, &told, nil
	})
}

func tooLong(text string) bool { return len([]rune(text)) > maxAnswer }

// shortened is what somebody wrote beside what they chose. It is cut rather than refused: what they chose counts.
func shortened(text string) string {
	runes := []rune(strings.TrimSpace(text))
	return string(runes[:min(len(runes), maxAnswer)])
}
