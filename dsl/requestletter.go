package dsl

import (
	"slices"
	"strings"
	"time"

	"github.com/rapport-crm/rapport/crm"
	"github.com/rapport-crm/rapport/dsl/phrases"
)

// RequestLetter is what Rapport itself writes to a candidate about a request of theirs: how it was answered, or why it is refused or takes
// longer.
type RequestLetter struct {
	Event   string // that it tells of: crm.EventRequestClosed, EventRequestKept, EventRequestExtended or EventRequestDeleting
	Request crm.PrivacyRequest
	Name    string
	Company string
	Purpose string // that is objected to, as the candidate knows it
	Contact string // for questions
	Zone    *time.Location
}

// Template is the letter as a message.
func (l *RequestLetter) Template(w *phrases.Words) *Template {
	return &Template{
		Locale: w.Locale(), Hash: "rapport/" + l.Event, Channel: crm.Email, markdown: newMarkdown(),
		Subject: &Text{Source: w.Say("request_mail_subject", "Company", l.Company)}, Body: &Text{Source: l.body(w)},
	}
}

// body is written in Markdown.
func (l *RequestLetter) body(w *phrases.Words) string {
	var parts []string
	add := func(texts ...string) {
		for _, text := range texts {
			if text != "" {
				parts = append(parts, text)
			}
		}
	}
	if l.Name != "" {
		add(w.Say("interview_hello", "Name", plain(l.Name)))
	}
	r := &l.Request
	add("**" + w.Say("news_what") + ":** " + w.Say("rights_"+string(r.Kind)))
	switch {
	case l.Event == crm.EventRequestExtended:
		add(w.Say("news_extended", "Date", l.date(w, r.DueAt)), plain(r.ExtendedWhy), w.Say("news_complain"))
	case l.Event == crm.EventRequestDeleting:
		add(w.Say("news_deleting"), w.Say("news_remains"))
	case r.State == crm.RequestRefused:
		add(l.refusal(w)...)
	default:
		add(l.answer(w)...)
	}
	add(w.Say("news_reference") + " " + plain(r.ID))
	if l.Contact != "" {
		add(w.Say("news_contact", "Contact", plain(l.Contact)))
	}
	return strings.Join(parts, "\n\n")
}

// answer says what was done.
func (l *RequestLetter) answer(w *phrases.Words) []string {
	r := &l.Request
	switch {
	case r.ByPerson() && r.Answer != "":
		return []string{w.Say("news_done"), w.Say("news_answer"), plain(r.Answer)}
	case r.Kind == crm.RequestRestriction:
		return []string{w.Say("news_restricted")}
	case r.Kind == crm.RequestObjection && r.Purpose != "":
		return []string{w.Say("news_objected", "Purpose", plain(l.Purpose))}
	}
	return []string{w.Say("news_done")}
}

// refusal says on which ground, what follows from it, and what the candidate can do about it (GDPR Art. 12(4)).
func (l *RequestLetter) refusal(w *phrases.Words) []string {
	r := &l.Request
	intro := "news_refused"
	if l.Event == crm.EventRequestKept {
		intro = "news_still"
	}
	parts := []string{w.Say(intro), w.Say("ground_"+string(r.Ground)) + l.article(w)}
	if r.KeptBy != "" {
		parts = append(parts, w.Say("news_law")+" "+plain(r.KeptBy))
	}
	if r.ByPerson() && r.Answer != "" {
		parts = append(parts, plain(r.Answer))
	}
	if r.Kind == crm.RequestDeletion {
		parts = append(parts, l.kept(w)...)
	}
	return append(parts, w.Say("news_complain"))
}

// kept says what becomes of data that is not deleted.
func (l *RequestLetter) kept(w *phrases.Words) []string {
	switch r := &l.Request; {
	case !r.KeptUntil.IsZero():
		return []string{w.Say("news_until", "Date", l.date(w, r.KeptUntil)), w.Say("news_kept")}
	case r.Stands():
		return []string{w.Say("news_kept_on"), w.Say("news_again")}
	}
	return []string{w.Say("news_kept_on")}
}

// article is what the ground rests on, in brackets.
func (l *RequestLetter) article(w *phrases.Words) string {
	all := crm.Refusals()
	i := slices.IndexFunc(all, func(x crm.Refusal) bool { return x.Code == l.Request.Ground })
	if i < 0 {
		return ""
	}
	return " (" + w.Say("news_article", "Article", all[i].Article) + ")"
}

func (l *RequestLetter) date(w *phrases.Words, t time.Time) string { return w.Date(t.In(l.Zone)) }
