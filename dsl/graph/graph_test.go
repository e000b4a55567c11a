package graph_test

import (
	"encoding/json"
	"encoding/xml"
	"errors"
	"flag"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rapport-crm/rapport/dsl"
	"github.com/rapport-crm/rapport/dsl/graph"
)

//nolint:gochecknoglobals // how the testing package takes flags
var update = flag.Bool("update", false, "write the golden files")

func readFile(tb testing.TB, path string) []byte {
	tb.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		tb.Fatal(err)
	}
	return b
}

// examples are those that ship with Rapport.
func examples(tb testing.TB) *dsl.Set {
	tb.Helper()
	paths, err := filepath.Glob("../../examples/*.yaml")
	if err != nil || len(paths) < 3 {
		tb.Fatalf("found %v, %v", paths, err)
	}
	files := make([]dsl.File, len(paths))
	for i, path := range paths {
		files[i] = dsl.File{Path: path, Text: readFile(tb, path)}
	}
	set, problems := dsl.Check(files, nil)
	if set == nil {
		tb.Fatal(problems)
	}
	return set
}

// baseDocuments are the documents in force.
func baseDocuments(tb testing.TB) []dsl.Document {
	tb.Helper()
	set, problems := dsl.Check([]dsl.File{{Path: "base.yaml", Text: readFile(tb, "../testdata/base.yaml")}}, nil)
	if set == nil {
		tb.Fatal(problems)
	}
	return set.Documents
}

// graphSet reads the sequence s of a test.
func graphSet(tb testing.TB, text string) *dsl.Set {
	tb.Helper()
	set, problems := dsl.Check([]dsl.File{{Path: "s.yaml", Text: []byte(text)}}, baseDocuments(tb))
	if set == nil {
		tb.Fatalf("problems:\n%s\nof:\n%s", fmt.Sprint(problems), text)
	}
	return set
}

func draw(tb testing.TB, text string) (*graph.Graph, *dsl.Program) {
	tb.Helper()
	set := graphSet(tb, text)
	g, err := graph.Of(set, "s")
	if err != nil {
		tb.Fatal(err)
	}
	return g, set.Programs["s"]
}

// TestGraphGolden draws every directory of testdata. Run with -update after a change and look at the pictures.
func TestGraphGolden(t *testing.T) {
	t.Parallel()
	inputs, err := filepath.Glob("testdata/*/input.yaml")
	if err != nil || len(inputs) < 6 {
		t.Fatalf("found %d cases, %v", len(inputs), err)
	}
	for _, input := range inputs {
		dir := filepath.Dir(input)
		t.Run(filepath.Base(dir), func(t *testing.T) {
			t.Parallel()
			g, p := draw(t, string(readFile(t, input)))
			faithful(t, g, p)
			drawn(t, g)
			for name, got := range map[string]string{"graph.mmd": g.Mermaid(), "graph.svg": g.SVG()} {
				golden := filepath.Join(dir, name)
				if *update {
					if err := os.WriteFile(golden, []byte(got), 0o600); err != nil {
						t.Fatal(err)
					}
				}
				if diff := cmp.Diff(string(readFile(t, golden)), got); diff != "" {
					t.Errorf("%s differs (-want +got):\n%s", name, diff)
				}
			}
		})
	}
}

// TestGraphOfAnything draws random nested sequences.
func TestGraphOfAnything(t *testing.T) {
	t.Parallel()
	for seed := range uint64(60) {
		t.Run(strconv.FormatUint(seed, 10), func(t *testing.T) {
			t.Parallel()
			r := &randomSteps{Rand: rand.New(rand.NewPCG(seed, 1))}
			steps, err := json.Marshal(r.list(4))
			if err != nil {
				t.Fatal(err)
			}
			g, p := draw(t, "sequence: s\npurpose: talent-community\nenroll: by hand\nsteps: "+string(steps)+"\n")
			faithful(t, g, p)
			drawn(t, g)
		})
	}
}

