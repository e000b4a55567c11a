package dsl_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rapport-crm/rapport/crm"
	"github.com/rapport-crm/rapport/dsl"
)

// message compiles one message document.
func message(tb testing.TB, text string) *dsl.Template {
	tb.Helper()
	set, problems := dsl.Check([]dsl.File{{Path: "m.yaml", Text: []byte("message: m\n" + text)}}, nil)
	if set == nil {
		tb.Fatalf("problems:\n%s", listing(problems))
	}
	return set.Template("m", "")
}

func sarah() map[string]any {
	c := crm.Candidate{
		FirstName: "Sarah", Skills: []string{"theatre", "icu"}, Country: "GB", TimeZone: "Europe/London",
		LastDecisionAt: time.Date(2026, 7, 31, 23, 30, 0, 0, time.UTC),
		Attributes:     map[string]any{"grade": "5"},
	}
	return dsl.Vars(&c, &crm.Application{Role: "Nurse"}, &crm.Enrollment{Event: &crm.Event{Data: map[string]any{"reason": "silver_medallist"}}},
		dsl.Person{Email: "maya@trust.example"}, map[string]string{"preferences": "https://rapport.example/p/abc?x=1&y=2"})
}

func TestRenderEmail(t *testing.T) {
	t.Parallel()
	tpl := message(t, `channel: email
subject: "{{ candidate.first_name | default: 'Hello' }}, thank you"
preview: "About the {{ application.role | default: 'role' }}"
body: |
  Hi {{ candidate.first_name | default: "there" }},

  We met for *{{ application.role | default: "a role" }}* on {{ candidate.last_decision_at | date: "%-d %B %Y" | default: "that day" }}.
  {% for s in candidate.skills %}{{ s }}; {% endfor %}

  [See more](https://careers.trust.example/theatre?a=1&b=2), [choose]({{ links.preferences }}) or write to
  <maya@trust.example>. https://trust.example/bare

  - one
  - {{ enrollment.event.data.reason | default: "two" }} {{ candidate.attributes.grade | default: "" }}
`)
	got, err := tpl.Render(sarah(), &dsl.Footer{
		Address: "1 Trust Way, Manchester", Unsubscribe: "https://rapport.example/u/abc", Preferences: "https://rapport.example/p/abc",
	})
	if err != nil {
		t.Fatal(err)
	}
	if got.Subject != "Sarah, thank you" || got.Preview != "About the Nurse" {
		t.Errorf("subject %q, preview %q", got.Subject, got.Preview)
	}
	links := []string{"https://careers.trust.example/theatre?a=1&b=2", "https://rapport.example/p/abc?x=1&y=2", "https://trust.example/bare"}
	if diff := cmp.Diff(links, got.Links); diff != "" {
		t.Error(diff)
	}
	for _, want := range []string{
		">Hi Sarah,</p>", "<em>Nurse</em> on 1 August 2026.", "theatre; icu;",
		`href="https://careers.trust.example/theatre?a=1&amp;b=2">See more</a>`, `href="https://rapport.example/p/abc?x=1&amp;y=2">choose</a>`,
		`href="mailto:maya@trust.example"`, ">silver_medallist 5</li>", "1 Trust Way, Manchester",
		`>Unsubscribe</a>`, `>Preferences</a>`, `name="color-scheme" content="light dark"`, "prefers-color-scheme:dark",
		`name="viewport"`, "max-width:600px", "About the Nurse", `lang="en"`,
	} {
		if !strings.Contains(got.HTML, want) {
			t.Errorf("HTML lacks %q:\n%s", want, got.HTML)
		}
	}
	wantText := `Hi Sarah,

We met for Nurse on 1 August 2026.
theatre; icu;

See more <https://careers.trust.example/theatre?a=1&b=2>, choose <https://rapport.example/p/abc?x=1&y=2> or write to
maya@trust.example. https://trust.example/bare

- one
- silver_medallist 5

-- 
1 Trust Way, Manchester
Unsubscribe: https://rapport.example/u/abc
Preferences: https://rapport.example/p/abc
`
	if diff := cmp.Diff(wantText, got.Text); diff != "" {
		t.Error(diff)
	}
}

func TestRenderTransactionalHasNoFooter(t *testing.T) {
	t.Parallel()
	got, err := message(t, "channel: email\nsubject: s\nbody: Hello.\n").Render(sarah(), nil)
	if err != nil || strings.Contains(got.HTML, `class="footer"`) || got.Text != "Hello.\n" || strings.Contains(got.HTML, `class="preview"`) {
		t.Errorf("%+v, %v", got, err)
	}
}

