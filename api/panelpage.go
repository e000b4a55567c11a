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
	"github.com/rapport-crm/rapport/dsl"
	"github.com/rapport-crm/rapport/dsl/phrases"
)

// panelPage is the page of an interview for one who holds it.
type panelPage struct {
	facts

	Name, Needs   string
	Shadow        bool
	Note          string
	Answer        crm.Answered
	CanAnswer     bool
	Begun, Absent bool
	AbsentFrom    string // before: from when on the candidate counts as missing
	CanMiss       bool
	Scores        bool // a scorecard is asked for
	Saved, Closed bool
	Rating, Notes string
	Recommend     string
	Ratings       []string
	Choices       []shownChoice
	By            []shownNote // one for each attribute of the round
	Wrong         bool        // something of the scorecard is: what follows says what

	RatingWrong, RecommendWrong, NotesWrong string
}

// shownNote is what the scorecard says of an attribute.
type shownNote struct {
	Field, Attribute, Notes, Wrong string
}

type shownChoice struct {
	Value, Label string
	Chosen       bool
}

// panelVisit is a visit of an interviewer to the page of a meeting.
type panelVisit struct {
	*sitting

	interviewer string
	words       *phrases.Words
	loc         *time.Location
	page        panelPage
}

// showPanel shows an interviewer what they are asked for.
func (s *server) showPanel(c *gin.Context) {
	if v, ok := s.panelVisit(c); ok {
		s.showPanelPage(c, v, http.StatusOK)
	}
}

// panelVisit reads what the link is about. When it is not ok, the interviewer has been told.
func (s *server) panelVisit(c *gin.Context) (*panelVisit, bool) {
	ctx := c.Request.Context()
	meetingID, interviewer, found := strings.Cut(s.signedID(c, purposePanel), ".")
	if !found {
		s.deadLink(c)
		return nil, false
	}
	m, err := s.Store.Meeting(ctx, meetingID)
	var t *sitting
	if err == nil {
		t, err = s.readSitting(ctx, &m)
	}
	if !s.linkLeads(c, err) {
		return nil, false
	}
	v := &panelVisit{sitting: t, interviewer: interviewer, words: s.speak(c, "")}
	v.loc = dsl.ZoneOf(nil, t.ws)
	if loc, err := time.LoadLocation(t.people[interviewer].Zone); err == nil && t.people[interviewer].Zone != "" {
		v.loc = loc
	}
	return v, true
}

// showPanelPage shows how it stands. Whoever is no longer of the panel learns no more of the candidate.
func (s *server) showPanelPage(c *gin.Context, v *panelVisit, status int) {
	say := v.words.Say
	if v.State == crm.MeetingCancelled || v.State == crm.MeetingNoShow {
		s.showPage(c, v.words, status, pageText{Title: say("panel_off_title"), Text: say("interview_cancelled_text")})
		return
	}
	seat := v.Seat(v.interviewer)
	if seat == nil {
		s.showPage(c, v.words, status, pageText{Title: say("panel_gone_title"), Text: say("panel_gone_text")})
		return
	}
	if !s.sawAs(c, v.interviewer, "meeting", v.CandidateID) {
		return
	}
	v.fill(seat)
	s.show(c, status, "panel", &page{Words: v.words, Title: say("panel_title", "Name", v.page.Name), Content: &v.page})
}

func (v *panelVisit) fill(seat *crm.Panelist) {
	p := &v.page
	p.facts, p.Needs, p.Shadow, p.Answer = v.facts(v.words, v.loc), v.Needs, seat.Shadow, seat.Answer
	p.Name = strings.TrimSpace(v.candidate.FirstName + " " + v.candidate.LastName)
	if p.Name == "" {
		p.Name = v.words.Say("panel_candidate")
	}
	p.With = v.names(slices.DeleteFunc(append(slices.Clone(v.Seats), v.Shadows...), func(id string) bool { return id == v.interviewer }))
	p.Begun, p.Absent = !v.now.Before(v.StartsAt), v.Absent
	p.CanAnswer = !p.Begun && v.Open()
	p.CanMiss = p.Begun && !p.Absent && v.State == crm.MeetingBooked && v.Open()
	if from := v.absentFrom(); p.CanMiss && v.now.Before(from) {
		p.AbsentFrom = from.In(v.loc).Format("15:04")
	}
	p.Scores = p.Begun && !seat.Shadow && !p.Absent
	card := seat.Scorecard
	p.Saved, p.Closed = card != nil, card != nil && !v.Open()
	if card != nil && !p.Wrong {
		p.Rating, p.Recommend, p.Notes = strconv.Itoa(card.Rating), card.Recommend, card.Notes
	}
	v.noted(card)
	p.Ratings = scale(1, 5)
	for _, word := range recommendations() {
		p.Choices = append(p.Choices, shownChoice{word, v.words.Say("panel_" + word), word == p.Recommend})
	}
}