// randomSteps writes steps as YAML knows them.
type randomSteps struct {
	*rand.Rand

	ids int
}

type yamlMap = map[string]any

func (r *randomSteps) list(depth int) []yamlMap {
	steps := make([]yamlMap, 1+r.IntN(3))
	for i := range steps {
		steps[i] = r.step(depth)
	}
	return steps
}

// some is a list that may be empty.
func (r *randomSteps) some(depth int) []yamlMap {
	if r.IntN(4) == 0 {
		return []yamlMap{}
	}
	return r.list(depth)
}

func (r *randomSteps) step(depth int) yamlMap {
	s := yamlMap{}
	if r.IntN(3) == 0 {
		s["if"] = "candidate.score > 3"
	}
	r.ids++
	id := "step_" + strconv.Itoa(r.ids)
	kinds := 9
	if depth == 0 {
		kinds = 4
	}
	switch r.IntN(kinds) {
	case 0:
		s["wait"] = "3d"
	case 1:
		s["id"], s["email"] = id, "hello"
	case 2:
		s["update"] = yamlMap{"tag": []string{"a"}}
	case 3:
		s["exit"] = "out"
	case 4:
		s["id"], s["sms"], s["then"] = id, "hello-sms", yamlMap{"failed": r.some(depth - 1)}
	case 5:
		s["id"] = id
		s["wait_for"] = yamlMap{"replied": yamlMap{"on": "message.replied"}, "applied": yamlMap{"on": "application.submitted"}, "timeout": "5d"}
		s["then"] = yamlMap{"replied": r.some(depth - 1), "timeout": r.some(depth - 1)}
	case 6:
		arms := []any{yamlMap{"if": `candidate.status == "lead"`, "do": r.some(depth - 1)}}
		if r.IntN(2) == 0 {
			arms = append(arms, yamlMap{"if": `candidate.status == "hired"`, "do": r.some(depth - 1)})
		}
		if r.IntN(2) == 0 {
			arms = append(arms, yamlMap{"else": r.some(depth - 1)})
		}
		s["choose"] = arms
	case 7:
		s["id"] = id
		s["experiment"] = yamlMap{"arms": yamlMap{"a": yamlMap{"do": r.some(depth - 1)}, "b": yamlMap{"do": r.some(depth - 1)}, "c": yamlMap{}}}
	case 8:
		every := yamlMap{"every": "1mo"}
		if r.IntN(2) == 0 {
			every["times"] = 1 + r.IntN(4)
		}
		s["id"], s["repeat"], s["do"] = id, every, r.some(depth-1)
	}
	return s
}

// faithful checks that a graph says what the program does: every instruction is there once, every way of the program is an
// edge and there is no other, and everything is connected with the start.
func faithful(t *testing.T, g *graph.Graph, p *dsl.Program) {
	t.Helper()
	nodes := map[string]int{}
	for _, n := range g.Nodes {
		nodes[n.ID]++
	}
	ways, all := map[string][]string{}, map[string][]string{}
	for _, e := range g.Edges {
		if nodes[e.From] != 1 || nodes[e.To] != 1 {
			t.Errorf("the edge %+v has an end that is no node", e)
		}
		all[e.From] = append(all[e.From], e.To)
		if !e.Never {
			ways[e.From] = append(ways[e.From], e.To)
		}
	}
	id := func(pc int) string {
		if pc == len(p.Code) {
			return dsl.EndID
		}
		return p.Code[pc].ID
	}
	for pc := range p.Code {
		in := &p.Code[pc]
		if nodes[in.ID] != 1 {
			t.Errorf("%q is there %d times", in.ID, nodes[in.ID])
		}
		must, may := successors(in)
		for _, to := range must {
			if !slices.Contains(ways[in.ID], id(to)) {
				t.Errorf("no way from %q to %q", in.ID, id(to))
			}
		}
		for _, to := range ways[in.ID] {
			known := slices.ContainsFunc(slices.Concat(must, may), func(pc int) bool { return id(pc) == to })
			if !known && to != in.ID+"/end" {
				t.Errorf("the program does not go from %q to %q", in.ID, to)
			}
		}
	}
	reached := map[string]bool{}
	var walk func(from string)
	walk = func(from string) {
		if reached[from] {
			return
		}
		reached[from] = true
		for _, to := range all[from] {
			walk(to)
		}
	}
	walk(graph.StartID)
	for _, n := range g.Nodes {
		if !reached[n.ID] {
			t.Errorf("nothing leads to %q", n.ID)
		}
	}
}