func TestValuesCannotInject(t *testing.T) {
	t.Parallel()
	tpl := message(t, `channel: email
subject: "Hi {{ candidate.first_name | default: 'x' }}"
preview: "For {{ candidate.first_name | default: 'x' }}"
body: |
  {{ candidate.first_name | default: "x" }}

  Hi {{ candidate.first_name | default: "x" }} [go](https://a.example/?q={{ candidate.first_name | default: "x" }})
`)
	for _, name := range []string{
		"<script>alert(1)</script>", "[click](https://evil.example)", "![x](https://evil.example/x.png)", "https://evil.example",
		"www.evil.example", "<https://evil.example>", "a@evil.example", "**bold** _it_ `code` ~~no~~", "# Heading", "1. list", "- list", "> quote", "    code",
		"&lt;b&gt; &#60;", "x\n\n# Heading\n\n---\n", "](https://evil.example) [", "\\", "\"><img src=x onerror=alert(1)>", "{{ candidate.email }}", "===", "| a | b |",
		"a\r\nBcc: x@evil.example",
	} {
		got, err := tpl.Render(map[string]any{"candidate": map[string]any{"first_name": name}}, nil)
		if err != nil {
			t.Errorf("%q: %v", name, err)
			continue
		}
		_, body, _ := strings.Cut(got.HTML, `class="content"`)
		for _, bad := range []string{"<script", "<img", "<h1", "<h2", "<ol", "<ul", "<li", "<blockquote", "<pre", "<code", "<strong", "<em", "<del", "<hr", "<b>", "<table", `href="https://evil`, `href="http://www`, "mailto:"} {
			if strings.Contains(body, bad) {
				t.Errorf("%q became %q:\n%s", name, bad, body)
			}
		}
		for _, link := range got.Links {
			if !strings.HasPrefix(link, "https://a.example/") {
				t.Errorf("%q became the link %q", name, link)
			}
		}
		if strings.ContainsAny(got.Subject+got.Preview, "\r\n") || strings.Contains(got.HTML, "<title>Hi <") {
			t.Errorf("%q: subject %q", name, got.Subject)
		}
		if shown := strings.Join(strings.Fields(name), " "); !strings.Contains(got.Subject, shown) {
			t.Errorf("subject %q lacks %q", got.Subject, shown)
		}
	}
}

func TestLinksThatAValueMakesUnsafeAreDisarmed(t *testing.T) {
	t.Parallel()
	set, err := dsl.Load([]dsl.Document{{Kind: dsl.KindMessage, Name: "m", Source: `message: m
channel: email
subject: s
body: "[a]({{ candidate.source }}) ![b]({{ candidate.source }}) <{{ candidate.source }}> <javascript:x>"
`}})
	if err != nil {
		t.Fatal(err)
	}
	for _, link := range []string{"javascript:alert(1)", "JaVaScRiPt:alert(1)", "data:text/html,x", "//evil.example/x", "/relative", "vbscript:x"} {
		got, err := set.Template("m", "").Render(map[string]any{"candidate": map[string]any{"source": link}}, nil)
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(got.HTML, "href=") || strings.Contains(got.HTML, "src=") || len(got.Links) > 0 {
			t.Errorf("%s: %v %s", link, got.Links, got.HTML)
		}
	}
}

func TestRenderSMS(t *testing.T) {
	t.Parallel()
	tpl := message(t, "channel: sms\nbody: \"Hi {{ candidate.first_name | default: 'there' }} & co. {{ owner.name | default: 'We' }} call. {{ links.preferences }}\\n\"\n")
	got, err := tpl.Render(sarah(), &dsl.Footer{Address: "x"})
	if err != nil || got.Text != "Hi Sarah & co. We call. https://rapport.example/p/abc?x=1&y=2" || got.HTML != "" || got.Subject != "" {
		t.Errorf("%+v, %v", got, err)
	}
	long := map[string]any{"candidate": map[string]any{"first_name": strings.Repeat("é", 1_600)}}
	if _, err := tpl.Render(long, nil); err == nil {
		t.Error("a text of more than 1,600 characters was rendered")
	}
}

func TestRenderedSizeIsLimited(t *testing.T) {
	t.Parallel()
	tpl := message(t, "channel: email\nsubject: s\nbody: '{% for s in candidate.skills %}{% for r in candidate.skills %}{{ r }}{% endfor %}{% endfor %}'\n")
	skills := make([]string, 2_000)
	for i := range skills {
		skills[i] = "skill"
	}
	if _, err := tpl.Render(map[string]any{"candidate": map[string]any{"skills": skills}}, nil); err == nil || !strings.Contains(err.Error(), "too long") {
		t.Errorf("got %v", err)
	}
}

func TestRenderWithoutVariables(t *testing.T) {
	t.Parallel()
	for name, tpl := range examples(t).Templates {
		for _, v := range []map[string]any{nil, {}, dsl.Vars(&crm.Candidate{}, nil, nil, dsl.Person{}, nil)} {
			got, err := tpl[0].Render(v, nil)
			if err != nil || got.Text == "" || strings.Contains(got.Text+got.Subject, "{{") {
				t.Errorf("%s: %+v, %v", name, got, err)
			}
		}
	}
}

func TestDateFilterKnowsNoClock(t *testing.T) {
	t.Parallel()
	tpl := message(t, "channel: sms\nbody: 'x{{ candidate.source | date: \"%Y\" | default: \"\" }}'\n")
	got, err := tpl.Render(map[string]any{"candidate": map[string]any{"source": "now"}}, nil)
	if err != nil || got.Text != "x" {
		t.Errorf("%+v, %v", got, err)
	}
}

func TestTextRendersATaskTitle(t *testing.T) {
	t.Parallel()
	title := examples(t).Programs["silver-medallist-nurses"].Code[2].Task.Title
	for want, vars := range map[string]map[string]any{
		"Call Sarah <& Co> about theatre roles":  {"candidate": map[string]any{"first_name": "Sarah <& Co>"}},
		"Call the candidate about theatre roles": {"candidate": map[string]any{}},
	} {
		if got, err := title.Render(vars); err != nil || got != want {
			t.Errorf("got %q, %v", got, err)
		}
	}
	if got, err := (*dsl.Text)(nil).Render(nil); got != "" || err != nil {
		t.Errorf("no text: %q, %v", got, err)
	}
}

// quoteYAML writes a text as a double-quoted scalar.
func quoteYAML(s string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`, "\r", `\r`, "\t", `\t`).Replace(s) + `"`
}
