package store_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rapport-crm/rapport/crm"
	"github.com/rapport-crm/rapport/store"
)

func TestAttributesAreCounted(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for id, attributes := range map[string]map[string]any{
		"ATS-1": {"visa": "yes", "band": 5}, "ATS-2": {"visa": "no"}, "ATS-3": nil,
	} {
		b.upsert(t, store.Write{Candidate: crm.Candidate{ExternalID: id, Attributes: attributes}})
	}
	counts, err := b.Attributes(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(map[string]int64{"visa": 2, "band": 1}, counts); diff != "" {
		t.Error(diff)
	}
}

func TestHasCalendars(t *testing.T) {
	t.Parallel()
	b := setup(t)
	if has, err := b.HasCalendars(t.Context()); err != nil || has {
		t.Fatal(has, err)
	}
	ada := b.people(t, "ada")[0]
	b.exec(t, "insert into interviewer_calendars (id, interviewer_id, kind, address, account, created_at) values ('cal_1', $1, 'ics', '', '', now())", ada)
	if has, err := b.HasCalendars(t.Context()); err != nil || !has {
		t.Error(has, err)
	}
}