// successors lists where an instruction leads, and where it may lead if not all of its outcomes have a branch.
func successors(in *dsl.Instr) (must, may []int) {
	switch {
	case in.Op == dsl.OpExit && in.If == nil:
		return nil, nil
	case in.Choose != nil:
		for _, a := range in.Choose.Arms {
			must = append(must, a.Go)
		}
	case in.Experiment != nil:
		for _, a := range in.Experiment.Arms {
			must = append(must, a.Go)
		}
		if in.If == nil {
			return must, nil
		}
	case in.Repeat != nil:
		must = append(must, in.Repeat.Go)
		if in.Repeat.Times == 0 && in.Repeat.While == nil && in.If == nil {
			return must, nil
		}
	case len(in.Then) > 0:
		for _, to := range in.Then {
			must = append(must, to)
		}
		return must, []int{in.Next}
	}
	return append(must, in.Next), nil
}

// area is a rectangle of a drawing.
type area struct {
	left, top, right, bottom int
	what                     string
}

func (a area) touches(b area) bool {
	return a.left < b.right && b.left < a.right && a.top < b.bottom && b.top < a.bottom
}

// drawn checks that an SVG is well formed, that nothing in it overlaps or leaves the page, and that it runs nothing.
func drawn(t *testing.T, g *graph.Graph) {
	t.Helper()
	text := g.SVG()
	areas, page := areasOf(t, text)
	for i, a := range areas {
		if a.left < 0 || a.top < 0 || a.right > page.right || a.bottom > page.bottom {
			t.Errorf("%+v leaves the page %+v", a, page)
		}
		for _, b := range areas[:i] {
			if a.touches(b) {
				t.Errorf("%+v lies over %+v", a, b)
			}
		}
	}
	boxes := slices.DeleteFunc(areas, func(a area) bool { return a.what == "label" })
	if want := len(g.Nodes) + len(g.Exits); len(boxes) != want {
		t.Errorf("%d boxes, want %d", len(boxes), want)
	}
}

// areasOf reads the places of the nodes and of the labels, and that of the page.
func areasOf(t *testing.T, text string) (areas []area, page area) {
	t.Helper()
	numbers := regexp.MustCompile(`-?\d+`)
	labels := false
	for d := xml.NewDecoder(strings.NewReader(text)); ; {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			return areas, page
		}
		if err != nil {
			t.Fatalf("not well formed: %v", err)
		}
		e, isStart := token.(xml.StartElement)
		if !isStart {
			continue
		}
		if slices.Contains([]string{"script", "foreignObject", "a", "image", "use"}, e.Name.Local) {
			t.Errorf("there is a %s in it", e.Name.Local)
		}
		attr := map[string]string{}
		for _, a := range e.Attr {
			if strings.HasPrefix(a.Name.Local, "on") || a.Name.Local == "href" {
				t.Errorf("there is a %s in it", a.Name.Local)
			}
			attr[a.Name.Local] = a.Value
		}
		n := func(name string) int {
			i, err := strconv.Atoi(attr[name])
			if err != nil {
				t.Fatalf("%s of %v: %v", name, e, err)
			}
			return i
		}
		switch {
		case e.Name.Local == "svg":
			page = area{0, 0, n("width"), n("height"), "page"}
		case e.Name.Local == "g":
			labels = attr["class"] == "on"
		case e.Name.Local == "rect" && (attr["class"] == "s" || labels && attr["class"] == ""):
			what := "box"
			if attr["class"] == "" {
				what = "label"
			}
			areas = append(areas, area{n("x"), n("y"), n("x") + n("width"), n("y") + n("height"), what})
		case e.Name.Local == "path" && attr["class"] == "s": // M left middle L x top H x L right middle L x bottom H
			d := numbers.FindAllString(attr["d"], -1)
			place := func(i int) int {
				v, _ := strconv.Atoi(d[i])
				return v
			}
			areas = append(areas, area{place(0), place(3), place(5), place(8), "decision"})
		}
	}
}

