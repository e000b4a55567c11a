package dsl_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"go.yaml.in/yaml/v4"

	"github.com/rapport-crm/rapport/crm"
	"github.com/rapport-crm/rapport/dsl"
)

// The schema and the parser are held against each other on every document there is and on mutations of it. Definitions are
// written as JSON here, which is YAML as well, so both read the same text.

// structural are the codes of what a schema can see. What has only others may pass it.
func structural() []string {
	return []string{
		"R0005", "R0006", "R0007", "R0008", "R0009", "R0101", "R0102", "R0103", "R0104", "R0105", "R0106", "R0107", "R0109",
		"R0110", "R0111", "R0112", "R0201", "R0402", "R0404", "R0407", "R0409", "R0505",
	}
}

func definitionSchema(tb testing.TB) *jsonschema.Schema {
	tb.Helper()
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(dsl.JSONSchema()))
	if err != nil {
		tb.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	c.AssertFormat()
	if err := c.AddResource(dsl.SchemaID, doc); err != nil {
		tb.Fatal(err)
	}
	schema, err := c.Compile(dsl.SchemaID)
	if err != nil {
		tb.Fatal(err)
	}
	return schema
}

// validate returns what the schema has against a text.
func validate(tb testing.TB, schema *jsonschema.Schema, text string) error {
	tb.Helper()
	value, err := jsonschema.UnmarshalJSON(strings.NewReader(text))
	if err != nil {
		tb.Fatalf("%v in %s", err, text)
	}
	return schema.Validate(value)
}

// node is a value of JSON whose mappings keep their order.
type node struct {
	keys   []string // of a mapping
	values []*node  // of a mapping or list
	scalar string   // as JSON writes it; "" of a mapping or list
	list   bool
}

func (n *node) write(b *strings.Builder) {
	if n.scalar != "" {
		b.WriteString(n.scalar)
		return
	}
	open, closing := "{", "}"
	if n.list {
		open, closing = "[", "]"
	}
	b.WriteString(open)
	for i, v := range n.values {
		if i > 0 {
			b.WriteString(", ")
		}
		if !n.list {
			b.WriteString(quoted(n.keys[i]) + ": ")
		}
		v.write(b)
	}
	b.WriteString(closing)
}

func (n *node) String() string {
	var b strings.Builder
	n.write(&b)
	return b.String()
}

func quoted(s string) string {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(s); err != nil {
		panic(err) // a text always has a JSON form
	}
	return strings.TrimSuffix(b.String(), "\n")
}

// nodeOf converts YAML to JSON: scalars by YAML 1.2's core schema, as the parser types them.
func nodeOf(n *yaml.Node) *node {
	out := &node{list: n.Kind == yaml.SequenceNode}
	switch {
	case n.Kind == yaml.MappingNode:
		for i := 0; i+1 < len(n.Content); i += 2 {
			out.keys = append(out.keys, n.Content[i].Value)
			out.values = append(out.values, nodeOf(n.Content[i+1]))
		}
	case out.list:
		for _, c := range n.Content {
			out.values = append(out.values, nodeOf(c))
		}
	default:
		out.scalar = scalarOf(n)
	}
	return out
}

func scalarOf(n *yaml.Node) string {
	if n.Style&(yaml.SingleQuotedStyle|yaml.DoubleQuotedStyle|yaml.LiteralStyle|yaml.FoldedStyle) == 0 {
		switch n.Value {
		case "", "~", "null", "Null", "NULL":
			return "null"
		case "true", "True", "TRUE":
			return "true"
		case "false", "False", "FALSE":
			return "false"
		}
		if i, err := strconv.ParseInt(n.Value, 10, 64); err == nil {
			return strconv.FormatInt(i, 10)
		}
		if f, err := strconv.ParseFloat(n.Value, 64); err == nil && strings.Trim(n.Value, "+-.0123456789eE") == "" {
			return strconv.FormatFloat(f, 'f', -1, 64)
		}
	}
	return quoted(n.Value)
}

// sample is a document that is read, and the documents it is read with.
type sample struct {
	name  string
	root  *node
	base  []dsl.Document
	right bool // nothing is wrong with it, nor with those that it is read with
}

// samples returns every document of the examples, of the test data, and of the right examples of docs/problems.md.
func samples(tb testing.TB) []sample {
	tb.Helper()
	var all []sample
	own := baseDocuments(tb)
	add := func(name, text string, base []dsl.Document) {
		set, _ := dsl.Check([]dsl.File{{Path: name, Text: []byte(text)}}, base)
		if set != nil {
			base = set.All
		}
		for i, n := range splitTexts(text) {
			all = append(all, sample{fmt.Sprintf("%s/%d", name, i), n, base, set != nil})
		}
	}
	set, problems := dsl.Check(exampleFiles(tb), nil)
	if set == nil {
		tb.Fatal(listing(problems))
	}
	for _, f := range exampleFiles(tb) {
		add(f.Path, string(f.Text), set.All)
	}
	add("base", string(readFile(tb, "testdata/base.yaml")), nil)
	inputs, err := filepath.Glob("testdata/check/*/input.yaml")
	if err != nil {
		tb.Fatal(err)
	}
	for _, input := range inputs {
		add(filepath.Base(filepath.Dir(input)), string(readFile(tb, input)), own)
	}
	page := string(readFile(tb, "../docs/problems.md"))
	for i, section := range strings.Split(page, "\n## ") {
		add(fmt.Sprintf("problems.md-%d", i), yamlExamples(section)["Right"], own)
	}
	return all
}

