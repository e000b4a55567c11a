package api

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/gin-gonic/gin"

	"github.com/rapport-crm/rapport/crm"
	"github.com/rapport-crm/rapport/dsl"
)

// SurveyURL is the address of the survey that a message asks for.
func SurveyURL(publicURL string, secret []byte, messageID string) string {
	return signedLink(publicURL, "/s/", secret, purposeSurvey, messageID)
}

// maxAnswer bounds the text of an answer, in characters.
const maxAnswer = 4000

// surveyPage is a survey as it is shown.
type surveyPage struct {
	Title     string
	Wrong     bool
	Questions []surveyQuestion
}

type surveyQuestion struct {
	dsl.Question
	Choices   []string // of all kinds but text
	Low, High string   // what the ends of a scale mean
	Value     string   // what the candidate has answered so far
	Wrong     string
}

// showSurvey shows the questions.
func (s *server) showSurvey(c *gin.Context) {
	if _, survey, ok := s.surveyOf(c); ok {
		s.show(c, http.StatusOK, "survey", pageOfSurvey(survey))
	}
}

// answerSurvey takes the answers. The first ones stay: the link is the candidate's, but it may travel.
func (s *server) answerSurvey(c *gin.Context) {
	message, survey, ok := s.surveyOf(c)
	if !ok {
		return
	}
	page := pageOfSurvey(survey)
	answers := page.read(c.PostForm)
	if page.Wrong {
		s.show(c, http.StatusUnprocessableEntity, "survey", page)
		return
	}
	data := map[string]any{
		"survey": survey.Name, "step": message.Step, "sequence": message.Definition, "message": message.ID, "answers": answers,
	}
	for _, q := range survey.Questions {
		if score, is := answers[q.ID].(int); is && q.Kind == dsl.QuestionNPS {
			data["nps"] = score
		}
	}
	received, err := s.Store.Receive(c.Request.Context(), []crm.Event{{
		Source: crm.SourceRapport, ExternalID: "survey/" + message.ID, Type: "survey.answered", Subject: message.CandidateID,
		CandidateID: message.CandidateID, Time: s.Now(), ReceivedAt: s.Now(), Data: data,
	}})
	switch {
	case err != nil:
		s.tryAgain(c, err)
	case received[0].Duplicate:
		s.showPage(c, http.StatusOK, pageText{Title: "Thank you", Text: "We have your answers already."})
	default:
		s.showPage(c, http.StatusOK, pageText{Title: "Thank you", Text: "Your answers have reached us."})
	}
}

// tryAgain tells the candidate that it is not their fault.
func (s *server) tryAgain(c *gin.Context, err error) {
	s.logProblem(c.Request.Context(), unavailable(err))
	c.Header("Retry-After", "60")
	s.showPage(c, http.StatusServiceUnavailable, pageText{Title: "That did not work just now", Text: "Please go back and try again in a minute."})
}

// surveyOf finds the message that the link is about, and the survey as it is in force now. When it is not ok, the candidate
// has been told.
func (s *server) surveyOf(c *gin.Context) (message crm.Message, survey *dsl.Survey, ok bool) {
	id, ok := s.signedMessage(c, purposeSurvey)
	if !ok {
		return message, nil, false
	}
	message, survey, err := s.findSurvey(c.Request.Context(), id)
	var known *crm.Error
	switch {
	case errors.As(err, &known) && known.Code == crm.CodeNotFound:
		s.showPage(c, http.StatusGone, pageText{Title: "This survey is over", Text: "Thank you for your interest."})
	case err != nil:
		s.tryAgain(c, err)
	default:
		return message, survey, true
	}
	return message, nil, false
}

func (s *server) findSurvey(ctx context.Context, messageID string) (crm.Message, *dsl.Survey, error) {
	message, err := s.Store.MessageByID(ctx, messageID)
	if err != nil {
		return message, nil, err
	}
	sequence, err := s.Store.DefinitionByHash(ctx, message.Hash)
	if err != nil {
		return message, nil, err
	}
	program, err := dsl.Compile(sequence.Document)
	if err != nil {
		return message, nil, fmt.Errorf("read sequence of survey: %w", err)
	}
	in, ok := program.Instr(message.Step)
	if !ok || in.Survey == nil {
		return message, nil, notFound("This message asks for no survey.", "")
	}
	name := in.Survey.Use
	definition, err := s.Store.Definition(ctx, dsl.KindSurvey, name, "", 0)
	if err != nil {
		return message, nil, err
	}
	set, err := dsl.Load([]dsl.Document{definition.Document})
	if err != nil {
		return message, nil, fmt.Errorf("read survey: %w", err)
	}
	return message, set.Surveys[name], nil
}

func pageOfSurvey(survey *dsl.Survey) *surveyPage {
	page := &surveyPage{Title: survey.Intro, Questions: make([]surveyQuestion, len(survey.Questions))}
	if page.Title == "" {
		page.Title = "A few questions"
	}
	for i, q := range survey.Questions {
		shown := surveyQuestion{Question: q, Choices: q.Of}
		switch q.Kind {
		case dsl.QuestionNPS:
			shown.Choices, shown.Low, shown.High = scale(0, 10), "not at all likely", "extremely likely"
		case dsl.QuestionRating:
			shown.Choices, shown.Low, shown.High = scale(1, 5), "poor", "excellent"
		}
		page.Questions[i] = shown
	}
	return page
}

func scale(from, to int) []string {
	var steps []string
	for n := from; n <= to; n++ {
		steps = append(steps, strconv.Itoa(n))
	}
	return steps
}

// read takes what the candidate has filled in, and marks what is missing or cannot be.
func (p *surveyPage) read(form func(string) string) map[string]any {
	answers := map[string]any{}
	for i := range p.Questions {
		q := &p.Questions[i]
		q.Value = strings.TrimSpace(form(q.ID))
		switch {
		case q.Value == "" && q.Optional:
		case q.Value == "" && q.Kind == dsl.QuestionText:
			q.Wrong = "Please write a few words."
		case q.Value == "":
			q.Wrong = "Please choose one."
		case q.Kind == dsl.QuestionText && len([]rune(q.Value)) > maxAnswer:
			q.Wrong = fmt.Sprintf("Please keep it to %d characters.", maxAnswer)
		case q.Kind != dsl.QuestionText && !slices.Contains(q.Choices, q.Value):
			q.Wrong = "Please choose one of these."
		case q.Kind == dsl.QuestionNPS || q.Kind == dsl.QuestionRating:
			answers[q.ID], _ = strconv.Atoi(q.Value)
		default:
			answers[q.ID] = q.Value
		}
		p.Wrong = p.Wrong || q.Wrong != ""
	}
	return answers
}