// noted fills in what the form asks for about each attribute of the round, with what was handed in, unless that is being corrected.
func (v *panelVisit) noted(card *crm.Scorecard) {
	round := v.round()
	if round == nil || len(v.page.By) > 0 {
		return
	}
	for i, attribute := range round.Attributes {
		n := shownNote{Field: "notes_" + strconv.Itoa(i), Attribute: attribute}
		if card != nil {
			if k := slices.IndexFunc(card.By, func(was crm.Noted) bool { return was.Attribute == attribute }); k >= 0 {
				n.Notes = card.By[k].Notes
			}
		}
		v.page.By = append(v.page.By, n)
	}
}

// recommendations are the words of a scorecard, the worst first.
func recommendations() []string { return []string{"strong_no", "no", "yes", "strong_yes"} }

// changePanel carries out what one of the page's forms asks for.
func (s *server) changePanel(c *gin.Context) {
	v, ok := s.panelVisit(c)
	if !ok {
		return
	}
	ctx := c.Request.Context()
	var err error
	switch c.PostForm("do") {
	case doAccept:
		err = s.answerInvitation(ctx, v.sitting, v.interviewer, &answerGiven{answer: crm.AnswerAccepted})
	case doDecline:
		err = s.answerInvitation(ctx, v.sitting, v.interviewer, &answerGiven{answer: crm.AnswerDeclined, text: shortened(c.PostForm("text"))})
	case doAbsent:
		err = s.miss(ctx, v)
	case doScore:
		card, right := v.readScorecard(c)
		if !right {
			s.showPanelPage(c, v, http.StatusUnprocessableEntity)
			return
		}
		err = s.handIn(ctx, v, card)
	}
	switch {
	case crm.CodeOf(err) == crm.CodeConflict:
		if v, ok = s.panelVisit(c); ok {
			v.page.Note = v.words.Say("interview_changed")
			s.showPanelPage(c, v, http.StatusConflict)
		}
	case crm.CodeOf(err) == crm.CodeNotFound:
		s.deadLink(c)
	case err != nil:
		s.tryAgain(c, err)
	default:
		c.Redirect(http.StatusSeeOther, c.Request.URL.EscapedPath())
	}
}

// miss reports that the candidate is not there.
func (s *server) miss(ctx context.Context, v *panelVisit) error {
	return s.change(ctx, v.sitting, func(m *crm.Meeting) (bool, *crm.Event, error) {
		if m.Seat(v.interviewer) == nil {
			return false, nil, &crm.Error{Code: crm.CodeConflict, Message: "You are not, or no longer, asked to hold this interview.", Next: "There is nothing for you to do."}
		}
		changed, err := m.Report(v.absentFrom(), v.now)
		if err != nil || !changed {
			return false, nil, err
		}
		told := v.event(m, crm.EventNoShow, map[string]any{"by": v.by(v.interviewer), "reason": reasonAbsent})
		return true, &told, nil
	})
}

// readScorecard reads the form. It tells whether it was filled in right.
func (v *panelVisit) readScorecard(c *gin.Context) (crm.Scorecard, bool) {
	p := &v.page
	p.Rating, p.Recommend, p.Notes = c.PostForm("rating"), c.PostForm("recommend"), strings.TrimSpace(c.PostForm("notes"))
	rating, err := strconv.Atoi(p.Rating)
	if err != nil || !slices.Contains(scale(1, 5), p.Rating) {
		p.RatingWrong = v.words.Say("survey_choose")
	}
	if !slices.Contains(recommendations(), p.Recommend) {
		p.RecommendWrong = v.words.Say("survey_choose")
	}
	if tooLong(p.Notes) {
		p.NotesWrong = v.words.Say("survey_long", "Limit", maxAnswer)
	}
	p.Wrong = p.RatingWrong+p.RecommendWrong+p.NotesWrong != ""
	card := crm.Scorecard{Rating: rating, Recommend: p.Recommend, Notes: p.Notes, At: v.now}
	v.noted(nil)
	for i := range p.By {
		n := &p.By[i]
		if n.Notes = strings.TrimSpace(c.PostForm(n.Field)); tooLong(n.Notes) {
			n.Wrong, p.Wrong = v.words.Say("survey_long", "Limit", maxAnswer), true
		}
		if n.Notes != "" {
			card.By = append(card.By, crm.Noted{Attribute: n.Attribute, Notes: n.Notes})
		}
	}
	return card, !p.Wrong
}

// handIn keeps a scorecard. The same again changes nothing.
func (s *server) handIn(ctx context.Context, v *panelVisit, card crm.Scorecard) error {
	return s.change(ctx, v.sitting, func(m *crm.Meeting) (bool, *crm.Event, error) {
		v.introduce(m)
		if seat := m.Seat(v.interviewer); seat != nil && seat.Scorecard != nil {
			if seat.Scorecard.Same(&card) {
				return false, nil, nil
			}
		}
		if err := m.Score(v.interviewer, card, v.now); err != nil {
			return false, nil, err
		}
		told := v.event(m, crm.EventScored, map[string]any{"by": v.by(v.interviewer), "rating": card.Rating, "recommend": card.Recommend})
		return true, &told, nil
	})
}