// documentsOf returns the documents of a text that YAML can read, as JSON.
func splitTexts(text string) []*node {
	loader, err := yaml.NewLoader(strings.NewReader(text))
	if err != nil {
		return nil
	}
	var all []*node
	for {
		var doc yaml.Node
		if err := loader.Load(&doc); err != nil {
			return all
		}
		if len(doc.Content) == 1 && doc.Content[0].Kind == yaml.MappingNode && !unusual(doc.Content[0]) {
			all = append(all, nodeOf(doc.Content[0]))
		}
	}
}

// unusual tells whether a document has what JSON does not: anchors, aliases, tags, a key twice.
func unusual(n *yaml.Node) bool {
	seen := map[string]bool{}
	for i, c := range n.Content {
		isKey := n.Kind == yaml.MappingNode && i%2 == 0
		if isKey && (seen[c.Value] || c.Kind != yaml.ScalarNode) || unusual(c) {
			return true
		}
		seen[c.Value] = seen[c.Value] || isKey
	}
	return n.Kind == yaml.AliasNode || n.Anchor != "" || n.Style&yaml.TaggedStyle != 0
}

// mutant is a changed document.
type mutant struct {
	what string
	text string
}

// mutants changes every value of a document in every way: an unknown key, a key less, another scalar, another kind of value.
func mutants(root *node) []mutant {
	var all []mutant
	var walk func(n *node, at string)
	walk = func(n *node, at string) {
		was := *n
		try := func(what string, changed node) {
			*n = changed
			all = append(all, mutant{at + ": " + what, root.String()})
			*n = was
		}
		text := node{scalar: `"!! zzz"`}
		switch {
		case n.scalar != "":
			try("other words", text)
			try("a mapping", node{keys: []string{"x"}, values: []*node{{scalar: "1"}}})
			try("a list of lists", node{list: true, values: []*node{{list: true}}})
			try("a number", node{scalar: "7"})
			try("true", node{scalar: "true"})
			try("nothing", node{scalar: "null"})
			if strings.HasPrefix(n.scalar, `"`) {
				try("a changed word", node{scalar: strings.TrimSuffix(n.scalar, `"`) + `zz"`})
			}
		case n.list:
			try("a text", text)
			try("a mapping", node{keys: []string{"x"}, values: []*node{{scalar: "1"}}})
			try("an empty list", node{list: true})
		default:
			try("a text", text)
			try("an empty list", node{list: true})
			try("an empty mapping", node{})
			try("an unknown key", node{keys: append(slices.Clone(n.keys), "zz_unknown"), values: append(slices.Clone(n.values), &node{scalar: "1"})})
			for i, k := range n.keys {
				try("without "+k, node{keys: slices.Delete(slices.Clone(n.keys), i, i+1), values: slices.Delete(slices.Clone(n.values), i, i+1)})
			}
		}
		for i, v := range was.values {
			name := strconv.Itoa(i)
			if !was.list {
				name = was.keys[i]
			}
			walk(v, at+"."+name)
		}
	}
	walk(root, "")
	return all
}

// judge returns the codes of the errors that Check finds in each mutant. They are checked together: each is a file.
func judge(list []mutant, base []dsl.Document) map[int][]string {
	files := make([]dsl.File, len(list))
	for i, m := range list {
		files[i] = dsl.File{Path: strconv.Itoa(i), Text: []byte(m.text)}
	}
	found := map[int][]string{}
	_, problems := dsl.Check(files, base)
	for _, p := range problems {
		if i, err := strconv.Atoi(p.File); err == nil && p.Severity == crm.SeverityError && p.Code != "R0014" { // there twice, of course
			found[i] = append(found[i], p.Code)
		}
	}
	return found
}

// TestSchemaAgreesWithTheParser makes sure that an editor marks nothing that is right, and whatever is wrong in its shape:
// every document there is, and every mutation of those that are right.
func TestSchemaAgreesWithTheParser(t *testing.T) {
	t.Parallel()
	schema := definitionSchema(t)
	all := samples(t)
	if len(all) < 150 {
		t.Fatalf("%d documents", len(all))
	}
	for _, s := range all {
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			list := []mutant{{"as it is", s.root.String()}}
			if s.right {
				list = append(list, some(mutants(s.root))...)
			}
			codes := judge(list, s.base)
			for i, m := range list {
				compare(t, schema, m, codes[i])
			}
		})
	}
}

// some takes at most a hundred mutants, evenly over the document: long documents repeat themselves.
func some(all []mutant) []mutant {
	const most = 100
	if len(all) <= most {
		return all
	}
	few := make([]mutant, most)
	for i := range few {
		few[i] = all[i*len(all)/most]
	}
	return few
}

