package api

import (
	"net/http"

	"github.com/gin-gonic/gin"

	"github.com/rapport-crm/rapport/crm"
	"github.com/rapport-crm/rapport/dsl/phrases"
	"github.com/rapport-crm/rapport/store"
)

const purposeConfirm = "confirm"

// ConfirmURL is the address at which a candidate confirms a consent that a message asks about. It names nobody.
func ConfirmURL(publicURL string, secret []byte, messageID string) string {
	return signedLink(publicURL, "/confirm/", secret, purposeConfirm, messageID)
}

// confirming is a consent that is to be confirmed, as it is shown.
type confirming struct {
	Text, Wording, Locale string

	confirmation store.Confirmation
}

// confirmPage asks. To look at it confirms nothing: mail scanners follow links.
func (s *server) confirmPage(c *gin.Context) {
	if content, words, ok := s.confirming(c); ok {
		s.show(c, http.StatusOK, "confirm", &page{Words: words, Title: words.Say("confirm_title"), Content: content})
	}
}

// confirm carries it out.
func (s *server) confirm(c *gin.Context) {
	content, words, ok := s.confirming(c)
	if !ok {
		return
	}
	err := s.Store.Confirm(c.Request.Context(), &content.confirmation)
	switch {
	case crm.CodeOf(err) == crm.CodeNotFound: // taken back, or asked of another address than the candidate has now
		s.deadLink(c)
	case err != nil:
		s.tryAgain(c, err)
	default:
		s.showPage(c, words, http.StatusOK, pageText{Title: words.Say("confirm_done_title"), Text: words.Say("confirm_done_text")})
	}
}

// confirming finds out what the link is to confirm. When it is not ok, the candidate has been told.
func (s *server) confirming(c *gin.Context) (*confirming, *phrases.Words, bool) {
	message, words, ok := s.signedMessage(c, purposeConfirm)
	if !ok {
		return nil, nil, false
	}
	v, err := s.readVisitor(c.Request.Context(), message.CandidateID)
	if err != nil {
		s.tryAgain(c, err)
		return nil, nil, false
	}
	purpose, known := v.ws.ConfirmedPurpose(message.Definition)
	if !known || !v.now.Before(message.PlannedAt.AddDate(0, 0, crm.ConfirmationDays)) {
		s.deadLink(c)
		return nil, nil, false
	}
	company, _ := v.ws.Company()
	content := &confirming{Text: words.Say("confirm_text", "Company", company), Wording: v.ws.Wording(purpose), Locale: v.wordingLocale()}
	for i := range v.consents { // what they were asked, where the source said so
		if line := &v.consents[i]; line.Purpose == purpose && line.Channel == message.Channel && line.Pending && line.Wording != "" {
			content.Wording = line.Wording
		}
	}
	content.confirmation = store.Confirmation{Message: message, Purpose: purpose, Wording: content.Wording, At: v.now}
	return content, words, true
}
