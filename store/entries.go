package store

import (
	"cmp"
	"maps"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype/zeronull"

	"github.com/rapport-crm/rapport/crm"
)

// The functions of this file read rows of the timeline's queries as the entries they stand for.

func scanConsentEntry(row pgx.CollectableRow) ([]Entry, error) {
	e := Entry{Kind: EntryConsent, rank: rankConsent}
	var purpose, channel string
	err := row.Scan(&e.At, &e.key, &e.Outcome, &purpose, &channel, &e.Source)
	if e.Outcome == "pending" {
		e.Until = e.At.AddDate(0, 0, crm.ConfirmationDays)
	}
	e.Data = map[string]any{"purpose": purpose, "channel": channel}
	e.Text = consentWords(&e, purpose+" by "+channel)
	return []Entry{e}, err
}

// consentWords says what a line of a consent history means. On the preference page it is what the candidate wants.
func consentWords(e *Entry, what string) string {
	mine := e.Source == crm.SourcePreferencePage
	switch {
	case e.Outcome == "lapsed":
		return "consent to " + what + " has lapsed: it was not confirmed"
	case mine && e.Outcome == "pending":
		return "preferences saved: wants " + what + ", which waits to be confirmed"
	case mine && e.Outcome == "revoked":
		return "preferences saved: does not want " + what
	case mine:
		return "preferences saved: wants " + what
	case e.Outcome == "pending":
		return "consent to " + what + " waits to be confirmed"
	}
	return "consent to " + what + " " + e.Outcome
}

// choiceWords says what an event means by which a candidate says how they want to be written to; "" for every other event.
func choiceWords(e *crm.Event) (text string, until time.Time) {
	switch e.Type {
	case crm.EventPaused:
		until, _ = e.Paused()
		return "messages paused by the candidate", until
	case crm.EventResumed:
		return "messages resumed by the candidate", until
	case crm.EventPreferencesWanted:
		return "the candidate asks for a new link to their preference page", until
	case crm.EventErasureRequested:
		until, _ = time.Parse(time.RFC3339, e.Text("due")) // what is no time is not shown
		return "the candidate asks for their data to be deleted", until
	}
	return requestWords(e), until
}

// requestWords says what an event tells of a request.
func requestWords(e *crm.Event) string {
	switch e.Type {
	case crm.EventRequestReceived:
		return "the candidate asks by their rights: " + e.Text("kind")
	case crm.EventRequestReady:
		return "the copy of their data can be fetched"
	case crm.EventRequestClosed:
		return "the request for " + e.Text("kind") + " is " + strings.TrimSpace(e.Text("state")+" "+e.Text("ground"))
	}
	return meetingWords(e)
}

// meetingWords says what an event means by which people change an interview. What the run tells of it is a line of its own.
func meetingWords(e *crm.Event) string {
	who := cmp.Or(e.Text("by"), "an interviewer")
	switch e.Type {
	case crm.EventPicked:
		return "the candidate picks" + cmp.Or(startsAt(e, " "), " a time")
	case crm.EventTimesRequested:
		return "the candidate asks for other times"
	case crm.EventCancelled:
		if who == "candidate" {
			return "the candidate cancels the interview" + startsAt(e, " of ")
		}
	case crm.EventDeclined:
		return who + " cannot hold the interview" + startsAt(e, " of ") + reasonWords(e)
	case crm.EventNoShow:
		return who + " says that the candidate is not there"
	case crm.EventScored:
		return who + " hands in a scorecard"
	}
	return ""
}

// startsAt is when the meeting of an event begins, after a word.
func startsAt(e *crm.Event, word string) string {
	at, err := time.Parse(time.RFC3339, e.Text("starts_at"))
	if err != nil {
		return ""
	}
	return word + at.UTC().Format("Mon 2 Jan 15:04 UTC")
}

// reasonWords says how it is known that somebody cannot, where they did not say so themselves.
func reasonWords(e *crm.Event) string {
	switch e.Text("reason") {
	case "calendar":
		return ": it was declined in their calendar"
	case "deleted":
		return ": it was deleted from their calendar"
	case "conflict":
		return ": something else has come up"
	}
	return ""
}

func scanEventEntry(row pgx.CollectableRow) ([]Entry, error) {
	e := Entry{Kind: EntryEvent, rank: rankEvent}
	var event crm.Event
	var run runName
	places := append([]any{&e.At, &e.key, &e.Reason}, word(&run.definition), (*zeronull.Int4)(&run.version), (*zeronull.Int4)(&run.n), word(&run.workflow))
	if err := row.Scan(append(places, eventPlaces(&event)...)...); err != nil {
		return nil, err
	}
	e.EventID, e.EventType, e.Source, e.Position = event.ID, event.Type, event.Source, event.Position
	e.Step, e.MessageID = event.Step, event.Text("message")
	if run.n > 0 {
		run.id, run.candidate = event.EnrollmentID, event.CandidateID
		if run.id == "" {
			run.id = event.Text("enrollment")
		}
		run.name(&e)
	}
	if event.Source == crm.SourceControl {
		e.Reason = cmp.Or(e.Reason, event.Text("reason"))
	}
	e.Data, e.Said = declared(&event), saidBy(&event)
	e.Text, e.Until = choiceWords(&event)
	return []Entry{e}, nil
}

