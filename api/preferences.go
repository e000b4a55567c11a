package api

import (
	"cmp"
	"context"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/gin-gonic/gin"

	"github.com/rapport-crm/rapport/crm"
	"github.com/rapport-crm/rapport/dsl"
	"github.com/rapport-crm/rapport/dsl/phrases"
	"github.com/rapport-crm/rapport/store"
)

// What the forms of the preference page ask for, as their field "do" says it.
const (
	doSave   = "save"
	doPause  = "pause"
	doResume = "resume"
	doStop   = "stop"
	doDelete = "delete" // asks once more
	doErase  = "erase"
	doRight  = "right"  // one of their rights
	doObject = "object" // to one purpose that rests on a legitimate interest
	doFresh  = "fresh"  // a new link, for one that has expired
)

// preferencesPage is a preference page as it is shown. Links get forwarded, so nothing on it says who it is about but the masked
// address.
type preferencesPage struct {
	Saved                    bool
	Address                  string
	Purposes                 []shownPurpose
	EmailBlocked, SMSBlocked bool
	Paused                   string // until when, or ""
	Languages                []shownLanguage
	Rights                   []shownRight
	Interests                []shownInterest
}

type shownPurpose struct {
	Name     string
	Wording  string
	Locale   string // of the wording
	Interest bool   // written about until the candidate objects
	Pending  bool
	Boxes    []shownBox
}

type shownBox struct {
	Value, Label string
	Checked      bool
}

type shownLanguage struct {
	Locale, Name string
	Chosen       bool
}

// visitor is the candidate whose preference page is open, with what is in force for them. Whoever has the link may use it, from
// anywhere: there is no session that another site could borrow, so a forged request would need the link itself and could do
// no more than its sender can do anyway.
type visitor struct {
	candidate    crm.Candidate
	consents     []crm.Consent
	suppressions []crm.Suppression
	ws           *dsl.Workspace
	words        *phrases.Words
	now          time.Time
}

// showPreferences shows what is in force.
func (s *server) showPreferences(c *gin.Context) {
	if v, ok := s.visitor(c); ok {
		s.show(c, http.StatusOK, "preferences", v.page(false))
	}
}

// changePreferences carries out what one of the page's forms asks for.
func (s *server) changePreferences(c *gin.Context) {
	do := c.PostForm("do")
	if do == doFresh {
		s.sendFreshLink(c)
		return
	}
	v, ok := s.visitor(c)
	if !ok {
		return
	}
	if do == doDelete {
		s.show(c, http.StatusOK, "delete", &page{Words: v.words, Title: v.words.Say("delete_sure_title"), Content: c.Request.URL.Path})
		return
	}
	if do == doRight {
		s.askByRight(c, v)
		return
	}
	if do == doObject {
		s.object(c, v)
		return
	}
	p := &store.Preferences{CandidateID: v.candidate.ID, Source: crm.SourcePreferencePage, At: v.now}
	switch do {
	case doSave:
		p.Choices = v.choices(c.PostFormArray("shown"), c.PostFormArray("want"))
		if want := c.PostForm("locale"); slices.ContainsFunc(v.languages(), func(l shownLanguage) bool { return l.Locale == want }) {
			p.Locale = want
		}
	case doPause:
		p.Events = []crm.Event{v.event(crm.EventPaused, map[string]any{"until": v.pauseEnd().Format(time.RFC3339)})}
	case doResume:
		p.Events = []crm.Event{v.event(crm.EventResumed, map[string]any{})}
	case doStop:
		p.Stop, p.Choices = true, v.nothing()
	case doErase: // it stops before it is known who asks: whoever has the link may do that much
		p.Stop, p.Choices = true, v.nothing()
	}
	if err := s.Store.SavePreferences(c.Request.Context(), p); err != nil {
		s.notSaved(c, err)
		return
	}
	if do == doErase {
		s.askDeletion(c, v)
		return
	}
	if v, ok := s.visitor(c); ok {
		s.show(c, http.StatusOK, "preferences", v.page(true))
	}
}

func (s *server) notSaved(c *gin.Context, err error) {
	if crm.CodeOf(err) == crm.CodeNotFound { // erased in the meantime
		s.deadPreferences(c)
		return
	}
	s.tryAgain(c, err)
}

// visitor reads whose page it is. When it is not ok, the candidate has been told.
func (s *server) visitor(c *gin.Context) (*visitor, bool) {
	id, expired, ok := s.signedCandidate(c)
	if !ok || expired {
		s.deadPreferences(c)
		return nil, false
	}
	v, err := s.readVisitor(c.Request.Context(), id)
	if err != nil {
		s.notSaved(c, err)
		return nil, false
	}
	v.words = s.speak(c, v.candidate.Locale)
	return v, true
}

