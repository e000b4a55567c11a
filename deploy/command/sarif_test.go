package command_test

import (
	"encoding/json"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestSARIF checks what SARIF 2.1.0 requires, and what code hosts need, of the report about two files.
func TestSARIF(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path := filepath.Join(dir, "two words.yaml")
	text := "sequence: s\npurpose: transactional\nenroll: {on: application.submited}\nsteps:\n  - emial: x\n"
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	out, errOut, code := rapport(t, "check", "--format", "sarif", path, "../../dsl/testdata/check/names/input.yaml", "../../dsl/testdata/check/sms-long/input.yaml")
	if code != 1 || errOut != "" {
		t.Fatalf("exit %d: %s", code, errOut)
	}
	log := object(t, out)
	want(t, log, "version", "2.1.0")
	want(t, log, "$schema", "https://json.schemastore.org/sarif-2.1.0.json")
	run := log.list(t, "runs")[0]
	driver := run.object(t, "tool").object(t, "driver")
	want(t, driver, "name", "rapport")
	want(t, run, "columnKind", "unicodeCodePoints")
	rules := driver.list(t, "rules")
	for _, r := range rules {
		link, err := url.Parse(r["helpUri"].(string))
		if err != nil || link.Scheme != "https" || !strings.HasPrefix(link.Fragment, strings.ToLower(r["id"].(string))+"-") {
			t.Errorf("help is at %v, %v", link, err)
		}
		for _, key := range []string{"shortDescription", "fullDescription", "help"} {
			if text := r.object(t, key)["text"].(string); len(text) < 10 {
				t.Errorf("%s of %v is %q", key, r["id"], text)
			}
		}
	}
	results := run.list(t, "results")
	if len(results) < 4 {
		t.Fatalf("%d results", len(results))
	}
	levels := map[string]int{}
	for _, r := range results {
		if rule := rules[int(r["ruleIndex"].(float64))]; rule["id"] != r["ruleId"] {
			t.Errorf("rule %v is at the place of %v", rule["id"], r["ruleId"])
		}
		levels[r["level"].(string)]++
		if r.object(t, "message")["text"] == "" {
			t.Error("a result without a message")
		}
		place := r.list(t, "locations")[0].object(t, "physicalLocation")
		region := place.object(t, "region")
		if region["startLine"].(float64) < 1 || region["startColumn"].(float64) < 1 {
			t.Errorf("region %v", region)
		}
		checkURI(t, place.object(t, "artifactLocation")["uri"].(string))
	}
	if levels["error"] < 3 || levels["note"]+levels["warning"] < 1 {
		t.Errorf("levels %v", levels)
	}
}

// checkURI makes sure that a file's address is one (RFC 3986).
func checkURI(t *testing.T, uri string) {
	t.Helper()
	u, err := url.Parse(uri)
	if err != nil || strings.Contains(uri, " ") || u.IsAbs() != strings.HasSuffix(uri, "two%20words.yaml") {
		t.Errorf("%q, %v", uri, err)
	}
}

func TestSARIFWithoutProblems(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "message.yaml")
	if err := os.WriteFile(path, []byte("message: hello\nchannel: email\nsubject: Hello\nbody: Hello\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	out, _, code := rapport(t, "check", "--format", "sarif", path)
	run := object(t, out).list(t, "runs")[0]
	if results, ok := run["results"].([]any); code != 0 || !ok || len(results) != 0 {
		t.Errorf("exit %d: %s", code, out)
	}
}

// TestHelpLinks holds the links of rules against the page's headings.
func TestHelpLinks(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("../../docs/problems.md")
	if err != nil {
		t.Fatal(err)
	}
	out, _, _ := rapport(t, "check", "--format", "sarif", "../../dsl/testdata/check/trap-comma", "../../dsl/testdata/check/anchors")
	for _, r := range object(t, out).list(t, "runs")[0].object(t, "tool").object(t, "driver").list(t, "rules") {
		heading := regexp.MustCompile(`(?m)^## ` + r["id"].(string) + ` (.*)$`).FindSubmatch(page)
		words := strings.FieldsFunc(strings.ToLower(string(heading[1])), func(r rune) bool { return strings.ContainsRune(" ,.", r) })
		if link := r["helpUri"].(string); !strings.HasSuffix(link, "#"+strings.ToLower(r["id"].(string))+"-"+strings.Join(words, "-")) {
			t.Errorf("%q leads to %s", heading[1], link)
		}
	}
}

// node is a JSON object.
type node map[string]any

func object(t *testing.T, text string) (n node) {
	t.Helper()
	if err := json.Unmarshal([]byte(text), &n); err != nil {
		t.Fatal(err)
	}
	return n
}

func (n node) object(t *testing.T, key string) node {
	t.Helper()
	o, ok := n[key].(map[string]any)
	if !ok {
		t.Fatalf("%s is %v", key, n[key])
	}
	return o
}

func (n node) list(t *testing.T, key string) (all []node) {
	t.Helper()
	list, ok := n[key].([]any)
	if !ok || len(list) == 0 {
		t.Fatalf("%s is %v", key, n[key])
	}
	for _, e := range list {
		all = append(all, e.(map[string]any))
	}
	return all
}

func want(t *testing.T, n node, key string, value any) {
	t.Helper()
	if n[key] != value {
		t.Errorf("%s is %v, want %v", key, n[key], value)
	}
}
