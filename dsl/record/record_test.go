package record_test

import (
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rapport-crm/rapport/crm"
	"github.com/rapport-crm/rapport/dsl"
	"github.com/rapport-crm/rapport/dsl/record"
)

//nolint:gochecknoglobals // a flag of the test binary
var update = flag.Bool("update", false, "write the golden files")

func day() time.Time { return time.Date(2026, 11, 22, 23, 30, 0, 0, time.FixedZone("", -3600)) }

// check compiles documents.
func check(t *testing.T, files ...dsl.File) *dsl.Set {
	t.Helper()
	set, problems := dsl.Check(files, nil)
	if set == nil {
		t.Fatal(problems)
	}
	return set
}

func text(s string) dsl.File { return dsl.File{Path: "a.yaml", Text: []byte(s)} }

// examples reads the definitions that come with Rapport.
func examples(t *testing.T) []dsl.File {
	t.Helper()
	var files []dsl.File
	for _, pattern := range []string{"../../examples/*.yaml", "../../examples/retention/*.yaml"} {
		names, err := filepath.Glob(pattern)
		if err != nil || len(names) == 0 {
			t.Fatal(pattern, err)
		}
		for _, name := range names {
			b, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			files = append(files, dsl.File{Path: filepath.Base(name), Text: b})
		}
	}
	return files
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s (-want +got), go test ./dsl/record -update writes it:\n%s", path, diff)
	}
}

func asJSON(t *testing.T, r *record.Record) string {
	t.Helper()
	b, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	return string(b) + "\n"
}

func TestRecordOfTheExamples(t *testing.T) {
	t.Parallel()
	r := record.Of(check(t, examples(t)...), nil, day())
	golden(t, "examples.json", asJSON(t, r))
	golden(t, "examples.md", r.Markdown())
	if len(r.Missing) > 0 {
		t.Errorf("the examples lack %v", r.Missing)
	}
	page, err := r.HTML()
	if err != nil {
		t.Fatal(err)
	}
	for _, word := range []string{"North Trust", "silver-medallist-nurses", "UK-US data bridge", "prefers-color-scheme:dark", "@media print"} {
		if !strings.Contains(page, word) {
			t.Errorf("the page lacks %q", word)
		}
	}
	for _, word := range []string{"<script", "http://", "https://", "src=", "ZgotmplZ"} {
		if strings.Contains(page, word) {
			t.Errorf("the page has %q", word)
		}
	}
}

// The order of files, documents and maps changes nothing, and neither does the time of day.
func TestSameDefinitionsMakeTheSameRecord(t *testing.T) {
	t.Parallel()
	files := examples(t)
	first := asJSON(t, record.Of(check(t, files...), nil, day()))
	slices.Reverse(files)
	set := check(t, files...)
	if second := asJSON(t, record.Of(set, nil, day().Add(20*time.Hour))); first != second {
		t.Error(cmp.Diff(first, second))
	}
	stored, err := dsl.Load(set.All) // as a server has them
	if err != nil {
		t.Fatal(err)
	}
	if third := asJSON(t, record.Of(stored, nil, day())); first != third {
		t.Error(cmp.Diff(first, third))
	}
	for i := range files {
		files[i].Text = []byte(strings.Replace(string(files[i].Text), "Maya Lee", "Maja Lee", 1))
	}
	if other := record.Of(check(t, files...), nil, day()); strings.Contains(first, other.Hash) {
		t.Error("other definitions have the same hash")
	}
}

const bare = `
workspace: bare
purposes:
  news: {basis: consent}
  sourced: {basis: legitimate_interest, expires: 30d, wording: W}
from: {email: "A <a@trust.example>", sms: "+447700900000", address: "1 Way"}
---
sequence: all
purpose: sourced
enroll:
  - {on: page.viewed, when: has(candidate.attributes.visa)}
  - {in: keen}
steps:
  - id: mail
    email: {subject: "Hi {{ candidate.first_name | default: 'you' }}", body: "{% comment %}{{ candidate.city }}{% endcomment %}Hello."}
  - id: text
    sms: {body: Hello.}
  - id: ask
    call: {url: "https://api.trust.example/x/{{ candidate.id }}", save: attributes.badge}
  - id: how
    survey: {use: after, timeout: 7d}
---
pool: keen
when: candidate.score > 3 && candidate.country == "DE"
---
survey: after
questions: [{id: nps, ask: "Would you?", kind: nps}]
`

