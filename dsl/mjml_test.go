package dsl_test

import (
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rapport-crm/rapport/dsl"
)

// newsletter is a message in MJML with everything that bodies may have.
const newsletter = `channel: email
subject: "{{ candidate.first_name | default: 'Hello' }}, what is new"
preview: "Three things"
mjml: |
  <mjml>
    <mj-head>
      <mj-style>.note { color: #555555; }</mj-style>
      <mj-attributes><mj-text font-size="16px" line-height="1.5"/></mj-attributes>
    </mj-head>
    <!-- a word to colleagues -->
    <mj-body background-color="#f4f4f4">
      <mj-section>
        <mj-column>
          <mj-image src="https://careers.trust.example/logo.png" alt="{{ candidate.city | default: 'North Trust' }}" width="120px"/>
          <mj-text>
            <p>Hi {{ candidate.first_name | default: "there" }},</p>
            <p class="note">R&amp;D &lt;3 you<br>and more &copy;</p>
            {% if candidate.skills %}<ul>{% for s in candidate.skills %}<li>{{ s }}</li>{% endfor %}</ul>{% endif %}
            <a href="https://careers.trust.example/theatre?a=1&amp;b=2">See more</a>
          </mj-text>
          {% if candidate.city %}
          <mj-text>You live in {{ candidate.city }}.</mj-text>
          {% endif %}
          <mj-button href="{{ links.profile }}">Your profile</mj-button>
          <mj-table><tr><td>Band 5</td><td>{{ candidate.seniority | default: "any" }}</td></tr></mj-table>
          <mj-divider border-width="1px"/><mj-spacer height="10px"/>
        </mj-column>
      </mj-section>
    </mj-body>
  </mjml>
`

func TestRenderMJML(t *testing.T) {
	t.Parallel()
	got, err := message(t, newsletter).Render(map[string]any{
		"candidate": map[string]any{"first_name": "Sarah", "skills": []string{"icu", "theatre"}, "seniority": "senior"},
		"links":     map[string]any{"profile": "https://rapport.example/p/abc?x=1&y=2"},
	}, &dsl.Footer{Address: "1 Trust Way, Manchester", Unsubscribe: "https://rapport.example/u/abc"})
	if err != nil {
		t.Fatal(err)
	}
	if got.Subject != "Sarah, what is new" || got.Preview != "Three things" {
		t.Errorf("subject %q, preview %q", got.Subject, got.Preview)
	}
	if diff := cmp.Diff([]string{"https://careers.trust.example/theatre?a=1&b=2", "https://rapport.example/p/abc?x=1&y=2"}, got.Links); diff != "" {
		t.Error(diff)
	}
	for _, want := range []string{
		"<title>Sarah, what is new</title>", `lang="en"`, `class="preview"`, "<p>Hi Sarah,</p>", "R&amp;D &lt;3 you<br>and more &copy;", "<li>icu</li><li>theatre</li>",
		`href="https://careers.trust.example/theatre?a=1&amp;b=2"`, `href="https://rapport.example/p/abc?x=1&amp;y=2"`, "font-size:16px", ".note { color: #555555; }",
		`alt="North Trust"`, "<td>senior</td>", "1 Trust Way, Manchester", `<a href="https://rapport.example/u/abc" style="color:inherit;text-decoration:underline">Unsubscribe</a>`, "Segoe UI", "<!--[if mso | IE]>",
	} {
		if !strings.Contains(got.HTML, want) {
			t.Errorf("HTML lacks %q:\n%s", want, got.HTML)
		}
	}
	for _, bad := range []string{"You live in", "colleagues", "googleapis", "Ubuntu", "zz", "{%", "{{", "mj-text>"} {
		if strings.Contains(got.HTML, bad) {
			t.Errorf("HTML has %q:\n%s", bad, got.HTML)
		}
	}
	want := `Hi Sarah,

R&D <3 you
and more ©

- icu
- theatre
See more <https://careers.trust.example/theatre?a=1&b=2>

Your profile <https://rapport.example/p/abc?x=1&y=2>

Band 5 senior

--
1 Trust Way, Manchester
Unsubscribe: https://rapport.example/u/abc
`
	if diff := cmp.Diff(want, strings.ReplaceAll(got.Text, "-- \n", "--\n")); diff != "" {
		t.Error(diff)
	}
}

