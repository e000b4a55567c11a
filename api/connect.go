package api

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/rapport-crm/rapport/activities/calendar"
	"github.com/rapport-crm/rapport/activities/calendar/oauth"
	"github.com/rapport-crm/rapport/crm"
	"github.com/rapport-crm/rapport/dsl/phrases"
	"github.com/rapport-crm/rapport/store"
)

const purposeConnect = "connect"

// How long a link to connect a calendar works, and how long its owner may take at the provider.
const (
	connectLinkLasts = 7 * 24 * time.Hour
	consentLasts     = time.Hour
)

// byLink is who connects a calendar by a link, as changes say it.
const byLink = "the interviewer, by link"

// ConnectURL is the address by which an interviewer connects a calendar of theirs at a provider.
func ConnectURL(publicURL string, secret []byte, connectionID string) string {
	return signedLink(publicURL, "/calendars/connect/", secret, purposeConnect, connectionID)
}

// CalendarLinkInput says at whom a calendar is to be connected.
type CalendarLinkInput struct {
	Provider crm.CalendarKind `json:"provider" enum:"google,microsoft"`
}

// CalendarLink is a link by which an interviewer connects a calendar.
type CalendarLink struct {
	URL       string    `json:"url" doc:"For the interviewer alone: whoever opens it connects a calendar as theirs."`
	ExpiresAt time.Time `json:"expires_at" doc:"It works until then, or until a calendar was connected by it."`
}

func (s *server) makeCalendarLink(ctx context.Context, in *struct {
	InterviewerRef
	Body CalendarLinkInput
},
) (*body[CalendarLink], error) {
	if s.CalendarApps[in.Body.Provider] == nil || len(s.LinkSecret) == 0 {
		name := map[crm.CalendarKind]string{crm.CalendarGoogle: "Google", crm.CalendarMicrosoft: "Microsoft"}[in.Body.Provider]
		flag := string(in.Body.Provider)
		return nil, &Problem{
			Status: http.StatusConflict, Code: CodeConflict, Detail: "This installation is not registered at " + name + ", so that no calendar there can be connected.",
			Next: "Register an OAuth app at " + name + " with the redirect address " + s.PublicURL + "/calendars/connected, and give every serve and work --" +
				flag + "-client-id and RAPPORT_" + strings.ToUpper(flag) + "_CLIENT_SECRET.",
		}
	}
	now := s.Now()
	connection, err := s.Store.NewConnection(ctx, in.ID, in.Body.Provider, now.Add(connectLinkLasts), caller(ctx), now)
	if err != nil {
		return nil, problemOf(err)
	}
	return &body[CalendarLink]{Body: CalendarLink{URL: ConnectURL(s.PublicURL, s.LinkSecret, connection.ID), ExpiresAt: connection.ExpiresAt}}, nil
}

// connectCalendar sends an interviewer to their provider. To open the link connects nothing: chat programs and scanners do. What they
// come back with is bound to their browser by a cookie, so that nobody's consent counts for somebody else's link.
func (s *server) connectCalendar(c *gin.Context) {
	ctx, now := c.Request.Context(), s.Now()
	connection, err := s.Store.ConnectionByID(ctx, s.signedID(c, purposeConnect), now)
	app := s.CalendarApps[connection.Kind]
	var interviewer crm.Interviewer
	if err == nil {
		interviewer, err = s.Store.Interviewer(ctx, connection.InterviewerID)
	}
	if !s.linkLeads(c, err) {
		return
	}
	if app == nil {
		s.deadLink(c)
		return
	}
	state, verifier := rand.Text(), oauth.NewVerifier()
	err = s.Store.BeginConsent(ctx, store.Consent{
		State: hashed(state), ConnectionID: connection.ID, Challenge: oauth.Challenge(verifier), ExpiresAt: now.Add(consentLasts),
	}, now)
	if err != nil {
		s.tryAgain(c, err)
		return
	}
	c.SetSameSite(http.SameSiteLaxMode)
	c.SetCookie(consentCookie(state), verifier, int(consentLasts.Seconds()), "/calendars/connected", "", strings.HasPrefix(s.PublicURL, "https:"), true)
	c.Header("Cache-Control", "no-store")
	c.Header("Referrer-Policy", "no-referrer")
	c.Redirect(http.StatusSeeOther, app.For(interviewer.Email).AuthURL(state, verifier))
}

// consentCookie names the cookie that holds the verifier: two links may be open at the same time.
func consentCookie(state string) string { return "rapport_calendar_" + firstCharacters(state, 8) }

func hashed(state string) []byte {
	sum := sha256.Sum256([]byte(state))
	return sum[:]
}

// calendarConnected is where interviewers come back to.
func (s *server) calendarConnected(c *gin.Context) {
	ctx, words := c.Request.Context(), s.speak(c, "")
	state := c.Query("state")
	verifier, _ := c.Cookie(consentCookie(state)) // without it nothing is found
	connection, err := s.Store.EndConsent(ctx, hashed(state), oauth.Challenge(verifier), s.Now())
	app := s.CalendarApps[connection.Kind]
	switch {
	case crm.CodeOf(err) == crm.CodeNotFound, err == nil && app == nil:
		s.showNotConnected(c, words, http.StatusBadRequest, "connect_again_text")
		return
	case err != nil:
		s.tryAgain(c, err)
		return
	case c.Query("code") == "":
		s.showNotConnected(c, words, http.StatusOK, "connect_refused_text")
		return
	}
	c.SetCookie(consentCookie(state), "", -1, "/calendars/connected", "", strings.HasPrefix(s.PublicURL, "https:"), true)
	token, err := app.Exchange(ctx, c.Query("code"), verifier)
	if err == nil {
		err = s.addConnected(ctx, &connection, token)
	}
	failure, ofProvider := errors.AsType[*calendar.Error](err)
	switch {
	case err == nil:
		s.showPage(c, words, http.StatusOK, pageText{Title: words.Say("connect_done_title"), Text: words.Say("connect_done_text")})
	case ofProvider && failure.Kind == calendar.Unauthorized:
		text := "connect_again_text"
		if failure.Code == "scope_missing" {
			text = "connect_missing_text"
		}
		s.showNotConnected(c, words, http.StatusBadRequest, text)
	default: // also when our own work failed: the code was spent
		s.Log.WarnContext(ctx, "calendar not connected", "provider", string(connection.Kind), "error", err, "request_id", requestID(ctx))
		s.showNotConnected(c, words, http.StatusServiceUnavailable, "connect_failed_text")
	}
}

func (s *server) showNotConnected(c *gin.Context, words *phrases.Words, status int, text string) {
	s.showPage(c, words, status, pageText{Title: words.Say("connect_not_title"), Text: words.Say(text)})
}

// addConnected keeps the calendar, or its new secret, and forgets the link. The account is known by its owner's address with us: which
// of theirs they chose the provider does not say.
func (s *server) addConnected(ctx context.Context, connection *store.Connection, token oauth.Token) error {
	interviewer, err := s.Store.Interviewer(ctx, connection.InterviewerID)
	if err != nil {
		return err
	}
	ctx = crm.WithActor(ctx, interviewer.ID) // who opened their own link
	write := store.CalendarWrite{Kind: connection.Kind, Account: interviewer.Email, Secret: crm.Secret(token.Refresh)}
	if _, _, err := s.Store.PutCalendar(ctx, interviewer.ID, write, byLink, s.Now()); err != nil {
		return err
	}
	return s.Store.UseConnection(ctx, connection.ID)
}
