package docs_test

import (
	"cmp"
	"flag"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/rapport-crm/rapport/crm"
	"github.com/rapport-crm/rapport/dsl"
)

var update = flag.Bool("update", false, "write retention.md") //nolint:gochecknoglobals // a flag of the test

const (
	libraryPath    = "../examples/retention"
	libraryMessage = "../examples/retention/notice.yaml"
	retentionPath  = "retention.md"
	retentionIntro = `# The retention library

What the policies of [examples/retention](../examples/retention) do, and what was read for them: a starting point for counsel, never
advice. [Its README](../examples/retention/README.md) tells how they were read. This page is written by a test from the files.

Where a policy says "at most", data are taken by its first run after that; "at least" takes nothing, and holds back whatever would. The last
column is the day on which a stored copy of the source was read; what that copy says of its own date is in the file.

`
)

// retentionRow is a policy of the library as the page shows it.
type retentionRow struct {
	where, policy, keeps, after, basis string
	sources                            []librarySource
}

// librarySource is where a policy is from.
type librarySource struct {
	address string
	read    string // the day on which a copy was read; "" when none was
}

var (
	libraryPolicy  = regexp.MustCompile(`(?m)^retention: (\S+)$`)
	librarySources = regexp.MustCompile(`(?m)^# Source: (https?://\S+)\n#   (?:read on (\d{4}-\d{2}-\d{2}) as a stored copy|not opened): .+$`)
)

// TestRetentionPage compares retention.md with the library. Every policy is there, with what was read for it:
// go test ./docs -run TestRetentionPage -update writes it.
func TestRetentionPage(t *testing.T) {
	t.Parallel()
	var page strings.Builder
	page.WriteString(retentionIntro + "| where | policy | kept | from | basis | sources | read |\n| --- | --- | --- | --- | --- | --- | --- |\n")
	for _, row := range library(t) {
		read, closed := row.links()
		fmt.Fprintf(&page, "| %s | `%s` | %s | %s | %s | %s | %s |\n", row.where, row.policy, row.keeps, row.after, row.basis,
			strings.Join(slices.Concat(read, closed), ", "), cmp.Or(row.day(), "none was"))
	}
	if *update {
		if err := os.WriteFile(retentionPath, []byte(page.String()), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(retentionPath)
	if err != nil {
		t.Fatal(err)
	}
	if page.String() != string(want) {
		t.Error("docs/retention.md is not what the library says: write it with go test ./docs -run TestRetentionPage -update")
	}
}

// library reads the policies of the library, file by file.
func library(t *testing.T) (rows []retentionRow) {
	t.Helper()
	paths, err := filepath.Glob(libraryPath + "/*.yaml")
	if err != nil || len(paths) < 16 {
		t.Fatal(paths, err)
	}
	message := dsl.File{Path: libraryMessage, Text: readFile(t, libraryMessage)}
	for _, path := range paths {
		if path == libraryMessage {
			continue
		}
		text := readFile(t, path)
		set, problems := dsl.Check([]dsl.File{{Path: path, Text: policies(text)}, message}, nil)
		if set == nil {
			t.Fatal(problems)
		}
		where, _, _ := strings.Cut(strings.TrimPrefix(string(text), "# "), ". ")
		for doc := range strings.SplitSeq(string(text), "\n---\n") {
			name := libraryPolicy.FindStringSubmatch(doc)
			if name == nil {
				continue
			}
			row := retentionRow{where: where, policy: name[1]}
			row.policyOf(t, set.Retentions[name[1]])
			row.sourcesOf(t, doc)
			rows = append(rows, row)
		}
	}
	return rows
}

func readFile(t *testing.T, path string) []byte {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// policies leaves the tests of a file out: some speak of the policies of other files.
func policies(text []byte) []byte {
	docs := strings.Split(string(text), "\n---\n")
	docs = slices.DeleteFunc(docs, func(doc string) bool { return !libraryPolicy.MatchString(doc) })
	return []byte(strings.Join(docs, "\n---\n"))
}

// policyOf puts what the policy does into words.
func (r *retentionRow) policyOf(t *testing.T, p *dsl.Retention) {
	t.Helper()
	r.basis, r.keeps = p.Basis, "at least "+p.AtLeast.String()
	if !p.For.IsZero() {
		r.keeps = "at most " + p.For.String() + ", then " + map[string]string{
			crm.RetentionAnonymize: "anonymized", crm.RetentionErase: "erased",
		}[p.Then]
	}
	const decided, active = "candidate.last_decision_at", "candidate.last_activity_at"
	automated := "date(string(candidate.attributes.automated_decision_at))"
	r.after = map[string]string{
		decided: "the decision",
		`candidate.status == "withdrawn" || !has(` + decided + `) ? ` + active + ` : ` + decided: "the decision; their last activity if they withdrew",
		`has(` + active + `) ? ` + active + ` : candidate.created_at`:                            "the last contact",
		`has(` + decided + `) && (!has(` + active + `) || ` + decided + ` > ` + active + `) ? ` + decided + ` : has(` + active + `) ? ` + active +
			` : candidate.created_at`: "the decision or their last activity, whichever is later",
		`has(` + decided + `) && ` + decided + ` > ` + automated + ` ? ` + decided + ` : ` + automated: "the automated decision or the decision, whichever is later",
	}[p.After.Source]
	if r.after == "" {
		t.Errorf("%s counts from %s: say in this test what that is in words", p.Name, p.After.Source)
	}
}

// sourcesOf reads the comment of a policy. Every source says when it was read, or that it was not.
func (r *retentionRow) sourcesOf(t *testing.T, doc string) {
	t.Helper()
	for _, m := range librarySources.FindAllStringSubmatch(doc, -1) {
		r.sources = append(r.sources, librarySource{address: m[1], read: m[2]})
	}
	if named := strings.Count(doc, "# Source:"); named == 0 || named != len(r.sources) {
		t.Errorf("%s names %d sources, and of %d it says whether they were read", r.policy, named, len(r.sources))
	}
}

// links are the sources in Markdown: those that were read, and those that were not.
func (r *retentionRow) links() (read, closed []string) {
	for _, s := range r.sources {
		host := s.address
		if u, err := url.Parse(s.address); err == nil {
			host = strings.TrimPrefix(u.Host, "www.")
		}
		link := "[" + host + "](" + s.address + ")"
		if s.read == "" {
			closed = append(closed, "not opened: "+link)
			continue
		}
		read = append(read, link)
	}
	return read, closed
}

// day is the earliest on which a source was read.
func (r *retentionRow) day() (day string) {
	for _, s := range r.sources {
		if s.read != "" && (day == "" || s.read < day) {
			day = s.read
		}
	}
	return day
}
