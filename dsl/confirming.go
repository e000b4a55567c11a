package dsl

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/rapport-crm/rapport/crm"
	"github.com/rapport-crm/rapport/dsl/phrases"
)

// BuiltIn is the file that definitions come from which Rapport writes itself.
const BuiltIn = "(built in)"

// PrefixConfirm begins the names of the sequences that ask to confirm a consent; the purpose's name follows.
const PrefixConfirm = "confirm-"

// Names of the messages and sequences that Rapport writes itself. A workspace that has documents of its own under such a name
// uses those.
const (
	messageConfirm  = "confirm-consent"
	messageConfirmS = "confirm-consent-sms"
	nameLink        = "preference-link"
)

// Ask makes a request of a consent that a source reports without proof, where its purpose asks for double opt-in: the candidate
// is asked to confirm it. It belongs before an event is stored.
func (ws *Workspace) Ask(e *crm.Event) {
	if ws == nil || e.Type != crm.EventConsentGranted {
		return
	}
	purpose := ws.Purposes[e.Text("purpose")]
	if !purpose.DoubleOptIn {
		return
	}
	e.Unconfirmed()
	if e.Type == crm.EventConsentRequested && e.Text("wording") == "" && purpose.Wording != "" {
		e.Data["wording"] = purpose.Wording
	}
}

// Pending tells whether a consent that a source reports has to be confirmed before it counts.
func (ws *Workspace) Pending(c *crm.Consent) bool {
	return ws != nil && c.Granted && c.ConfirmedAt.IsZero() && ws.Purposes[c.Purpose].DoubleOptIn
}

// ConfirmedPurpose returns the purpose that a sequence asks candidates to confirm: that of confirm-PURPOSE.
func (ws *Workspace) ConfirmedPurpose(sequence string) (purpose string, ok bool) {
	purpose, ok = strings.CutPrefix(sequence, PrefixConfirm)
	if !ok || ws == nil {
		return "", false
	}
	return purpose, ws.Purposes[purpose].DoubleOptIn
}

// confirmations are the sequences that ask for confirmation, one for each purpose that wants it, and their messages. taken are
// the names of documents, by kind, that the workspace has itself.
func (ws *Workspace) confirmations(taken func(kind, name string) bool) string {
	var b strings.Builder
	asks := false
	for _, purpose := range slices.Sorted(maps.Keys(ws.Purposes)) {
		name := PrefixConfirm + purpose
		if !ws.Purposes[purpose].DoubleOptIn || taken(KindSequence, name) {
			continue
		}
		asks = true
		fmt.Fprintf(&b, `sequence: %s
description: Asks to confirm what somebody has agreed to, once. Who does not is not written to.
purpose: transactional
enroll: {on: consent.requested, when: event.data.purpose == %q}
reenroll: always
exit:
  - {on: consent.granted, when: event.data.purpose == %q, outcome: confirmed}
  - {on: consent.revoked, when: event.data.purpose == %q, outcome: revoked}
steps:
  - {id: ask, if: '"email" in enrollment.event.data.channels', email: %s}
`, name, purpose, purpose, purpose, messageConfirm)
		if ws.From.SMS != "" {
			fmt.Fprintf(&b, "  - {id: ask_sms, if: '\"sms\" in enrollment.event.data.channels', sms: %s}\n", messageConfirmS)
		}
		fmt.Fprintf(&b, "  - wait: %dd\n  - exit: lapsed\n---\n", crm.ConfirmationDays)
	}
	if !asks {
		return ""
	}
	company := ws.signature()
	if !taken(KindMessage, messageConfirm) {
		eachLanguage(&b, messageConfirm, crm.Email, ws, func(w *phrases.Words) (string, string) {
			return w.Say("confirm_mail_subject", "Company", company), w.Say("confirm_mail_intro") +
				"\n\n> {{ enrollment.event.data.wording | default: enrollment.event.data.purpose | default: \"…\" }}\n\n[" + w.Say("confirm_mail_link") + "]({{ links.consent }})\n\n" + w.Say("confirm_mail_ignore")
		})
	}
	if ws.From.SMS != "" && !taken(KindMessage, messageConfirmS) {
		eachLanguage(&b, messageConfirmS, crm.SMS, ws, func(w *phrases.Words) (string, string) {
			return "", w.Say("confirm_sms", "Company", company, "Link", "{{ links.consent }}")
		})
	}
	return b.String()
}

// signature is who writes, as it may stand in a text of Markdown and Liquid: a name is nobody's template.
func (ws *Workspace) signature() string {
	name, _ := ws.Company()
	return strings.Map(func(r rune) rune {
		if r < ' ' || strings.ContainsRune("{}[]<>`*_\\", r) {
			return -1
		}
		return r
	}, name)
}

// eachLanguage writes a message in every language. The one without a locale is in the workspace's.
func eachLanguage(b *strings.Builder, name string, ch crm.Channel, ws *Workspace, say func(*phrases.Words) (subject, body string)) {
	book := phrases.MustOpen()
	own := book.In(ws.Locale).Locale()
	for _, locale := range append([]string{own}, phrases.Languages()...) {
		head := "locale: " + locale
		if b.Len() > 0 && !strings.HasSuffix(b.String(), "---\n") {
			b.WriteString("---\n")
		}
		if locale == own {
			if strings.Contains(b.String(), "message: "+name+"\n") {
				continue
			}
			head = "channel: " + string(ch)
		}
		subject, body := say(book.In(locale))
		fmt.Fprintf(b, "message: %s\n%s\n", name, head)
		if subject != "" {
			fmt.Fprintf(b, "subject: %s\n", quoted(subject))
		}
		fmt.Fprintf(b, "body: %s\n", quoted(body))
	}
}