func TestGraphTellsWhatANameIs(t *testing.T) {
	t.Parallel()
	set := examples(t)
	if _, err := graph.Of(set, "silver-medalist-nurses"); err == nil || !strings.Contains(err.Error(), `did you mean "silver-medallist-nurses"?`) {
		t.Error(err)
	}
	if _, err := graph.Of(&dsl.Set{}, "x"); err == nil || !strings.Contains(err.Error(), "no sequence and no interview in these definitions") {
		t.Error(err)
	}
}

// TestGraphWithoutASet draws what a run is pinned to, when the messages of its time are not at hand.
func TestGraphWithoutASet(t *testing.T) {
	t.Parallel()
	p := examples(t).Programs["silver-medallist-nurses"]
	g := graph.Draw(p, nil)
	faithful(t, g, p)
	if text := g.Mermaid(); !strings.Contains(text, `"Email · thanks<br/>silver-medallist-thanks"`) {
		t.Error(text)
	}
}

func TestConditionsInWords(t *testing.T) {
	t.Parallel()
	for condition, want := range map[string]string{
		`has(candidate.phone)`:                                          "the phone number is known",
		`!has(candidate.phone)`:                                         "the phone number is not known",
		`candidate.status == "silver_medallist"`:                        "status is silver medallist",
		`"lead" != candidate.status`:                                    "status is not lead",
		`candidate.status in ["lead", "hired"]`:                         "status is lead or hired",
		`!("nursing" in candidate.functions)`:                           "functions do not include nursing",
		`candidate.score > 2`:                                           "score is above 2",
		`10 <= candidate.score`:                                         "score is at least 10",
		`!(candidate.score < 3)`:                                        "score is at least 3",
		`consented("sourced") && !enrolled("other")`:                    "has agreed to sourced and is not in the sequence other",
		`!(consented("sourced") && candidate.legal_hold)`:               "has not agreed to sourced or there is no legal hold",
		`candidate.score > 2 && (has(candidate.city) || true)`:          "score is above 2 and either the city is known or always",
		`days_since(candidate.created_at) < 1`:                          "the day they were added is less than 1 day ago",
		`candidate.last_activity_at < now - days(30)`:                   "the last activity is before 30 days ago",
		`size(candidate.open_applications) == 0`:                        "has no open applications",
		`candidate.skills.size() >= 2`:                                  "the number of skills is at least 2",
		`steps.a.clicked || steps.a.outcome == "failed"`:                "a link in “a” was clicked or “a” ended as failed",
		`!steps.a.opened && !steps.a.replied`:                           "“a” was not opened and “a” was not answered",
		`candidate.city.startsWith("New")`:                              "city begins with “New”",
		`string(candidate.attributes["badge_no"]) == "x"`:               "badge no is x",
		`candidate.city == ""`:                                          "city is empty",
		`size(candidate.skills) > 0 && size(candidate.tags) < 1`:        "has skills and has no tags",
		`candidate.skills.exists(s, s == "go")`:                         `candidate.skills.exists(s, s == "go")`,
		`candidate.score > 2 && candidate.skills.all(s, size(s) > 1)`:   `candidate.score > 2 && candidate.skills.all(s, size(s) > 1)`,
		`candidate.score + 2 > 3`:                                       `candidate.score + 2 > 3`,
		`now > candidate.created_at + duration("2h")`:                   `now > candidate.created_at + duration("2h")`,
		`enrollment.sends > 3 && enrollment.started_at < now - days(2)`: "the number of messages so far is above 3 and the start of the run is before 2 days ago",
	} {
		t.Run(condition, func(t *testing.T) {
			t.Parallel()
			quoted, err := json.Marshal(condition)
			if err != nil {
				t.Fatal(err)
			}
			g, _ := draw(t, fmt.Sprintf("sequence: s\npurpose: talent-community\nenroll: by hand\nsteps:\n  - {id: a, email: hello}\n  - {if: %s, wait: 1d}\n", quoted))
			if got := g.Nodes[2].Notes; len(got) != 1 || got[0] != "only if "+want {
				t.Errorf("got %q, want %q", got, want)
			}
		})
	}
}

