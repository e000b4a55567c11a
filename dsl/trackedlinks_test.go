package dsl_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rapport-crm/rapport/dsl"
)

// wrapped is a link that is told apart from what it was.
func wrapped(url string) string {
	if strings.HasPrefix(url, "https://rapport.example/") { // our own
		return url
	}
	return "https://rapport.example/c/" + strings.NewReplacer("/", "_", ":", "_", "&", "_").Replace(url)
}

const pixel = "https://rapport.example/o/m.gif"

func TestTrackedPages(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ page, want string }{
		"links": {
			`<body><p><a href="https://a.example/x?b=1&amp;c=2" style="color:red">a</a> and <A HREF='http://b.example'>b</A></p></body>`,
			`<body><p><a href="https://rapport.example/c/https___a.example_x?b=1_c=2" style="color:red">a</a> and <a href="https://rapport.example/c/http___b.example">b</A></p>` + image + `</body>`,
		},
		"what is no link in the web": {
			`<a href="mailto:a@b.example">m</a><a name="x">n</a><a href="#x">f</a><a href="tel:+44">t</a><a href="javascript:x()">j</a>`,
			`<a href="mailto:a@b.example">m</a><a name="x">n</a><a href="#x">f</a><a href="tel:+44">t</a><a href="javascript:x()">j</a>`,
		},
		"our own": {`<a href="https://rapport.example/u/m.x">stop</a>`, `<a href="https://rapport.example/u/m.x">stop</a>`},
		"pictures, styles and Outlook's comments": {
			`<style>a{color:red}</style><!--[if mso]><a href="https://a.example">x</a><![endif]--><img src="https://a.example/p.png">`,
			`<style>a{color:red}</style><!--[if mso]><a href="https://a.example">x</a><![endif]--><img src="https://a.example/p.png">`,
		},
		"odd writing is kept": {`<p>1 < 2 &copy; <br/>a&b</p></body>`, `<p>1 < 2 &copy; <br/>a&b</p>` + image + `</body>`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := &dsl.Rendered{HTML: c.page, Text: "https://a.example"}
			r.Track(wrapped, pixel)
			if diff := cmp.Diff(c.want, r.HTML); diff != "" || r.Text != "https://a.example" {
				t.Errorf("%s\n%s", diff, r.Text)
			}
			same := &dsl.Rendered{HTML: c.page}
			if same.Track(nil, ""); same.HTML != c.page {
				t.Errorf("untracked, it became %s", same.HTML)
			}
		})
	}
}

const image = `<img src="` + pixel + `" width="1" height="1" alt="" style="display:block;border:0;width:1px;height:1px">`

// Whatever a message looks like, tracking changes where its links lead and nothing else.
func TestTrackingChangesLinksAlone(t *testing.T) {
	t.Parallel()
	set := examples(t)
	for name := range set.Templates {
		p := previewOf(t, set, name, dsl.SampleCandidate(""))
		if p.HTML == "" {
			continue
		}
		r := &dsl.Rendered{HTML: p.HTML}
		r.Track(func(url string) string { return "https://tracked.invalid/" + url }, pixel)
		before, after := elements(t, p.HTML), elements(t, strings.Replace(r.HTML, image, "", 1))
		if len(before) != len(after) || !strings.Contains(r.HTML, image) {
			t.Fatalf("%s: %d elements became %d", name, len(before), len(after))
		}
		for i := range before {
			for j := range after[i].Attr {
				after[i].Attr[j].Val = strings.TrimPrefix(after[i].Attr[j].Val, "https://tracked.invalid/")
			}
			if before[i].Data != after[i].Data || !slices.Equal(before[i].Attr, after[i].Attr) {
				t.Errorf("%s: %v became %v", name, before[i], after[i])
			}
		}
	}
}

func TestTrackedTexts(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ text, want string }{
		"a link in a sentence": {"See http://a.example/x. Bye", "See https://rapport.example/c/http___a.example_x. Bye"},
		"in brackets":          {"Here (http://a.example/x)!", "Here (https://rapport.example/c/http___a.example_x)!"},
		"our own":              {"Answer: https://rapport.example/s/m.x", "Answer: https://rapport.example/s/m.x"},
		"no link":              {"Hello. STOP to opt out.", "Hello. STOP to opt out."},
		"too long afterwards":  {strings.Repeat("x", 1580) + " http://a.example/x", strings.Repeat("x", 1580) + " http://a.example/x"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := &dsl.Rendered{Text: c.text}
			if r.Track(wrapped, pixel); r.Text != c.want {
				t.Errorf("got %s", r.Text)
			}
		})
	}
}

func TestTracks(t *testing.T) {
	t.Parallel()
	const text = `
workspace: w
purposes: {news: {basis: consent}, alerts: {basis: consent}, sourced: {basis: legitimate_interest}, warm: {basis: legitimate_interest}}
track: {alerts: {opens: true}, warm: {clicks: true, texts: true}, transactional: {clicks: true}}
`
	set, problems := dsl.Check([]dsl.File{{Path: "w.yaml", Text: []byte(text)}}, nil)
	if set == nil {
		t.Fatal(problems)
	}
	for purpose, want := range map[string]dsl.Tracking{
		"news":          {Clicks: true},
		"alerts":        {Opens: true, Clicks: true},
		"sourced":       {},
		"warm":          {Clicks: true, Texts: true},
		"transactional": {Clicks: true},
		"withdrawn":     {},
	} {
		if got := set.Workspace.Tracks(purpose); got != want {
			t.Errorf("%s: %+v, want %+v", purpose, got, want)
		}
	}
	if got := (*dsl.Workspace)(nil).Tracks("news"); got != (dsl.Tracking{}) {
		t.Errorf("without a workspace: %+v", got)
	}
	if got := (&dsl.Workspace{}).Tracks("transactional"); got != (dsl.Tracking{}) {
		t.Errorf("transactional: %+v", got)
	}
}
