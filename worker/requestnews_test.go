package worker_test

import (
	"strings"
	"testing"
	"time"

	"github.com/rapport-crm/rapport/crm"
	"github.com/rapport-crm/rapport/dsl/phrases"
)

// written writes down a request of a candidate of whom it is known that they ask.
func (r *rig) written(candidate string, kind crm.RequestKind, wish string) crm.PrivacyRequest {
	r.t.Helper()
	request, _, err := r.store.OpenRequest(r.t.Context(), crm.PrivacyRequest{CandidateID: candidate, Kind: kind, Wish: wish, Source: "staff", VerifiedBy: "lena"})
	if err != nil {
		r.t.Fatal(err)
	}
	return request
}

// says fails for each text that the mail with a number does not have.
func (r *rig) says(n int, texts ...string) {
	r.t.Helper()
	mail := r.lastMail(n)
	for _, text := range texts {
		if !strings.Contains(mail.Text, text) {
			r.t.Errorf("mail %d does not say %q:\n%s", n, text, mail.Text)
		}
	}
}

// inLocale has a candidate read a language, and their clock be Berlin's.
func (r *rig) inLocale(locale string) string {
	r.t.Helper()
	id := r.candidate("quagga")
	r.sql("update candidates set locale = $1, time_zone = 'Europe/Berlin'", locale)
	return id
}

func berlin(t *testing.T) *time.Location {
	t.Helper()
	zone, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	return zone
}

// What a person says to a request reaches the candidate in their language, with the words of the person as they are: that it takes longer,
// until when and why (GDPR Art. 12(3)), then what was done.
func TestExtensionAndAnswerAreTold(t *testing.T) {
	t.Parallel()
	for locale, said := range map[string]struct{ extended, done []string }{
		"en": {
			[]string{"more time than usual", "Article 12(3)", "A correction of my data", "complain to a data protection authority"},
			[]string{"We have done what you asked for", "This is our answer:", "A correction of my data"},
		},
		"de": {
			[]string{"mehr Zeit als üblich", "Artikel 12 Absatz 3", "Eine Berichtigung meiner Daten", "Datenschutzaufsichtsbehörde"},
			[]string{"Wir haben getan, worum Sie gebeten haben", "Das ist unsere Antwort:", "Eine Berichtigung meiner Daten"},
		},
	} {
		t.Run(locale, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, 0)
			r.rights("")
			r.work()
			request := r.written(r.inLocale(locale), crm.RequestRectification, "My name is Anna.")
			extended, err := r.store.ExtendRequest(t.Context(), request.ID, "Three *old* archives have to be asked.")
			if err != nil {
				t.Fatal(err)
			}
			if !extended.DueAt.After(request.DueAt.AddDate(0, 1, 20)) {
				t.Errorf("due at %v, before %v", extended.DueAt, request.DueAt)
			}
			r.says(1, append(said.extended, "Three *old* archives have to be asked.", phrases.MustOpen().In(locale).Date(extended.DueAt.In(berlin(t))), request.ID)...)
			if _, err := r.store.AnswerRequest(t.Context(), request.ID, "It is Anna now, in {{ all }} systems.", "lena"); err != nil {
				t.Fatal(err)
			}
			r.says(2, append(said.done, "It is Anna now, in {{ all }} systems.", request.ID)...)
			r.completed(request.WorkflowID())
			for _, mail := range r.mailbox.all() {
				if mail.To != "quagga@zebra.example" || strings.Contains(mail.Text, "lena") {
					t.Errorf("to %s:\n%s", mail.To, mail.Text)
				}
			}
		})
	}
}

// A person refuses on a ground that does not end by itself: its article, their words, and what the candidate can do about it. The workflow
// ends, and nothing is deleted later.
func TestRefusalByStaffIsTold(t *testing.T) {
	t.Parallel()
	for locale, words := range map[string][]string{
		"en": {"We cannot do what you asked for", "GDPR, Article 16", "Article 77", "Article 79"},
		"de": {"Wir können nicht tun, worum Sie gebeten haben", "DSGVO, Artikel 16", "Artikel 77", "Artikel 79"},
	} {
		t.Run(locale, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, 0)
			r.rights("")
			r.work()
			c := r.inLocale(locale)
			request := r.written(c, crm.RequestRectification, "I was never refused.")
			if _, err := r.store.RefuseRequest(t.Context(), request.ID, crm.Decline{Ground: crm.RefusalAccurate, Answer: "We have looked it up.", By: "lena"}); err != nil {
				t.Fatal(err)
			}
			r.says(1, append(words, "We have looked it up.", request.ID)...)
			r.completed(request.WorkflowID())
			if found, _, err := r.store.Candidate(t.Context(), c); err != nil || !found.RestrictedAt.IsZero() {
				t.Errorf("restricted at %v, %v", found.RestrictedAt, err)
			}
		})
	}
}

