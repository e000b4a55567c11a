package dsl

import (
	"fmt"

	"go.yaml.in/yaml/v4"

	"github.com/rapport-crm/rapport/crm"
)

// Tracking is what is noticed of how messages are read.
type Tracking struct {
	Opens  bool // of email
	Clicks bool // on links of email
	Texts  bool // clicks on links of text messages
}

// Tracks returns what is noticed of messages for a purpose, as the workspace says it. Where it says nothing, it is clicks where
// the candidate has agreed to the purpose, and nothing else: see ePrivacy Directive 2002/58/EC, Art. 5(3), and the EDPB's
// Guidelines 2/2023 on links and pixels that tell one reader from another.
func (ws *Workspace) Tracks(purpose string) Tracking {
	if ws == nil {
		return Tracking{}
	}
	if t, ok := ws.Track[purpose]; ok {
		return t
	}
	return Tracking{Clicks: ws.Purposes[purpose].Basis == crm.BasisConsent}
}

// Follows tells whether clicks on messages of a channel are noticed.
func (t Tracking) Follows(ch crm.Channel) bool {
	if ch == crm.SMS {
		return t.Texts
	}
	return t.Clicks
}

// tracking reads what is noticed, by purpose.
func (r *docReader) tracking(n *yaml.Node, ws *Workspace) {
	entries, _ := r.entries(n, "track")
	ws.Track = make(map[string]Tracking, len(entries))
	for _, e := range entries {
		purpose := r.name(e.key)
		if _, declared := ws.Purposes[purpose]; !declared && purpose != crm.PurposeTransactional && namePattern.MatchString(purpose) {
			r.add(e.key, codePurpose, fmt.Sprintf("There is no purpose %q.", purpose), suggest(purpose, append(purposeNames(ws), crm.PurposeTransactional)))
			continue
		}
		m := r.mapping(e.value, placeTrack)
		if m == nil {
			continue
		}
		t := ws.Tracks(purpose)
		if v := m.get("opens"); v != nil {
			t.Opens = r.flag(v, "opens")
		}
		if v := m.get("clicks"); v != nil {
			t.Clicks = r.flag(v, "clicks")
		}
		if v := m.get("texts"); v != nil {
			t.Texts = r.flag(v, "texts")
		}
		ws.Track[purpose] = t
	}
}

// tells tells whether messages of a channel for the sequence's purpose have an event. Phones do not say what was opened; what
// mail programs do, and where links lead, is noticed where the workspace says so.
func (q *sequenceReader) tells(ch crm.Channel, eventType string) bool {
	ws := q.voc.workspace
	switch eventType {
	case "message.complained":
		return ch == crm.Email
	case "message.opened":
		return ch == crm.Email && (ws == nil || ws.Tracks(q.p.Purpose).Opens)
	case "message.clicked":
		return ws == nil && ch == crm.Email || ws.Tracks(q.p.Purpose).Follows(ch)
	}
	return true
}

// untold says why messages of a sequence have no such event, and what to do about it.
func (q *sequenceReader) untold(ch crm.Channel, eventType string) (message, fix string) {
	key := map[string]string{"message.opened": "opens", "message.clicked": "clicks"}[eventType]
	if ch == crm.SMS && eventType == "message.clicked" {
		key = "texts"
	}
	switch {
	case key == "" || ch == crm.SMS && eventType == "message.opened":
		return fmt.Sprintf("Text messages do not tell of %s.", eventType), "Wait for message.replied, or send an email."
	case ch == crm.SMS:
		return fmt.Sprintf("Links in text messages for %s are not tracked, so there is no %s.", q.p.Purpose, eventType),
			fmt.Sprintf("Wait for message.replied, or write `track: {%s: {texts: true}}` into the workspace.", q.p.Purpose)
	}
	what := map[string]string{"opens": "Opens of", "clicks": "Links in"}[key]
	return fmt.Sprintf("%s mail for %s are not tracked, so there is no %s.", what, q.p.Purpose, eventType),
		fmt.Sprintf("Wait for message.replied, or write `track: {%s: {%s: true}}` into the workspace.", q.p.Purpose, key)
}