func TestValuesCannotInjectIntoMJML(t *testing.T) {
	t.Parallel()
	tpl := message(t, `channel: email
subject: s
mjml: >-
  <mjml><mj-body><mj-section><mj-column><mj-image src="https://a.example/{{ candidate.first_name | default: "x" }}.png" alt="{{ candidate.first_name | default: "x" }}"/>
  <mj-text>Hi {{ candidate.first_name | default: "x" }} <a href="https://a.example/?q={{ candidate.first_name | default: "x" }}" title="{{ candidate.first_name | default: "x" }}">l</a></mj-text>
  <mj-button href="https://a.example/?q={{ candidate.first_name | default: "x" }}">{{ candidate.first_name | default: "x" }}</mj-button></mj-column></mj-section></mj-body></mjml>
`)
	for _, name := range []string{
		"<script>alert(1)</script>", `"><img src=x onerror=alert(1)>`, `' onmouseover='x`, `" onmouseover="x`, "&lt;script&gt;", "&#60;script&#62;", "--><script>", "</body></html><script>",
		"<mj-text>", "</mj-text><mj-raw><script>", "]]><script>", "{{ candidate.email }}", "zz0z", "<!--", "\u202e\x00",
	} {
		got, err := tpl.Render(map[string]any{"candidate": map[string]any{"first_name": name}}, nil)
		if err != nil {
			t.Errorf("%q: %v", name, err)
			continue
		}
		clean, err := tpl.Render(map[string]any{"candidate": map[string]any{"first_name": "Sarah"}}, nil)
		if err != nil {
			t.Fatal(err)
		}
		if a, b := strings.Count(got.HTML, "<"), strings.Count(clean.HTML, "<"); a != b {
			t.Errorf("%q added markup:\n%s", name, got.HTML)
		}
		for _, bad := range []string{"<script", `" onmouseover`, "<img src=x", "\u202e", "\x00"} {
			if strings.Contains(got.HTML, bad) {
				t.Errorf("%q became %q", name, bad)
			}
		}
		for _, link := range got.Links {
			if !strings.HasPrefix(link, "https://a.example/") {
				t.Errorf("%q became the link %q", name, link)
			}
		}
	}
}

func TestUnsafeLinksInMJMLAreDisarmed(t *testing.T) {
	t.Parallel()
	set, err := dsl.Load([]dsl.Document{{Kind: dsl.KindMessage, Name: "m", Source: `message: m
channel: email
subject: s
mjml: '<mjml><mj-body><mj-section><mj-column><mj-button href="{{ candidate.source }}">b</mj-button><mj-text><a href="{{ candidate.source }}">a</a></mj-text></mj-column></mj-section></mj-body></mjml>'
`}})
	if err != nil {
		t.Fatal(err)
	}
	for _, link := range []string{"javascript:alert(1)", "data:text/html,x", "//evil.example/x", "/relative"} {
		got, err := set.Template("m", "").Render(map[string]any{"candidate": map[string]any{"source": link}}, nil)
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(got.HTML, "href=") || len(got.Links) > 0 {
			t.Errorf("%s: %v %s", link, got.Links, got.HTML)
		}
	}
}

// TestMJMLIsConvertedConcurrently makes sure that bodies with different defaults do not get each other's.
func TestMJMLIsConvertedConcurrently(t *testing.T) {
	t.Parallel()
	var wg sync.WaitGroup
	for _, size := range []string{"11px", "12px", "14px", "18px"} {
		wg.Go(func() {
			text := strings.ReplaceAll("message: m\n"+newsletter, "16px", size)
			for range 20 {
				set, problems := dsl.Check([]dsl.File{{Path: "m.yaml", Text: []byte(text)}}, nil)
				if set == nil {
					t.Errorf("problems:\n%s", listing(problems))
					return
				}
				got, err := set.Template("m", "").Render(nil, nil)
				if err != nil || !strings.Contains(got.HTML, "font-size:"+size) {
					t.Errorf("no text of %s: %v", size, err)
					return
				}
			}
		})
	}
	wg.Wait()
}
