package store_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rapport-crm/rapport/crm"
	"github.com/rapport-crm/rapport/store"
)

func TestNotes(t *testing.T) {
	t.Parallel()
	b := setup(t)
	id, other := b.candidate(t, "ATS-1"), b.candidate(t, "ATS-2")
	note := func(candidate, text, source, externalID string, ago time.Duration) (crm.Remark, bool, error) {
		return b.AddNote(t.Context(), crm.Remark{CandidateID: candidate, Kind: crm.RemarkCall, Text: text, By: "maya", Source: source, ExternalID: externalID, At: b.now().Add(-ago)})
	}
	first, duplicate, err := note("ATS-1", "first", "crm", "1", time.Hour)
	if err != nil || duplicate || first.CandidateID != id || first.ID == "" || first.CreatedAt.IsZero() {
		t.Fatalf("%+v, %t, %v", first, duplicate, err)
	}
	again, duplicate, err := note(id, "again", "crm", "1", 0)
	if err != nil || !duplicate || cmp.Diff(first, again) != "" {
		t.Errorf("%+v, %t, %v", again, duplicate, err)
	}
	_, _, err = note(other, "whose?", "crm", "1", 0)
	wantCode(t, err, crm.CodeConflict)
	_, _, err = note("nobody", "x", "", "", 0)
	wantCode(t, err, crm.CodeNotFound)
	for i := range 4 { // notes without an id are all kept, also of the same moment
		if _, _, err := note(id, fmt.Sprint("more ", i), "", "", 0); err != nil {
			t.Fatal(err)
		}
	}
	var texts []string
	for after := ""; ; {
		page, next, err := b.NotesOf(t.Context(), id, 2, after)
		if err != nil || len(page) > 2 {
			t.Fatal(len(page), err)
		}
		for i := range page {
			texts = append(texts, page[i].Text)
		}
		if after = next; next == "" {
			break
		}
	}
	if len(texts) != 5 || texts[4] != "first" {
		t.Errorf("got %q", texts)
	}

	if _, err := b.Merge(t.Context(), id, other, "maya", b.now(), nil); err != nil {
		t.Fatal(err)
	}
	kept, duplicate, err := note(id, "after the merge", "crm", "1", 0)
	if err != nil || !duplicate || kept.CandidateID != other || kept.Text != "first" {
		t.Errorf("%+v, %t, %v", kept, duplicate, err)
	}
	wantCode(t, b.DeleteNote(t.Context(), other, "nte_none"), crm.CodeNotFound)
	if err := b.DeleteNote(t.Context(), id, first.ID); err != nil { // by the former name
		t.Fatal(err)
	}
	page, _, err := b.NotesOf(t.Context(), other, 10, "")
	if err != nil || len(page) != 4 {
		t.Errorf("%d notes, %v", len(page), err)
	}
	_, _, err = b.NotesOf(t.Context(), other, 10, "nonsense")
	wantCode(t, err, crm.CodeInvalid)
}

// The whole conversation stands on the timeline in its order: what was sent, what was answered, what was said on the phone.
func TestConversation(t *testing.T) {
	t.Parallel()
	b := setup(t)
	id := b.candidate(t, "ATS-1")
	run := b.enroll(t, id, "nurture")
	message := b.plan(t, run, "thanks", crm.Email)
	b.claimAll(t)
	if err := b.Accept(t.Context(), message, store.Acceptance{Provider: "p", ProviderID: "1", Address: "a@example.org", Subject: "Thank you, Ana", At: b.now()}); err != nil {
		t.Fatal(err)
	}
	b.pass(time.Minute)
	b.receive(t, b.event("message.replied", id, map[string]any{
		"message": message, "subject": "Re: Thank you", "text": "Gladly.", "whole_text": "Gladly.\n> Hello", "damaged": true, "other_address": true,
		"attachments": []any{map[string]any{"name": "cv.pdf", "size": 3, "type": "application/pdf"}},
	}))
	b.pass(time.Minute)
	if _, _, err := b.AddNote(t.Context(), crm.Remark{CandidateID: id, Kind: crm.RemarkCall, Text: "Starts in May.", By: "maya@north.example", At: b.now()}); err != nil {
		t.Fatal(err)
	}
	entries, _, err := b.Timeline(t.Context(), id, 100, "")
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for i := range entries {
		if e := &entries[i]; e.Said != nil {
			got = append(got, fmt.Sprintf("%s %s %s: %+v", e.Kind, e.EventType, e.Outcome, *e.Said))
		}
	}
	want := []string{
		"message  accepted: {Subject:Thank you, Ana Text: Files:[] Damaged:false OtherAddress:false}",
		"event message.replied : {Subject:Re: Thank you Text:Gladly. Files:[{Name:cv.pdf Size:3 Type:application/pdf}] Damaged:true OtherAddress:true}",
		"note  call: {Subject: Text:Starts in May. Files:[] Damaged:false OtherAddress:false}",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	c, _, err := b.Candidate(t.Context(), id)
	if err != nil || !c.LastActivityAt.IsZero() {
		t.Errorf("last activity %s, %v", c.LastActivityAt, err)
	}
}
