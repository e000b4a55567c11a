package dsl_test

import (
	"strings"
	"testing"

	"golang.org/x/net/html"

	"github.com/rapport-crm/rapport/dsl"
)

const everything = `channel: email
subject: s
preview: What is new on the wards
body: |
  # One
  ## Two
  ### Three

  Words with ` + "`code`" + `, [a link](https://trust.example/a) and ![a picture](https://trust.example/b.png).

  - one
  - two

  1. first

  > Said somebody.

  ---

      as it is
`

// elements parses a page as a browser does and returns its elements in order.
func elements(t *testing.T, page string) []*html.Node {
	t.Helper()
	root, err := html.Parse(strings.NewReader(page))
	if err != nil {
		t.Fatal(err)
	}
	var all []*html.Node
	for n := range root.Descendants() {
		if n.Type == html.ElementNode {
			all = append(all, n)
		}
	}
	return all
}

func attribute(n *html.Node, name string) string {
	for _, a := range n.Attr {
		if a.Key == name {
			return a.Val
		}
	}
	return ""
}

func footer() *dsl.Footer {
	return &dsl.Footer{Address: "1 Trust Way", Unsubscribe: "https://rapport.example/u/a", Preferences: "https://rapport.example/p/a"}
}

// Mail programs that drop the style sheet must show a message as well as the others do.
func TestEveryElementCarriesItsStyle(t *testing.T) {
	t.Parallel()
	got, err := message(t, everything).Render(nil, footer())
	if err != nil {
		t.Fatal(err)
	}
	unstyled := map[string]bool{"html": true, "head": true, "meta": true, "title": true, "style": true, "table": true, "tbody": true, "tr": true, "br": true}
	seen := map[string]bool{}
	for _, n := range elements(t, got.HTML) {
		seen[n.Data] = true
		if !unstyled[n.Data] && attribute(n, "style") == "" {
			t.Errorf("<%s> has no style of its own", n.Data)
		}
		if n.Data == "table" && attribute(n, "role") != "presentation" {
			t.Error("a screen reader would read the layout as a table")
		}
	}
	for name := range strings.FieldsSeq("h1 h2 h3 p a img ul ol li blockquote hr pre code") {
		if !seen[name] {
			t.Errorf("no <%s> in\n%s", name, got.HTML)
		}
	}
	if n := strings.Count(got.HTML, "<!--[if mso]>"); n != strings.Count(got.HTML, "<![endif]-->") || n != 3 {
		t.Errorf("%d conditions for Outlook", n)
	}
}

func TestPageSpeaksTheLanguageOfTheMessage(t *testing.T) {
	t.Parallel()
	for locale, want := range map[string]struct{ dir, align, unsubscribe string }{
		"":        {"auto", "left", "Unsubscribe"},
		"cy":      {"ltr", "left", "Dad-danysgrifio"},
		"de-AT":   {"ltr", "left", "Abmelden"},
		"ar":      {"rtl", "right", "Unsubscribe"},
		"fa-IR":   {"rtl", "right", "Unsubscribe"},
		"az-Arab": {"rtl", "right", "Unsubscribe"},
		"ur-Latn": {"ltr", "left", "Unsubscribe"},
		"pt-BR":   {"ltr", "left", "Cancelar a subscrição"},
	} {
		text, lang := "message: m\n"+everything, "en"
		if locale != "" {
			text, lang = text+"---\nmessage: m\nlocale: "+locale+"\nsubject: s\nbody: b\n", locale
		}
		set, problems := dsl.Check([]dsl.File{{Path: "m.yaml", Text: []byte(text)}}, nil)
		if set == nil {
			t.Fatalf("problems:\n%s", listing(problems))
		}
		got, err := set.Template("m", locale).Render(nil, footer())
		if err != nil {
			t.Fatal(err)
		}
		said := 0
		for _, n := range elements(t, got.HTML) {
			if n.Data == "html" || attribute(n, "role") == "article" {
				said++
				if attribute(n, "lang") != lang || attribute(n, "dir") != want.dir {
					t.Errorf("%s: <%s> is in %q, %q", locale, n.Data, attribute(n, "lang"), attribute(n, "dir"))
				}
			}
			if attribute(n, "class") == "content" && attribute(n, "align") != want.align {
				t.Errorf("%s: lines begin %s", locale, attribute(n, "align"))
			}
		}
		if said != 2 || !strings.Contains(got.HTML, ">"+want.unsubscribe+"</a>") || !strings.Contains(got.Text, "\n"+want.unsubscribe+": https://rapport.example/u/a\n") {
			t.Errorf("%s: %s\n%s", locale, got.HTML, got.Text)
		}
	}
}

func TestFooterLeavesOutWhatIsNotThere(t *testing.T) {
	t.Parallel()
	for name, f := range map[string]*dsl.Footer{
		"no preferences": {Address: "1 Trust Way", Unsubscribe: "https://rapport.example/u/a"},
		"no links":       {Address: "1 Trust Way"},
		"unsafe link":    {Address: "1 Trust Way", Preferences: "javascript:x"},
	} {
		got, err := message(t, "channel: email\nsubject: s\nbody: b\n").Render(nil, f)
		if err != nil {
			t.Fatal(err)
		}
		for _, n := range elements(t, got.HTML) {
			if n.Data == "a" && attribute(n, "href") != f.Unsubscribe {
				t.Errorf("%s: a link to %q", name, attribute(n, "href"))
			}
		}
		if strings.Contains(got.HTML, "&middot;") || !strings.Contains(got.HTML, "1 Trust Way") {
			t.Errorf("%s: %s", name, got.HTML)
		}
	}
}