// saidBy is what a candidate wrote, or what a machine did for them, and what people said about an interview; nil for every other
// event.
func saidBy(e *crm.Event) *Said {
	switch e.Type {
	case "message.replied", "message.auto_replied":
	case crm.EventPicked, crm.EventTimesRequested, crm.EventCancelled, crm.EventDeclined, crm.EventAnswered:
		if text := e.Text("text"); text != "" {
			return &Said{Text: text}
		}
		return nil
	default:
		return nil
	}
	said := &Said{Subject: e.Text("subject"), Text: e.Text("text")}
	said.Damaged, _ = e.Data["damaged"].(bool)
	said.OtherAddress, _ = e.Data["other_address"].(bool)
	files, _ := e.Data["attachments"].([]any)
	for _, file := range files {
		fields, _ := file.(map[string]any)
		var f SaidFile
		f.Name, _ = fields["name"].(string)
		f.Type, _ = fields["type"].(string)
		size, _ := fields["size"].(float64)
		f.Size = int(size)
		said.Files = append(said.Files, f)
	}
	return said
}

// declared are the fields of an event's data that its type declares, without free texts and answers. Of custom events, whose
// data is the source's own, none.
func declared(e *crm.Event) map[string]any {
	fields, _ := crm.EventFields(e.Type)
	data := maps.Clone(e.Data)
	maps.DeleteFunc(data, func(name string, _ any) bool {
		kind, ok := fields[name]
		return !ok || kind == crm.KindMap || kind == crm.KindAny || name == "note" || name == "wording"
	})
	if strings.HasPrefix(e.Type, "custom.") || len(data) == 0 {
		return nil
	}
	return data
}

func scanDecisionEntries(row pgx.CollectableRow) ([]Entry, error) {
	var e Entry
	var run runName
	var notes []crm.Note
	err := row.Scan(&e.At, &e.key, &run.definition, &run.version, word(&run.id), &run.n, &run.candidate, word(&run.workflow), &notes)
	if err != nil {
		return nil, err
	}
	e.rank = rankDecision
	run.name(&e)
	entries := make([]Entry, len(notes))
	for i := range notes {
		n := &notes[i]
		line := e
		line.Kind, line.Step, line.Reason, line.Outcome, line.Until = EntryKind(n.Kind), n.Step, n.Reason, n.Outcome, n.Until
		line.Expression, line.Result, line.Text = n.Expression, n.Result, n.Text
		line.EventID, line.EventType, line.MessageID, line.part = n.EventID, n.EventType, n.MessageID, i
		entries[i] = line
	}
	return entries, nil
}

func scanMessageEntry(row pgx.CollectableRow) ([]Entry, error) {
	e := Entry{Kind: EntryMessage, rank: rankMessage}
	var run runName
	var channel, reason, subject string
	err := row.Scan(&e.At, &e.key, &e.Outcome, &e.MessageID, &reason, &e.Step, &run.definition, &run.version, &run.id, &run.n,
		&run.candidate, &run.workflow, &channel, &subject)
	if e.Outcome == string(crm.MessageAccepted) && subject != "" {
		e.Said = &Said{Subject: subject}
	}
	switch crm.MessageState(e.Outcome) {
	case crm.MessageRefused, crm.MessageUnknown, crm.MessageCancelled, crm.MessageExpired, crm.MessageSkipped:
		e.Reason = reason
	case crm.MessagePlanned, crm.MessageClaimed, crm.MessageAccepted, crm.MessageSettled:
	}
	e.Data = map[string]any{"channel": channel}
	run.name(&e)
	return []Entry{e}, err
}

func scanTaskEntry(row pgx.CollectableRow) ([]Entry, error) {
	e := Entry{Kind: EntryTask, rank: rankTask}
	var run runName
	var outcome string
	err := row.Scan(&e.At, &e.key, &e.Outcome, &e.TaskID, &e.Text, &outcome, &e.Step, &run.definition, (*zeronull.Int4)(&run.version),
		word(&run.id), (*zeronull.Int4)(&run.n), &run.candidate, word(&run.workflow), at(&e.Until))
	if e.Outcome != string(crm.TaskOpen) {
		e.Reason = outcome
	}
	run.name(&e)
	return []Entry{e}, err
}

func scanNoteEntry(row pgx.CollectableRow) ([]Entry, error) {
	e := Entry{Kind: EntryNote, rank: rankNote, Said: &Said{}}
	var source string
	err := row.Scan(&e.At, &e.NoteID, &e.Outcome, &e.Source, &source, &e.Said.Text)
	e.key = e.NoteID
	if source != "" {
		e.Data = map[string]any{"source": source}
	}
	return []Entry{e}, err
}

// runName is what names a run on the timeline.
type runName struct {
	id, definition, candidate string
	workflow                  string // its id, where a merge has made it differ
	version, n                int32
}

func (r *runName) name(e *Entry) {
	e.Definition, e.Version, e.EnrollmentID = r.definition, int(r.version), r.id
	if r.id != "" && r.n > 0 {
		run := crm.Enrollment{Definition: r.definition, CandidateID: r.candidate, N: int(r.n), Workflow: r.workflow}
		e.WorkflowID = run.WorkflowID()
	}
}