func (s *server) readVisitor(ctx context.Context, candidateID string) (*visitor, error) {
	set, err := s.inForce.get(ctx)
	if err != nil {
		return nil, err
	}
	v := &visitor{ws: set.Workspace, now: s.Now()}
	if v.ws == nil {
		v.ws = &dsl.Workspace{}
	}
	if v.candidate, v.consents, err = s.Store.Candidate(ctx, candidateID); err != nil {
		return nil, err
	}
	v.suppressions, err = s.Store.SuppressionsOf(ctx, v.candidate.ID)
	return v, err
}

// deadPreferences is shown for every link to a preference page that cannot be used. The offer of a new one is made to everybody,
// so that it tells nothing.
func (s *server) deadPreferences(c *gin.Context) {
	words := s.speak(c, "")
	s.showPage(c, words, http.StatusNotFound, pageText{
		Title: words.Say("dead_title"), Text: words.Say("dead_text") + " " + words.Say("fresh_text"), Button: words.Say("fresh_button"), Action: doFresh,
	})
}

// sendFreshLink sends a candidate whose link has expired a new one, once a day, to the address that is known. Whoever asks
// learns nothing of whether there is one.
func (s *server) sendFreshLink(c *gin.Context) {
	words := s.speak(c, "")
	if id, _, ok := s.signedCandidate(c); ok {
		if err := s.askForLink(c.Request.Context(), id); err != nil && crm.CodeOf(err) != crm.CodeNotFound {
			s.tryAgain(c, err)
			return
		}
	}
	s.showPage(c, words, http.StatusOK, pageText{Title: words.Say("fresh_done_title"), Text: words.Say("fresh_done_text")})
}

func (s *server) askForLink(ctx context.Context, candidateID string) error {
	v, err := s.readVisitor(ctx, candidateID)
	if err != nil {
		return err
	}
	if _, err := s.Store.ApplyDefinitions(ctx, dsl.LinkMails(v.ws), v.now); err != nil {
		return err
	}
	e := v.event(crm.EventPreferencesWanted, map[string]any{})
	e.ExternalID = "preferences/" + v.candidate.ID + "/" + v.now.UTC().Format(time.DateOnly)
	_, err = s.Store.Receive(ctx, []crm.Event{e})
	return err
}

func (v *visitor) zone() *time.Location { return dsl.ZoneOf(&v.candidate, v.ws) }

func (v *visitor) event(eventType string, data map[string]any) crm.Event {
	id := crm.NewID(crm.PrefixEvent, v.now)
	return crm.Event{
		ID: id, Source: crm.SourceRapport, ExternalID: id, Type: eventType, Subject: v.candidate.ID, CandidateID: v.candidate.ID,
		Time: v.now, ReceivedAt: v.now, Data: data,
	}
}

// pauseEnd is the first moment of the day on which a pause that begins now is over.
func (v *visitor) pauseEnd() time.Time {
	y, m, d := v.now.In(v.zone()).Date()
	last := time.Date(y, m+crm.PauseMonths+1, 0, 0, 0, 0, 0, v.zone()).Day() // of the month that it ends in
	return time.Date(y, m+crm.PauseMonths, min(d, last), 0, 0, 0, 0, v.zone())
}

// channels are those on which the candidate can be reached.
func (v *visitor) channels() []crm.Channel {
	var channels []crm.Channel
	for _, ch := range []crm.Channel{crm.Email, crm.SMS} {
		if v.candidate.Address(ch) != "" {
			channels = append(channels, ch)
		}
	}
	return channels
}

func (v *visitor) choice(purpose string, ch crm.Channel, granted bool) store.Choice {
	p := v.ws.Purposes[purpose]
	return store.Choice{
		Purpose: purpose, Channel: ch, Granted: granted, Wording: v.ws.Wording(purpose), Default: p.Basis == crm.BasisLegitimateInterest,
		Pending: p.DoubleOptIn && ch == crm.SMS, // the link came by mail: it proves who reads the mail, not whose the number is
	}
}

// choices are what the candidate wants of what they were shown.
func (v *visitor) choices(shown, wanted []string) []store.Choice {
	var choices []store.Choice
	for _, name := range slices.Sorted(maps.Keys(v.ws.Purposes)) {
		for _, ch := range v.channels() {
			if value := name + ":" + string(ch); slices.Contains(shown, value) {
				choices = append(choices, v.choice(name, ch, slices.Contains(wanted, value)))
			}
		}
	}
	return choices
}

