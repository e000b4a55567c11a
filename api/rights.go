package api

import (
	"bytes"
	"context"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/rapport-crm/rapport/crm"
	"github.com/rapport-crm/rapport/dsl"
	"github.com/rapport-crm/rapport/dsl/phrases"
)

// Purposes of the links in mails about requests.
const (
	purposeRequest = "request"
	purposeData    = "data"
)

// RequestURL is the link of a message of one of the sequences that are about requests: to the page that confirms one, or to the copy of
// the data. It names nobody, and works for seven days.
func RequestURL(publicURL string, secret []byte, messageID, sequence string) string {
	if sequence == dsl.SequenceRequestReady {
		return signedLink(publicURL, "/data/", secret, purposeData, messageID)
	}
	return signedLink(publicURL, "/rights/", secret, purposeRequest, messageID)
}

// shownRight is something that the preference page offers to ask for.
type shownRight struct{ Value, Label string }

// rights are those that the preference page offers. Deletion has a button of its own.
func (v *visitor) rights() []shownRight {
	var rights []shownRight
	for _, kind := range crm.RequestKinds() {
		if kind != crm.RequestDeletion {
			rights = append(rights, shownRight{string(kind), v.words.Say("rights_" + string(kind))})
		}
	}
	return rights
}

// asCandidate has the audit log say that it was a candidate, and not Rapport by itself.
func asCandidate(c *gin.Context) context.Context {
	return crm.WithActor(c.Request.Context(), crm.ActorCandidate)
}

// askByRight opens a request and has the known address asked whether it is theirs: a link to the preference page may have been forwarded.
func (s *server) askByRight(c *gin.Context, v *visitor) {
	r := crm.PrivacyRequest{
		CandidateID: v.candidate.ID, Kind: crm.RequestKind(c.PostForm("right")), Wish: strings.TrimSpace(c.PostForm("wish")), Source: crm.SourcePreferencePage,
	}
	if r.Kind != crm.RequestRectification {
		r.Wish = ""
	}
	if err := s.publishRequestMails(c.Request.Context()); err != nil {
		s.tryAgain(c, err)
		return
	}
	opened, _, err := s.Store.OpenRequest(asCandidate(c), r)
	switch {
	case crm.CodeOf(err) == crm.CodeInvalid:
		s.showPage(c, v.words, http.StatusUnprocessableEntity, pageText{Title: v.words.Say("rights_title"), Text: v.words.Say("rights_empty")})
	case err != nil:
		s.notSaved(c, err)
	default:
		s.showPage(c, v.words, http.StatusOK, pageText{
			Title: v.words.Say("rights_sent_title"), Text: v.words.Say("rights_sent_text", "Date", v.words.Date(opened.DueAt.In(v.zone()))),
		})
	}
}

// askDeletion opens a request for deletion. All else has stopped by now.
func (s *server) askDeletion(c *gin.Context, v *visitor) {
	if err := s.publishRequestMails(c.Request.Context()); err != nil {
		s.tryAgain(c, err)
		return
	}
	r, _, err := s.Store.OpenRequest(asCandidate(c), crm.PrivacyRequest{CandidateID: v.candidate.ID, Kind: crm.RequestDeletion, Source: crm.SourcePreferencePage})
	if err != nil {
		s.notSaved(c, err)
		return
	}
	due := v.words.Date(r.DueAt.In(v.zone()))
	s.showPage(c, v.words, http.StatusOK, pageText{
		Title: v.words.Say("delete_done_title"), Text: v.words.Say("delete_done_text", "Date", due) + " " + v.words.Say("rights_sent_text", "Date", due),
	})
}

// shownInterest is a purpose that rests on a legitimate interest, and whether the candidate has objected to it.
type shownInterest struct {
	Name, Wording, Locale string
	Objected              bool
}

// interests are the purposes that the candidate can object to.
func (v *visitor) interests() []shownInterest {
	var all []shownInterest
	for _, name := range slices.Sorted(maps.Keys(v.ws.Purposes)) {
		if v.ws.Purposes[name].Basis != crm.BasisLegitimateInterest {
			continue
		}
		objected := !slices.ContainsFunc([]crm.Channel{crm.Email, crm.SMS}, func(ch crm.Channel) bool { return crm.ConsentFor(v.consents, name, ch) != crm.ConsentRevoked })
		all = append(all, shownInterest{Name: name, Wording: v.ws.Wording(name), Locale: v.wordingLocale(), Objected: objected})
	}
	return all
}