// compare holds what the schema says about a text against the codes of its errors.
func compare(t *testing.T, schema *jsonschema.Schema, m mutant, codes []string) {
	t.Helper()
	err := validate(t, schema, m.text)
	seen := slices.DeleteFunc(slices.Clone(codes), func(code string) bool { return !slices.Contains(structural(), code) || unseen(m, code) })
	switch {
	case err != nil && len(codes) == 0:
		t.Errorf("%s: the schema refuses what the parser takes: %v\n%s", m.what, err, m.text)
	case err == nil && len(seen) > 0:
		t.Errorf("%s: the schema takes what the parser refuses: %v\n%s", m.what, seen, m.text)
	}
}

// unseen are the differences that stay: what a schema cannot see although it is a matter of shape.
func unseen(m mutant, code string) bool {
	switch code {
	case "R0006": // declared data is never null, that of custom events may be
		return strings.Contains(m.what, ".data.") && strings.HasSuffix(m.what, ": nothing")
	case "R0106": // it has no list of time zones
		return strings.Contains(m.what, "a changed word")
	case "R0409": // whether all arms have a weight, or none; whether there is an arm of a name
		return strings.Contains(m.what, ".arms.") || strings.Contains(m.what, ".settle.to")
	case "R0009", "R0103", "R0104", "R0107": // it compares no two values: a notice and a time to keep, hours and a length
		return m.what == "as it is"
	}
	return false
}

// TestSchemaIsKept makes sure that the same grammar gives the same bytes, and that docs/schema.json holds them.
func TestSchemaIsKept(t *testing.T) {
	t.Parallel()
	first := dsl.JSONSchema()
	if !bytes.Equal(first, dsl.JSONSchema()) {
		t.Error("two calls, two schemas")
	}
	if !bytes.Equal(first, readFile(t, "../docs/schema.json")) {
		t.Error("docs/schema.json is not up to date: make generate")
	}
}

// TestEveryKeyIsTried makes sure that the right documents have every key that the schema knows, and that each is explained.
func TestEveryKeyIsTried(t *testing.T) {
	t.Parallel()
	var schema struct {
		Definitions map[string]struct {
			Properties map[string]struct {
				Description string `json:"description"`
			} `json:"properties"`
		} `json:"definitions"`
	}
	if err := json.Unmarshal(dsl.JSONSchema(), &schema); err != nil {
		t.Fatal(err)
	}
	tried := map[string]bool{}
	var walk func(n *node)
	walk = func(n *node) {
		for _, k := range n.keys {
			tried[k] = true
		}
		for _, v := range n.values {
			walk(v)
		}
	}
	for _, s := range samples(t) {
		if s.right {
			walk(s.root)
		}
	}
	for place, d := range schema.Definitions {
		for name, k := range d.Properties {
			if !tried[name] {
				t.Errorf("no right document has %s in %s", name, place)
			}
			if !strings.HasSuffix(k.Description, ".") {
				t.Errorf("%s in %s is not explained: %q", name, place, k.Description)
			}
		}
	}
}

// TestSnippetsAreRight fills in the snippets that editors offer, and checks them.
func TestSnippetsAreRight(t *testing.T) {
	t.Parallel()
	type snippet struct {
		Label string          `json:"label"`
		Body  json.RawMessage `json:"body"`
	}
	type branch struct {
		Else     *branch   `json:"else"`
		Snippets []snippet `json:"defaultSnippets"` //nolint:tagliatelle // as yaml-language-server has it
	}
	var doc struct {
		branch
		Definitions map[string]branch `json:"definitions"`
	}
	if err := json.Unmarshal(dsl.JSONSchema(), &doc); err != nil {
		t.Fatal(err)
	}
	schema := definitionSchema(t)
	check := func(label, text string) {
		text = regexp.MustCompile(`\$\{\d:((?:\\\\\}|[^}])*)\}`).ReplaceAllStringFunc(text, func(hole string) string {
			return strings.ReplaceAll(hole[4:len(hole)-1], `\\}`, "}")
		})
		if err := validate(t, schema, text); err != nil {
			t.Errorf("%s: %v\n%s", label, err, text)
		}
		for _, code := range judge([]mutant{{label, text}}, nil)[0] {
			if slices.Contains(structural(), code) || strings.HasPrefix(code, "R03") || code == "R0501" {
				t.Errorf("%s: %s\n%s", label, code, text)
			}
		}
	}
	kinds := &doc.branch // those of documents are where no kind is known yet
	for kinds.Else != nil {
		kinds = kinds.Else
	}
	for _, s := range kinds.Snippets {
		check(s.Label, string(s.Body))
	}
	steps := doc.Definitions["a-step"].Snippets
	if len(kinds.Snippets) < 8 || len(steps) < 10 {
		t.Errorf("%d kinds, %d steps", len(kinds.Snippets), len(steps))
	}
	for _, s := range steps {
		check("step "+s.Label, `{"sequence": "s", "purpose": "news", "enroll": "by hand", "steps": [`+string(s.Body)+`]}`)
	}
}
