package dsl

import (
	"net/url"
	"strings"
	"time"

	"github.com/rapport-crm/rapport/crm"
	"github.com/rapport-crm/rapport/dsl/phrases"
)

// ScorecardRequest is the message that asks an interviewer for their scorecard. No document can have such a name.
const ScorecardRequest = builtinScorecard

// LetterKind is what a letter tells.
type LetterKind string

// The kinds.
const (
	LetterBooked    LetterKind = "booked"
	LetterMoved     LetterKind = "moved"     // to another time
	LetterUpdated   LetterKind = "updated"   // something else than the time has changed
	LetterCancelled LetterKind = "cancelled" // for whom it is, it does not take place
	LetterScorecard LetterKind = "scorecard" // a scorecard is asked for
)

// Letter is what Rapport itself writes about an interview, to the candidate or to one who holds it. Empty fields are left out.
type Letter struct {
	Kind    LetterKind
	ToPanel bool // to one who holds it, who learns no more of the candidate than their name
	Shadow  bool // and who only comes along
	Again   bool // of a cancellation: the candidate gets new times
	Erased  bool // of a cancellation to the panel: the candidate was erased, and is not named

	Name      string // of whom it is for, as they are greeted
	Candidate string // to the panel
	Role      string
	With      string // to the candidate, who holds it; to the panel, who else does
	Medium    string // video, phone or onsite
	Place     string
	crm.Span
	Zone *time.Location // in which its reader thinks
	Link string         // their page
}

// Template is the letter as a message.
func (l *Letter) Template(w *phrases.Words) *Template {
	return &Template{
		Locale: w.Locale(), Hash: "rapport/" + string(l.Kind), Channel: crm.Email, markdown: newMarkdown(),
		Subject: &Text{Source: l.subject(w)}, Body: &Text{Source: l.body(w)},
	}
}

func (l *Letter) subject(w *phrases.Words) string {
	when := ""
	if !l.Start.IsZero() {
		when = w.Day(l.Start.In(l.Zone)) + ", " + l.Start.In(l.Zone).Format("15:04")
	}
	switch {
	case l.Kind == LetterScorecard:
		return w.Say("mail_scorecard_subject", "Name", l.candidate(w))
	case l.ToPanel:
		return w.Say("mail_panel_"+string(l.Kind)+"_subject", "Name", l.candidate(w), "When", when)
	}
	return w.Say("mail_"+string(l.Kind)+"_subject", "When", when)
}

func (l *Letter) candidate(w *phrases.Words) string {
	if l.Candidate == "" {
		return w.Say("panel_candidate")
	}
	return l.Candidate
}

// body is written in Markdown.
func (l *Letter) body(w *phrases.Words) string {
	var parts []string
	if l.Name != "" {
		parts = append(parts, w.Say("interview_hello", "Name", plain(l.Name)))
	}
	parts = append(parts, l.words(w))
	if l.Shadow && l.Kind != LetterCancelled {
		parts = append(parts, w.Say("panel_shadow"))
	}
	parts = append(parts, l.facts(w))
	if link := l.linkWords(); link != "" && safeLink(l.Link) {
		parts = append(parts, "["+w.Say(link)+"]("+l.Link+")")
	}
	return strings.Join(parts, "\n\n")
}

// words say what has happened.
func (l *Letter) words(w *phrases.Words) string {
	switch {
	case l.Kind == LetterScorecard:
		return w.Say("mail_scorecard")
	case l.Erased:
		return w.Say("mail_panel_withdrawn")
	case l.ToPanel:
		return w.Say("mail_panel_" + string(l.Kind))
	case l.Kind == LetterCancelled && l.Again:
		return w.Say("mail_cancelled_again")
	}
	return w.Say("mail_" + string(l.Kind))
}

func (l *Letter) linkWords() string {
	switch {
	case l.Kind == LetterScorecard:
		return "mail_scorecard_link"
	case l.Kind == LetterCancelled:
		return ""
	case l.ToPanel:
		return "mail_panel_link"
	}
	return "mail_page_link"
}

// facts are the lines that say who, when and where.
func (l *Letter) facts(w *phrases.Words) string {
	var lines []string
	add := func(label, text string) {
		if text != "" {
			lines = append(lines, "**"+w.Say(label)+":** "+text)
		}
	}
	if l.ToPanel {
		add("mail_candidate", plain(l.Candidate))
	}
	add("interview_role", plain(l.Role))
	add("interview_when", plain(l.when(w)))
	if l.Kind == LetterCancelled || l.Kind == LetterScorecard {
		return strings.Join(lines, "\n")
	}
	if l.Medium != "" {
		add("interview_how", w.Say("interview_"+l.Medium))
	}
	add("interview_where", placeText(l.Place))
	add("interview_with", plain(l.With))
	return strings.Join(lines, "\n")
}

// when is the time on the clocks of its reader, with the zone and how far it is from UTC on that day.
func (l *Letter) when(w *phrases.Words) string {
	if l.Start.IsZero() {
		return ""
	}
	from, to := l.Start.In(l.Zone), l.End.In(l.Zone)
	zone := "UTC"
	if l.Zone != time.UTC {
		zone = strings.ReplaceAll(l.Zone.String(), "_", " ") + ", UTC" + strings.Replace(from.Format("-07:00"), "-", "−", 1)
	}
	return w.Day(from) + ", " + from.Format("15:04") + "–" + to.Format("15:04") + " (" + zone + ")"
}

// placeText is a place in Markdown: a link leads there.
func placeText(place string) string {
	u, err := url.Parse(place)
	if err != nil || u.Scheme != "https" && u.Scheme != "http" || !safeLink(place) || strings.ContainsAny(place, "<>\\ \n") {
		return plain(place)
	}
	return "[" + plain(place) + "](<" + place + ">)"
}

// plain writes a text so that Markdown takes it as plain words.
func plain(text string) string {
	var b strings.Builder
	_, _ = markdownEscaper{}.WriteString(&b, text) // a builder takes everything
	return b.String()
}