// nothing is to want none of it, on any channel.
func (v *visitor) nothing() []store.Choice {
	var choices []store.Choice
	for _, name := range slices.Sorted(maps.Keys(v.ws.Purposes)) {
		for _, ch := range []crm.Channel{crm.Email, crm.SMS} {
			choices = append(choices, v.choice(name, ch, false))
		}
	}
	return choices
}

// wordingLocale is the language that the workspace writes in.
func (v *visitor) wordingLocale() string { return cmp.Or(v.ws.Locale, phrases.Languages()[0]) }

// suppressed tells whether the candidate's address on a channel is suppressed other than by their own unsubscribe, which they
// can take back here.
func (v *visitor) suppressed(ch crm.Channel) bool {
	return slices.ContainsFunc(v.suppressions, func(x crm.Suppression) bool { return x.Channel == ch && x.Reason != crm.SuppressedUnsubscribe })
}

func (v *visitor) page(saved bool) *page {
	content := preferencesPage{
		Saved: saved, Address: maskAddress(v.candidate.Email), Languages: v.languages(),
		EmailBlocked: v.suppressed(crm.Email), SMSBlocked: v.suppressed(crm.SMS),
	}
	if v.candidate.PausedUntil.After(v.now) {
		content.Paused = v.words.Date(v.candidate.PausedUntil.In(v.zone()))
	}
	content.Rights, content.Interests = v.rights(), v.interests()
	for _, name := range slices.Sorted(maps.Keys(v.ws.Purposes)) {
		content.Purposes = append(content.Purposes, v.purpose(name))
	}
	return &page{Words: v.words, Title: v.words.Say("preferences_title"), Content: content}
}

// purpose shows what is in force. An unsubscribe from everything outweighs what was agreed to before.
func (v *visitor) purpose(name string) shownPurpose {
	shown := shownPurpose{
		Name: name, Wording: v.ws.Wording(name), Locale: v.wordingLocale(),
		Interest: v.ws.Purposes[name].Basis == crm.BasisLegitimateInterest,
	}
	labels := map[crm.Channel]string{crm.Email: v.words.Say("preferences_email"), crm.SMS: v.words.Say("preferences_sms")}
	for _, ch := range v.channels() {
		state := crm.ConsentFor(v.consents, name, ch)
		wanted := state == crm.ConsentGranted || state == crm.ConsentNone && shown.Interest
		for _, x := range v.suppressions {
			wanted = wanted && (x.Channel != ch || x.Reason != crm.SuppressedUnsubscribe)
		}
		shown.Pending = shown.Pending || state == crm.ConsentPending && v.asked(name, ch)
		shown.Boxes = append(shown.Boxes, shownBox{Value: name + ":" + string(ch), Label: labels[ch], Checked: wanted})
	}
	return shown
}

// asked tells whether the candidate was asked to confirm a consent so lately that they still can.
func (v *visitor) asked(purpose string, ch crm.Channel) bool {
	return slices.ContainsFunc(v.consents, func(c crm.Consent) bool {
		return c.Purpose == purpose && c.Channel == ch && c.Pending && v.now.Before(c.At.AddDate(0, 0, crm.ConfirmationDays))
	})
}

// languages are those that Rapport speaks, and the candidate's own, in which messages may be written all the same.
func (v *visitor) languages() []shownLanguage {
	var languages []shownLanguage
	chosen := v.candidate.Locale
	for _, locale := range phrases.Languages() {
		if strings.HasPrefix(chosen, locale+"-") { // keep the variant that is known
			locale = chosen
		}
		languages = append(languages, shownLanguage{Locale: locale, Name: phrases.NameOf(locale), Chosen: locale == chosen})
	}
	switch {
	case chosen == "":
		for i := range languages {
			languages[i].Chosen = languages[i].Locale == v.words.Locale()
		}
	case !slices.ContainsFunc(languages, func(l shownLanguage) bool { return l.Chosen }):
		languages = append(languages, shownLanguage{Locale: chosen, Name: phrases.NameOf(chosen), Chosen: true})
	}
	return languages
}

// maskAddress shows so much of an address that its owner knows it and nobody else learns it.
func maskAddress(address string) string {
	at := strings.LastIndexByte(address, '@')
	if at <= 0 {
		return "…"
	}
	first, _ := utf8.DecodeRuneInString(address)
	return string(first) + "…\u2060" + address[at:] // with a word joiner: it stays on one line
}