// What nobody has said is named as missing, with where to say it, and never made up.
func TestWhatIsMissing(t *testing.T) {
	t.Parallel()
	r := record.Of(check(t, text(bare)), nil, day())
	var got []string
	for _, m := range r.Missing {
		got = append(got, m.What)
		if m.Article == "" || m.Add == "" {
			t.Errorf("%+v says not what to do", m)
		}
	}
	want := []string{
		"The controller's name.", "The controller's address.", "Where the controller is reached.", "The data protection officer, or that there is none.",
		"What candidates read when they agree to news.", "The category and purpose of 2 attributes.",
		"Who api.trust.example is, by the legal name.", "In which country api.trust.example processes the data.",
		"Who carries email.", "Who twilio is, by the legal name.", "In which country twilio processes the data.",
		"When data are erased: no retention policy ends.",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if r.Controller != (record.Controller{}) || len(r.Transfers) != 0 {
		t.Errorf("made up: %+v %+v", r.Controller, r.Transfers)
	}
	if n := strings.Count(r.Markdown(), "**missing**"); n != 4+2*3 {
		t.Errorf("the page says %d times that something is missing", n)
	}
}

func TestWhatActivitiesRead(t *testing.T) {
	t.Parallel()
	r := record.Of(check(t, text(bare)), nil, day())
	want := []record.Activity{
		{
			Kind: "sequence", Name: "all", Purposes: []string{"sourced"}, Basis: []string{"legitimate interests (Art. 6(1)(f)), for 30d"},
			Subjects: []string{"candidates", "members of the talent pool keen"}, Writes: []string{"attributes.badge"},
			Recipients: []string{"api.trust.example", "email", "twilio"},
			Data: []record.Data{
				{Category: crm.CategoryIdentity, Fields: []string{"first name", "id"}},
				{Category: crm.CategoryContact, Fields: []string{"email", "phone"}},
				{Category: crm.CategoryLocation, Fields: []string{"country", "time zone"}},
				{Category: crm.CategoryBehaviour, Fields: []string{"event page.viewed", "score"}},
				{Category: crm.CategoryPreference, Fields: []string{"consents and suppressions", "locale"}},
				{Category: record.Undeclared, Fields: []string{"attributes.visa"}},
			},
		},
		{
			Kind: "survey", Name: "after", Purposes: []string{"sourced"}, Basis: []string{"legitimate interests (Art. 6(1)(f)), for 30d"},
			Subjects: []string{"candidates", "members of the talent pool keen"}, Recipients: []string{"email", "twilio"},
			Data: []record.Data{{Category: crm.CategoryPreference, Fields: []string{"answers to its questions"}}},
		},
	}
	if diff := cmp.Diff(want, r.Activities); diff != "" {
		t.Error(diff)
	}
	undeclared := []record.Attribute{{Name: "badge", UsedBy: []string{"sequence all"}}, {Name: "visa", UsedBy: []string{"sequence all"}}}
	if diff := cmp.Diff(undeclared, r.Undeclared); diff != "" {
		t.Error(diff)
	}
}

// A server knows who carries what, and which attributes candidates have.
func TestRecordOfAServer(t *testing.T) {
	t.Parallel()
	server := &record.Installation{Recipients: []string{dsl.RecipientSMTP}, Attributes: map[string]int64{"visa": 12, "shoe|size": 1}}
	r := record.Of(check(t, text(bare)), server, day())
	if got := r.Activities[0].Recipients; !slices.Equal(got, []string{"api.trust.example", "smtp"}) {
		t.Errorf("recipients are %v", got)
	}
	counts := map[string]int64{}
	for _, a := range r.Undeclared {
		counts[a.Name] = *a.Candidates
	}
	if diff := cmp.Diff(map[string]int64{"badge": 0, "shoe|size": 1, "visa": 12}, counts); diff != "" {
		t.Error(diff)
	}
	if page := r.Markdown(); !strings.Contains(page, `| shoe\|size | 1 |`) {
		t.Error(page)
	}
}

func TestTransfers(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		controller, country, safeguard string
		transfer, missing              bool
	}{
		"within the EEA":                  {"DE", "IE", "", false, false},
		"to the US":                       {"DE", "US", "EU-US DPF", true, false},
		"to the US without a safeguard":   {"DE", "US", "", true, true},
		"from the UK to the EEA":          {"GB", "IE", "", true, true},
		"within the UK":                   {"GB", "GB", "", false, false},
		"of a controller who says not":    {"", "GB", "", true, true},
		"of one who says not, in the EEA": {"", "FR", "", false, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			doc := "workspace: w\nrecipients:\n  sendgrid: {name: N, country: " + c.country
			if c.safeguard != "" {
				doc += ", safeguard: " + c.safeguard
			}
			doc += "}\n"
			if c.controller != "" {
				doc += "controller: {country: " + c.controller + "}\n"
			}
			r := record.Of(check(t, text(doc)), nil, day())
			if got := len(r.Transfers) == 1; got != c.transfer {
				t.Errorf("transfers are %v", r.Transfers)
			}
			missing := slices.ContainsFunc(r.Missing, func(m record.Missing) bool { return m.Article == "Art. 30(1)(e)" })
			if missing != c.missing {
				t.Errorf("missing are %v", r.Missing)
			}
		})
	}
}

// What people write cannot become markup.
func TestTextsStayTexts(t *testing.T) {
	t.Parallel()
	doc := "workspace: w\ncontroller: {name: '<b>N|`x`*</b>', measures: ['<i>m</i>']}\nfields: {'<u>': {category: special, purpose: transactional, note: 'a|b'}}\n"
	r := record.Of(check(t, text(doc)), nil, day())
	page, err := r.HTML()
	if err != nil {
		t.Fatal(err)
	}
	for _, tag := range []string{"<b>", "<i>", "<u>"} {
		if strings.Contains(page, tag) || strings.Contains(strings.ReplaceAll(r.Markdown(), `\<`, ""), tag) {
			t.Errorf("%s is markup", tag)
		}
	}
}