// quoted writes a text as YAML reads it on one line: JSON is YAML.
func quoted(text string) string {
	raw, err := json.Marshal(text)
	if err != nil {
		return `""`
	}
	return string(raw)
}

// LinkMails are the definitions that send somebody a new link to their preference page: a sequence, and its message in every
// language.
func LinkMails(ws *Workspace) []Document {
	var b strings.Builder
	fmt.Fprintf(&b, `sequence: %s
description: Sends a new link to their preference page to who asks for one.
purpose: transactional
enroll: {on: preferences.requested}
reenroll: always
steps:
  - {id: link, email: %s}
---
`, nameLink, nameLink)
	company := ws.signature()
	eachLanguage(&b, nameLink, crm.Email, ws, func(w *phrases.Words) (string, string) {
		return w.Say("fresh_mail_subject", "Company", company), w.Say("fresh_mail_intro") + "\n\n[" + w.Say("fresh_mail_link") +
			"]({{ links.preferences }})\n\n" + w.Say("fresh_mail_ignore")
	})
	set, _ := Check([]File{{Path: BuiltIn, Text: []byte(b.String())}}, nil)
	if set == nil { // a test makes sure that it never is
		return nil
	}
	return set.Documents
}

// Names of the sequences, and their messages, that are about requests of candidates.
const (
	SequenceRequestConfirm = "request-confirm"
	SequenceRequestReady   = "request-ready"
	// What these say is written when it is sent: see RequestLetter.
	SequenceRequestAnswered = "request-answered"
	SequenceRequestExtended = "request-extended"
	SequenceRequestDeleting = "request-deleting"
)

// messageRequestNews is the message of those that tell of answers.
const messageRequestNews = "request-news"

// AboutRequests tells whether a sequence does nothing but answer requests of candidates: it goes on for those whose data is restricted.
func AboutRequests(sequence string) bool {
	return sequence == SequenceRequestConfirm || sequence == SequenceRequestReady || sequence == nameLink || TellsOfRequest(sequence)
}

// TellsOfRequest tells whether the mail of a sequence is a RequestLetter.
func TellsOfRequest(sequence string) bool {
	return sequence == SequenceRequestAnswered || sequence == SequenceRequestExtended || sequence == SequenceRequestDeleting
}

// RequestMails are the definitions that ask a candidate whether a request is theirs, that send the link to the copy of their data, and that
// tell them of answers: sequences, and their messages in every language.
func RequestMails(ws *Workspace) []Document {
	var b strings.Builder
	for _, s := range []struct{ name, does, enroll, message string }{
		{SequenceRequestConfirm, "Asks at the known address whether a request is the candidate's own.", "on: request.received, when: event.data.verify", SequenceRequestConfirm},
		{SequenceRequestReady, "Sends the link to the copy of their data to who asked for one.", "on: request.ready", SequenceRequestReady},
		{SequenceRequestAnswered, "Tells a candidate how a request of theirs was answered, or why it is refused.", "on: [request.closed, request.kept], when: event.data.tell", messageRequestNews},
		{SequenceRequestExtended, "Tells a candidate that answering their request takes longer, and why.", "on: request.extended", messageRequestNews},
		{SequenceRequestDeleting, "Tells a candidate who asked for it that their data is deleted now.", "on: request.deleting", messageRequestNews},
	} {
		fmt.Fprintf(&b, "sequence: %s\ndescription: %s\npurpose: transactional\nenroll: {%s}\nreenroll: always\nsteps:\n  - {id: tell, email: %s}\n---\n", s.name, s.does, s.enroll, s.message)
	}
	company := ws.signature()
	mail := func(name, subject, intro, link, ignore string) {
		eachLanguage(&b, name, crm.Email, ws, func(w *phrases.Words) (string, string) {
			body := w.Say(intro) + "\n\n[" + w.Say(link) + "]({{ links.request }})"
			if ignore != "" {
				body += "\n\n" + w.Say(ignore)
			}
			return w.Say(subject, "Company", company), body
		})
	}
	mail(SequenceRequestConfirm, "request_mail_subject", "request_mail_intro", "request_mail_link", "request_mail_ignore")
	mail(SequenceRequestReady, "data_mail_subject", "data_mail_intro", "data_mail_link", "")
	eachLanguage(&b, messageRequestNews, crm.Email, ws, func(w *phrases.Words) (string, string) { // for those who look it up: a letter goes instead
		return w.Say("request_mail_subject", "Company", company), w.Say("news_what") + " …"
	})
	set, _ := Check([]File{{Path: BuiltIn, Text: []byte(b.String())}}, nil)
	if set == nil { // a test makes sure that it never is
		return nil
	}
	return set.Documents
}

// builtIn adds the definitions that the workspace among the loader's documents asks for. They are part of the files, so that they are
// published, versioned and shown like any others.
func (l *loader) builtIn(base []Document) {
	i := slices.IndexFunc(l.docs, func(d *doc) bool { return d.Kind == KindWorkspace })
	if i < 0 || l.docs[i].reader.src.root == nil {
		return
	}
	own := newLoader(nil)
	own.document(l.docs[i].Document)
	own.read()
	ws := own.docs[0].workspace
	if ws == nil || own.docs[0].reader.failed() {
		return
	}
	text := ws.confirmations(func(kind, name string) bool {
		return slices.ContainsFunc(l.docs, func(d *doc) bool { return d.Kind == kind && d.Name == name }) ||
			slices.ContainsFunc(base, func(d Document) bool { return d.Kind == kind && d.Name == name && d.File != BuiltIn })
	})
	if text != "" {
		l.file(File{Path: BuiltIn, Text: []byte(text)})
	}
}