// object notes an objection to one purpose, which is answered at once: to direct marketing it needs no reason, and nothing outweighs it
// (GDPR Art. 21(2) and (3)). Who asks is not looked into, as whoever has the link may switch messages off anyway.
func (s *server) object(c *gin.Context, v *visitor) {
	ctx, purpose := c.Request.Context(), c.PostForm("purpose")
	i := slices.IndexFunc(v.interests(), func(x shownInterest) bool { return x.Name == purpose })
	if i < 0 {
		s.show(c, http.StatusUnprocessableEntity, "preferences", v.page(false))
		return
	}
	if !v.interests()[i].Objected {
		r, _, err := s.Store.OpenRequest(asCandidate(c), crm.PrivacyRequest{
			CandidateID: v.candidate.ID, Kind: crm.RequestObjection, Purpose: purpose, Source: crm.SourcePreferencePage, VerifiedBy: crm.SourcePreferencePage,
		})
		if err == nil {
			_, err = s.Store.AdvanceRequest(ctx, r.ID, v.ws.Privacy)
		}
		if err != nil {
			s.notSaved(c, err)
			return
		}
	}
	if v, ok := s.visitor(c); ok {
		s.show(c, http.StatusOK, "preferences", v.page(true))
	}
}

// linkedRequest is the request that a message is about, with who asks.
type linkedRequest struct {
	crm.PrivacyRequest
	*visitor
	words   *phrases.Words
	message crm.Message
}

// ends is when the link stops working.
func (r *linkedRequest) ends() time.Time {
	return r.message.PlannedAt.AddDate(0, 0, crm.RequestLinkDays)
}

// linkedRequest finds out which request the page's link is about. When it is not ok, the candidate has been told.
func (s *server) linkedRequest(c *gin.Context, purpose string) (*linkedRequest, bool) {
	message, words, ok := s.signedMessage(c, purpose)
	if !ok {
		return nil, false
	}
	r := &linkedRequest{message: message, words: words}
	run, err := s.Store.Enrollment(c.Request.Context(), message.EnrollmentID)
	if err == nil && run.Event != nil {
		r.PrivacyRequest, err = s.Store.Request(c.Request.Context(), run.Event.Text("request"))
	}
	if err == nil && r.ID != "" {
		r.visitor, err = s.readVisitor(c.Request.Context(), r.CandidateID)
	}
	switch {
	case !s.linkLeads(c, err):
		return nil, false
	case r.ID == "" || r.CandidateID != message.CandidateID || !s.Now().Before(r.ends()):
		s.deadLink(c)
		return nil, false
	}
	// It is proof for the address that it went to, and no other.
	if crm.NormalAddress(crm.Email, message.Address) != crm.NormalAddress(crm.Email, r.candidate.Email) {
		s.deadLink(c)
		return nil, false
	}
	return r, true
}

// requestPage asks whether it was the candidate. To look at it confirms nothing: mail scanners follow links.
func (s *server) requestPage(c *gin.Context) {
	r, ok := s.linkedRequest(c, purposeRequest)
	if !ok {
		return
	}
	if r.State != crm.RequestVerifying {
		s.requestConfirmed(c, r)
		return
	}
	company, _ := r.ws.Company()
	s.showPage(c, r.words, http.StatusOK, pageText{
		Title: r.words.Say("request_title"), Text: r.words.Say("request_text", "Company", company, "What", r.words.Say("rights_"+string(r.Kind))), Button: r.words.Say("request_button"),
	})
}

// confirmRequest notes that it was them.
func (s *server) confirmRequest(c *gin.Context) {
	r, ok := s.linkedRequest(c, purposeRequest)
	if !ok {
		return
	}
	_, err := s.Store.VerifyRequest(asCandidate(c), r.ID, r.message.ID)
	if err != nil && crm.CodeOf(err) != crm.CodeConflict { // it is closed already
		s.notSaved(c, err)
		return
	}
	s.requestConfirmed(c, r)
}

func (s *server) requestConfirmed(c *gin.Context, r *linkedRequest) {
	s.showPage(c, r.words, http.StatusOK, pageText{
		Title: r.words.Say("request_done_title"), Text: r.words.Say("request_done_text", "Date", r.words.Date(r.DueAt.In(r.zone()))),
	})
}

// dataPage offers the copy of the data.
func (s *server) dataPage(c *gin.Context) {
	if r, ok := s.linkedRequest(c, purposeData); ok {
		s.showPage(c, r.words, http.StatusOK, pageText{
			Title: r.words.Say("data_title"), Text: r.words.Say("data_text", "Date", r.words.Date(r.ends().In(r.zone()))), Button: r.words.Say("data_button"),
		})
	}
}

// downloadData hands it out. It is made anew each time, so nothing lies around.
func (s *server) downloadData(c *gin.Context) {
	r, ok := s.linkedRequest(c, purposeData)
	if !ok {
		return
	}
	if err := s.saw(asCandidate(c), crm.AuditExport, "request", r.CandidateID); err != nil {
		s.tryAgain(c, err)
		return
	}
	var file bytes.Buffer
	if err := s.writeExport(c.Request.Context(), &file, &r.PrivacyRequest); err != nil {
		s.tryAgain(c, err)
		return
	}
	header := c.Writer.Header()
	header.Set("Content-Disposition", `attachment; filename="`+exportName(&r.PrivacyRequest)+`"`)
	header.Set("Cache-Control", "no-store")
	header.Set("Referrer-Policy", "no-referrer")
	header.Set("X-Robots-Tag", "noindex")
	c.Data(http.StatusOK, mediaZIP, file.Bytes())
}
