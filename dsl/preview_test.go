package dsl_test

import (
	"strings"
	"testing"
	"time"

	"github.com/rapport-crm/rapport/crm"
	"github.com/rapport-crm/rapport/dsl"
)

func previewOf(t *testing.T, set *dsl.Set, name string, c crm.Candidate) *dsl.Preview {
	t.Helper()
	p, err := set.Preview(name, &c, time.Date(2026, 10, 2, 9, 0, 0, 0, time.UTC))
	if err != nil || p == nil {
		t.Fatalf("%s: %+v, %v", name, p, err)
	}
	return p
}

func TestPreviewOfEveryExample(t *testing.T) {
	t.Parallel()
	set := examples(t)
	for name := range set.Templates {
		p := previewOf(t, set, name, dsl.SampleCandidate(""))
		if p.Text == "" || p.From == "" || p.To == "" || strings.Contains(p.HTML+p.Text+p.Subject, "{{") {
			t.Errorf("%s: %+v", name, p)
		}
		if (p.Channel == crm.SMS) != (p.Segments > 0) || (p.Channel == crm.Email) != (p.HTML != "") {
			t.Errorf("%s by %s: %d segments, %d bytes of HTML", name, p.Channel, p.Segments, len(p.HTML))
		}
	}
}

const previewed = `
message: news
channel: email
subject: "News for {{ candidate.first_name | default: 'you' }}"
body: "{{ owner.name | default: 'We' }} saw {{ enrollment.event.data.title | default: 'it' }}: {{ enrollment.event.data.url | default: '' }}"
---
message: news
locale: cy
subject: Newyddion
body: Helo.
---
message: receipt
channel: email
subject: We have it
body: Thank you.
---
message: text
channel: sms
body: "Ŵy, {{ candidate.first_name | default: 'you' }}"
---
sequence: weekly
purpose: talent-community
owner: maya@trust.example
enroll: {on: role.opened, in: all}
steps:
  - {id: a, email: {use: news, from: owner}}
---
sequence: acknowledge
purpose: transactional
enroll: {on: application.submitted}
steps:
  - {id: a, email: receipt}
---
pool: all
members: by hand
`

func TestPreview(t *testing.T) {
	t.Parallel()
	base := strings.Replace(string(readFile(t, "testdata/base.yaml")), "\n---", "\nteam: {maya@trust.example: {name: Maya Lee}, tom@trust.example: {name: Tom}}\n---", 1)
	set, problems := dsl.Check([]dsl.File{{Path: "base.yaml", Text: []byte(base)}, {Path: "p.yaml", Text: []byte(previewed)}}, nil)
	if set == nil {
		t.Fatalf("problems:\n%s", listing(problems))
	}
	p := previewOf(t, set, "news", crm.Candidate{FirstName: "Siân", Email: "sian@example.org"})
	if p.From != `"Maya Lee via North Trust Careers" <careers@trust.example>` || p.To != "sian@example.org" || p.Subject != "News for Siân" ||
		!strings.HasPrefix(p.Text, "Maya Lee saw [title]: https://preview.invalid/url\n") || !strings.Contains(p.Text, "Unsubscribe: https://preview.invalid/unsubscribe") {
		t.Errorf("got %+v", p)
	}
	p = previewOf(t, set, "news", crm.Candidate{Locale: "cy-GB", Owner: "tom@trust.example"})
	if p.Locale != "cy" || p.Subject != "Newyddion" || !strings.HasPrefix(p.From, `"Tom via`) || !strings.Contains(p.Text, "Dad-danysgrifio: ") {
		t.Errorf("got %+v", p)
	}
	if p = previewOf(t, set, "receipt", crm.Candidate{}); p.Text != "Thank you.\n" || p.From != "North Trust Careers <careers@trust.example>" {
		t.Errorf("a transactional mail has a footer: %+v", p)
	}
	if p = previewOf(t, set, "text", crm.Candidate{FirstName: "Jo", Phone: "+447700900123"}); p.Text != "Ŵy, Jo" || p.Segments != 1 || !p.Unicode || p.To != "+447700900123" {
		t.Errorf("got %+v", p)
	}
	if p, err := set.Preview("nothing", &crm.Candidate{}, time.Time{}); p != nil || err != nil {
		t.Errorf("got %+v, %v", p, err)
	}
}