// TestGraphEscapes makes sure that what people write can be no markup, in neither format.
func TestGraphEscapes(t *testing.T) {
	t.Parallel()
	g, _ := draw(t, `sequence: s
description: '"]; </svg><script>alert(1)</script> %% end'
purpose: talent-community
enroll: by hand
steps:
  - id: a
    email: {subject: '1. "]:::x --> [y] #35; & </text><script>', body: Hello.}
  - id: b
    email: {subject: '- *bold* _it_ `+"`code`"+` <img src=x onerror=y> $$x$$', body: Hello.}
`)
	drawn(t, g)
	for line := range strings.SplitSeq(g.Mermaid(), "\n") {
		if strings.Contains(line, "<script") || strings.Contains(line, "<img") || strings.Contains(line, "</svg") || strings.Count(line, `"`)%2 != 0 {
			t.Error(line)
		}
	}
	if strings.Contains(g.Mermaid(), "#36;#36;") {
		t.Error("a formula")
	}
	want := `"Email · a<br/>“1. #34;#93;#58;#58;#58;x --#62; #91;y#93; #35;35#59; #38; #60;/text#62;#60;script#62;”"`
	if !strings.Contains(g.Mermaid(), want) {
		t.Errorf("%s is missing in\n%s", want, g.Mermaid())
	}
}

// TestGraphContrast holds the colours to what readable means (WCAG 2.2, 1.4.3, 1.4.6 and 1.4.11).
func TestGraphContrast(t *testing.T) {
	t.Parallel()
	g, _ := draw(t, "sequence: s\npurpose: talent-community\nenroll: by hand\nsteps: [{id: a, email: hello}]\n")
	rule := regexp.MustCompile(`\.(\w+) \.s\{fill:(#\w{6});stroke:(#\w{6})\}\.\w+ text\{fill:(#\w{6})\}`)
	found := rule.FindAllStringSubmatch(g.SVG(), -1)
	if len(found) < 20 {
		t.Fatalf("found %d rules", len(found))
	}
	for _, m := range found {
		if c := contrast(t, m[2], m[4]); c < 7 {
			t.Errorf("%s: text %s on %s has %.1f to 1", m[1], m[4], m[2], c)
		}
		if c := contrast(t, m[2], m[3]); c < 4.5 && m[1] != "start" { // heads are written in the line's colour
			t.Errorf("%s: head %s on %s has %.1f to 1", m[1], m[3], m[2], c)
		}
	}
}

// contrast is the contrast ratio of two colours (WCAG 2.2, relative luminance).
func contrast(t *testing.T, a, b string) float64 {
	t.Helper()
	luminance := func(color string) float64 {
		sum := 0.0
		for i, weight := range []float64{0.2126, 0.7152, 0.0722} {
			n, err := strconv.ParseUint(color[1+2*i:3+2*i], 16, 8)
			if err != nil {
				t.Fatal(err)
			}
			linear := float64(n) / 255 / 12.92
			if c := float64(n) / 255; c > 0.04045 {
				linear = math.Pow((c+0.055)/1.055, 2.4)
			}
			sum += weight * linear
		}
		return sum
	}
	x, y := luminance(a), luminance(b)
	return (max(x, y) + 0.05) / (min(x, y) + 0.05)
}
