package api

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/gin-gonic/gin"

	"github.com/rapport-crm/rapport/crm"
	"github.com/rapport-crm/rapport/dsl"
	"github.com/rapport-crm/rapport/dsl/phrases"
)

// SurveyURL is the address of the survey that a message asks for.
func SurveyURL(publicURL string, secret []byte, messageID string) string {
	return signedLink(publicURL, "/s/", secret, purposeSurvey, messageID)
}

// maxAnswer bounds the text of an answer, in characters.
const maxAnswer = 4000

// surveyPage is a survey as it is shown.
type surveyPage struct {
	words     *phrases.Words
	intro     string
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
	if _, survey, words, ok := s.surveyOf(c); ok {
		s.show(c, http.StatusOK, "survey", pageOfSurvey(survey, words).page())
	}
}

// answerSurvey takes the answers. The first ones stay: the link is the candidate's, but it may travel.
func (s *server) answerSurvey(c *gin.Context) {
	message, survey, words, ok := s.surveyOf(c)
	if !ok {
		return
	}
	page := pageOfSurvey(survey, words)
	answers := page.read(c.PostForm)
	if page.Wrong {
		s.show(c, http.StatusUnprocessableEntity, "survey", page.page())
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
		s.showPage(c, words, http.StatusOK, pageText{Title: words.Say("survey_thanks_title"), Text: words.Say("survey_again_text")})
	default:
		s.showPage(c, words, http.StatusOK, pageText{Title: words.Say("survey_thanks_title"), Text: words.Say("survey_thanks_text")})
	}
}

// surveyOf finds the message that the link is about, and the survey as it is in force now. When it is not ok, the candidate
// has been told.
func (s *server) surveyOf(c *gin.Context) (message crm.Message, survey *dsl.Survey, words *phrases.Words, ok bool) {
	message, words, ok = s.signedMessage(c, purposeSurvey)
	if !ok {
		return message, nil, nil, false
	}
	survey, err := s.findSurvey(c.Request.Context(), &message)
	switch {
	case crm.CodeOf(err) == crm.CodeNotFound:
		s.showPage(c, words, http.StatusGone, pageText{Title: words.Say("survey_over_title"), Text: words.Say("survey_over_text")})
	case err != nil:
		s.tryAgain(c, err)
	default:
		return message, survey, words, true
	}
	return message, nil, nil, false
}

func (s *server) findSurvey(ctx context.Context, message *crm.Message) (*dsl.Survey, error) {
	sequence, err := s.Store.DefinitionByHash(ctx, message.Hash)
	if err != nil {
		return nil, err
	}
	program, err := dsl.Compile(sequence.Document)
	if err != nil {
		return nil, fmt.Errorf("read sequence of survey: %w", err)
	}
	in, ok := program.Instr(message.Step)
	if !ok || in.Survey == nil {
		return nil, notFound("This message asks for no survey.", "")
	}
	name := in.Survey.Use
	definition, err := s.Store.Definition(ctx, dsl.KindSurvey, name, "", 0)
	if err != nil {
		return nil, err
	}
	set, err := dsl.Load([]dsl.Document{definition.Document})
	if err != nil {
		return nil, fmt.Errorf("read survey: %w", err)
	}
	return set.Surveys[name], nil
}

func pageOfSurvey(survey *dsl.Survey, words *phrases.Words) *surveyPage {
	page := &surveyPage{words: words, intro: survey.Intro, Questions: make([]surveyQuestion, len(survey.Questions))}
	for i, q := range survey.Questions {
		shown := surveyQuestion{Question: q, Choices: q.Of}
		switch q.Kind {
		case dsl.QuestionNPS:
			shown.Choices, shown.Low, shown.High = scale(0, 10), words.Say("survey_nps_low"), words.Say("survey_nps_high")
		case dsl.QuestionRating:
			shown.Choices, shown.Low, shown.High = scale(1, 5), words.Say("survey_rating_low"), words.Say("survey_rating_high")
		}
		page.Questions[i] = shown
	}
	return page
}

// page is the whole page. What the workspace asks is in the workspace's own words.
func (p *surveyPage) page() *page {
	return &page{Words: p.words, Title: cmp.Or(p.intro, p.words.Say("survey_title")), Content: p}
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
			q.Wrong = p.words.Say("survey_write")
		case q.Value == "":
			q.Wrong = p.words.Say("survey_choose")
		case q.Kind == dsl.QuestionText && len([]rune(q.Value)) > maxAnswer:
			q.Wrong = p.words.Say("survey_long", "Limit", maxAnswer)
		case q.Kind != dsl.QuestionText && !slices.Contains(q.Choices, q.Value):
			q.Wrong = p.words.Say("survey_choose_these")
		case q.Kind == dsl.QuestionNPS || q.Kind == dsl.QuestionRating:
			answers[q.ID], _ = strconv.Atoi(q.Value)
		default:
			answers[q.ID] = q.Value
		}
		p.Wrong = p.Wrong || q.Wrong != ""
	}
	return answers
}
