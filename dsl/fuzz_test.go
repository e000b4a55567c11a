package dsl_test

import (
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/rapport-crm/rapport/dsl"
)

// bounded stops the test when it takes far longer than any text of the size that is read may take.
func bounded(tb testing.TB) {
	tb.Helper()
	watch := time.AfterFunc(10*time.Second, func() { panic("this takes too long") })
	tb.Cleanup(func() { watch.Stop() })
}

// seeds adds every definition that the tests have, right and wrong ones.
func seeds(f *testing.F, add func(text []byte)) {
	f.Helper()
	for _, file := range exampleFiles(f) {
		add(file.Text)
	}
	paths, err := filepath.Glob("testdata/check/*/input.yaml")
	if err != nil || len(paths) < 80 {
		f.Fatalf("found %d cases, %v", len(paths), err)
	}
	for _, p := range paths {
		add(readFile(f, p))
	}
	for _, s := range []string{
		"", "---\n", "\t", "a: &x [*x]", "? {a: b}\n: c", "sequence: s\nsteps:\n  - ", "sequence:\n  - s", "message: m\nbody: {{ x }}",
		"workspace: w\ncalendar: {hours: '24:00-25:61', days: sun-mon}", "sequence: s\nenroll: {on: [], when: x}\nsteps: [[]]",
		"sequence: s\nsteps: [{then: {a: [{}]}}, {choose: [{else: x}]}]", "message: m\nchannel: email\nsubject: '{%'\nbody: '{{ a | b: c, }}{% if %}{% for %}'",
		"sequence: s\nsteps: [{if: \"\\x00\\u00e9 'a'\", wait: 1d}]", "test: t\nof: 3",
	} {
		add([]byte(s))
	}
}

// FuzzCheck checks any bytes on top of a base: every problem has a place and says something, and what is accepted loads.
func FuzzCheck(f *testing.F) {
	seeds(f, func(text []byte) { f.Add(text) })
	base := baseDocuments(f)
	f.Fuzz(func(t *testing.T, text []byte) {
		bounded(t)
		set, problems := dsl.Check([]dsl.File{{Path: "f.yaml", Text: text}}, base)
		for _, p := range problems {
			if p.Line < 1 || p.Column < 1 || p.Code == "" || p.Message == "" {
				t.Errorf("%+v", p)
			}
		}
		if set == nil {
			return
		}
		loaded, err := dsl.Load(set.All)
		if err != nil {
			t.Errorf("what was checked does not load: %v", err)
		}
		if len(loaded.Programs) != len(set.Programs) || len(loaded.Templates) != len(set.Templates) {
			t.Errorf("loaded %d programs and %d messages of %d and %d", len(loaded.Programs), len(loaded.Templates), len(set.Programs), len(set.Templates))
		}
	})
}

// FuzzCompile compiles texts that nobody has checked, as stored ones are when a later version has stricter rules.
func FuzzCompile(f *testing.F) {
	seeds(f, func(text []byte) {
		for part := range strings.SplitSeq(string(text), "\n---\n") {
			f.Add(part)
		}
	})
	f.Fuzz(func(t *testing.T, text string) {
		bounded(t)
		p, err := dsl.Compile(dsl.Document{Kind: dsl.KindSequence, Name: "s", Source: text, Line: 1})
		if (p == nil) == (err == nil) {
			t.Fatalf("%v, %v", p, err)
		}
		if p == nil {
			return
		}
		for pc := range p.Code {
			in := &p.Code[pc]
			if at, ok := p.Find(in.ID); !ok || at != pc || in.Next < 0 || in.Next > len(p.Code) {
				t.Errorf("instruction %d: %+v", pc, in)
			}
		}
	})
}

// FuzzText lints and renders any body, with any value in it.
func FuzzText(f *testing.F) {
	for _, s := range []string{
		"Hi {{ candidate.first_name | default: 'x' }}", "{% if candidate.city %}x{% else %}y{% endif %}", "{{", "{%", "{{ }}", "{% %}", "{{ a.b.c | d: 'e', f: g }}",
		"{%- for s in candidate.skills -%}{{ s }}{%- endfor -%}", "[a](https://x.example) <b>", "{% comment %}{{{% endcomment %}", "{{ 'x' | date: '%' }}", "\\{{ x }}", "{{ candidate.score | plus: 'x' }}",
		"it’s {[]} €", "{{ links.preference thea“North }}", "{{ candidate.first_name | truncate: 99999999999999999999 }}{{ 1 | divided_by: 0 }}", "<mjml><mj-body><mj-section><mj-column><mj-text>Hi {{ candidate.first_name | default: 'x' }}</mj-text></mj-column></mj-section></mj-body></mjml>",
		"<mjml><mj-head><mj-style>a{}</mj-style></mj-head><mj-body>{% if candidate.city %}<mj-hero><mj-button href='https://x.example'>x</mj-button></mj-hero>{% endif %}</mj-body></mjml>",
		"<mjml><mj-body><mj-wrapper padding='1%'><mj-section><mj-group><mj-column width='50%'><mj-table><tr><td>x</td></tr></mj-table></mj-column></mj-group></mj-section></mj-wrapper></mj-body></mjml>",
	} {
		for kind := range uint8(3) {
			f.Add(s, "Sarah <b>", kind)
		}
	}
	f.Fuzz(func(t *testing.T, body, name string, kind uint8) {
		how := []string{"channel: email\nsubject: s\nbody: ", "channel: email\nsubject: s\nmjml: ", "channel: sms\nbody: "}[kind%3]
		doc := dsl.Document{Kind: dsl.KindMessage, Name: "m", Source: "message: m\n" + how + quoteYAML(body) + "\n"}
		bounded(t)
		checked, _ := dsl.Check([]dsl.File{{Path: "m.yaml", Text: []byte(doc.Source)}}, nil)
		set, err := dsl.Load([]dsl.Document{doc})
		if err != nil {
			if checked != nil {
				t.Errorf("what was checked does not load: %v", err)
			}
			return
		}
		got, err := set.Template("m", "").Render(map[string]any{"candidate": map[string]any{"first_name": name, "skills": []string{name}}}, nil)
		if err == nil && checked != nil && (strings.Contains(got.HTML, "<script") || len(got.HTML) > 200_000) {
			t.Errorf("%q with %q: %s", body, name, got.HTML)
		}
	})
}
