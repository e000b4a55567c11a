package store_test

import (
	"slices"
	"testing"
	"time"

	"github.com/rapport-crm/rapport/crm"
)

func TestEventsBefore(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.set(start().Add(-48 * time.Hour))
	ann := b.candidate(t, "A")
	b.receive(t, b.event("page.viewed", ann, map[string]any{"path": "/early"}))
	b.set(start())
	var want []string
	for i := range 9 {
		b.pass(time.Second)
		e := b.event([]string{"page.viewed", "custom.noise", "role.opened"}[i%3], ann, nil)
		if e.Type == "role.opened" {
			e.Subject = ""
		}
		b.receive(t, e)
		if i%3 != 1 {
			want = append(want, e.ExternalID)
		}
	}
	past := b.event("page.viewed", ann, nil)
	past.Time = start().Add(-time.Hour)
	fanned := b.event("page.viewed", ann, nil)
	fanned.Source = crm.SourceFanout
	aside := b.event("page.viewed", ann, nil)
	b.receive(t, past, b.event("page.viewed", "nobody-yet", nil), fanned)
	if err := b.SetAside(t.Context(), b.receive(t, aside)[0].Event.ID, "malformed"); err != nil {
		t.Fatal(err)
	}
	slices.Reverse(want)
	for _, size := range []int{1, 2, 5, 1000} {
		var got []string
		calls := 0
		for before := ""; ; {
			events, next, err := b.EventsBefore(t.Context(), []string{"page.viewed", "role.opened"}, start(), before, size)
			if err != nil {
				t.Fatal(err)
			}
			for _, e := range events {
				got = append(got, e.ExternalID)
			}
			if calls++; calls > 20 || len(events) > size {
				t.Fatalf("%d calls, %d events at once", calls, len(events))
			}
			if before = next; next == "" {
				break
			}
		}
		if !slices.Equal(got, want) {
			t.Errorf("%d at once gives %v, want %v", size, got, want)
		}
	}
}
