package dsl_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rapport-crm/rapport/crm"
	"github.com/rapport-crm/rapport/dsl"
	"github.com/rapport-crm/rapport/dsl/phrases"
)

// What Rapport itself writes about interviews, of one on the day on which clocks change in Berlin, a week before they do in New York.
func TestLetters(t *testing.T) {
	t.Parallel()
	book := phrases.MustOpen()
	start := time.Date(2026, 10, 25, 8, 0, 0, 0, time.UTC)
	for locale, zone := range map[string]string{"en": "America/New_York", "de": "Europe/Berlin"} {
		t.Run(locale, func(t *testing.T) {
			t.Parallel()
			loc, err := time.LoadLocation(zone)
			if err != nil {
				t.Fatal(err)
			}
			var b strings.Builder
			for _, toPanel := range []bool{false, true} {
				for _, kind := range []dsl.LetterKind{dsl.LetterBooked, dsl.LetterMoved, dsl.LetterUpdated, dsl.LetterCancelled, dsl.LetterScorecard} {
					l := &dsl.Letter{
						Kind: kind, ToPanel: toPanel, Again: true, Name: "Ana_*", Role: "Nurse [Theatre]", With: "Ada, Bo", Medium: "video",
						Place: "https://meet.example/a_b*c", Span: crm.Span{Start: start, End: start.Add(time.Hour)}, Zone: loc, Link: "https://north.example/i/x",
					}
					if toPanel {
						l.Name, l.Candidate, l.Shadow, l.Place = "Ada", "Ana <b>", kind == dsl.LetterMoved, "Room_1, 2nd *floor*"
					} else if kind == dsl.LetterScorecard {
						continue
					}
					r, err := l.Template(book.In(locale)).Render(nil, nil)
					if err != nil {
						t.Fatal(err)
					}
					if strings.Contains(r.HTML, "<b>") || !strings.Contains(r.HTML, `lang="`+locale+`"`) {
						t.Errorf("page: %s", r.HTML)
					}
					fmt.Fprintf(&b, "## %s\n\n%s\n", r.Subject, r.Text)
				}
			}
			path := filepath.Join("testdata", "letters."+locale+".txt")
			if *update {
				if err := os.WriteFile(path, []byte(b.String()), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			if diff := cmp.Diff(string(readFile(t, path)), b.String()); diff != "" {
				t.Error(diff)
			}
		})
	}
}