// A person refuses a deletion until a day. The candidate is told which; who asks again meanwhile is refused until that day too; lifting a
// hold that has nothing to do with it changes nothing. From that day on it is deleted without being asked for.
func TestDeletionRefusedUntilADay(t *testing.T) {
	t.Parallel()
	r := newRig(t, 500*time.Millisecond)
	r.rights("")
	c := r.inLocale("de")
	r.work()
	hold, err := r.store.AddHold(t.Context(), crm.Hold{Role: "another", Why: "an audit", By: "lena"})
	if err != nil {
		t.Fatal(err)
	}
	until := r.now().AddDate(0, 0, 40).Truncate(24 * time.Hour).Add(12 * time.Hour)
	request, _, err := r.store.OpenRequest(t.Context(), crm.PrivacyRequest{CandidateID: c, Kind: crm.RequestDeletion, Source: crm.SourcePreferencePage})
	if err != nil {
		t.Fatal(err)
	}
	r.lastMail(1) // asks whether it was them
	decline := crm.Decline{Ground: crm.RefusalClaims, Answer: "Ein Verfahren läuft.", Until: until, By: "lena"}
	if _, err := r.store.RefuseRequest(t.Context(), request.ID, decline); crm.CodeOf(err) != crm.CodeInvalid {
		t.Fatalf("a deletion is promised to nobody knows whom: %v", err)
	}
	decline.Verified = true
	if request, err = r.store.RefuseRequest(t.Context(), request.ID, decline); err != nil || !request.Stands() || !request.AgainAt.Equal(until) {
		t.Fatalf("refused: %+v, %v", request, err)
	}
	day := phrases.MustOpen().In("de").Date(until.In(berlin(t)))
	r.says(2, "Artikel 17(3)(e)", "Ein Verfahren läuft.", "bis "+day, "nicht noch einmal darum bitten", "Artikel 77")
	if _, err := r.store.LiftHold(t.Context(), hold.ID, "lena", r.now()); err != nil {
		t.Fatal(err)
	}
	again := r.refused(r.asksForDeletion(c))
	if again.Ground != crm.RefusalClaims || !again.KeptUntil.Equal(until) || again.ClosedBy != crm.ByRequest {
		t.Errorf("asked again, it is %+v", again)
	}
	r.says(3, "bis "+day)
	r.gone(c)
	if now := r.now(); now.Before(until) {
		t.Errorf("gone at %v, before %v", now, until)
	}
	r.completed(request.WorkflowID())
	r.completed(again.WorkflowID())
	if n := r.sql("select count(*) from erasures where rule = 'gdpr/art-17'"); n != 1 {
		t.Errorf("%d receipts", n)
	}
}

// What stands against a deletion changes: a hold, and once it is lifted, a law that has the data kept. The candidate is told of the new
// ground, and of the law's day.
func TestChangedGroundIsTold(t *testing.T) {
	t.Parallel()
	for locale, said := range map[string]struct{ first, still []string }{
		"en": {[]string{"We cannot do what you asked for", "Article 17(3)(e)", "When this ends, we delete it"}, []string{"cannot be deleted yet", "Article 17(3)(b)", "The rule: 29 CFR 1602.14", "Article 77"}},
		"de": {[]string{"Wir können nicht tun", "Artikel 17(3)(e)", "Sobald dieser Grund wegfällt"}, []string{"noch nicht gelöscht", "Artikel 17(3)(b)", "Die Vorschrift: 29 CFR 1602.14", "Artikel 77"}},
	} {
		t.Run(locale, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, 0)
			r.rights(r.named(`
retention: POLICY
basis: 29 CFR 1602.14
daily: {at: "03:00", zone: Europe/London}
applies_to: candidate.status == "lead"
keep: {at_least: 15d, after: candidate.created_at}
`))
			c := r.inLocale(locale)
			hold, err := r.store.AddHold(t.Context(), crm.Hold{CandidateID: c, Why: "a claim", By: "lena"})
			if err != nil {
				t.Fatal(err)
			}
			r.work()
			request := r.refused(r.asksForDeletion(c))
			r.says(1, said.first...)
			if _, err := r.store.LiftHold(t.Context(), hold.ID, "lena", r.now()); err != nil {
				t.Fatal(err)
			}
			r.until(func() string {
				if request, err = r.store.Request(t.Context(), request.ID); err != nil {
					return err.Error()
				}
				return differ("the ground", request.Ground, crm.RefusalObligation)
			})
			r.says(2, append(said.still, phrases.MustOpen().In(locale).Date(request.KeptUntil.In(berlin(t))), request.ID)...)
			if _, err := r.store.WithdrawRequest(t.Context(), request.ID, "lena"); err != nil {
				t.Fatal(err)
			}
			r.completed(request.WorkflowID())
			if found, _, err := r.store.Candidate(t.Context(), c); err != nil || !found.RestrictedAt.IsZero() {
				t.Errorf("restricted at %v, %v", found.RestrictedAt, err)
			}
		})
	}
}
