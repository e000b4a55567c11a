package dsl

import (
	"cmp"
	"slices"
	"strings"

	"github.com/rapport-crm/rapport/crm"
)

// File is a text with one or more YAML documents. Path is only used in problems.
type File struct {
	Path string
	Text []byte
}

// Document is one definition as it was written. Its Kind is one of the kinds below.
type Document = crm.Document

// Kinds of documents that are published.
const (
	KindWorkspace = crm.KindWorkspace
	KindSequence  = crm.KindSequence
	KindMessage   = crm.KindMessage
	KindPool      = crm.KindPool
	KindSurvey    = crm.KindSurvey
	KindInterview = crm.KindInterview
	KindRetention = crm.KindRetention
	kindTest      = "test"
)

// documentKinds lists the kinds of documents that there are.
func documentKinds() []string {
	return []string{KindWorkspace, KindSequence, KindMessage, KindPool, KindSurvey, KindInterview, KindRetention, kindTest}
}

// Set is a complete set of definitions, compiled. It is immutable and safe for concurrent use.
type Set struct {
	Workspace  *Workspace             // nil when there is none
	Programs   map[string]*Program    // of sequences and interviews, by name
	Templates  map[string][]*Template // by name, one for each locale
	Pools      map[string]*Pool       // by name
	Surveys    map[string]*Survey     // by name
	Interviews map[string]*Interview  // by name
	Retentions map[string]*Retention  // by name
	Tests      []*Test                // from the files; they are never in force
	Documents  []Document             // those from the files
	All        []Document             // those in force: the files' and what is left of the base
	Broken     []Document             // in force as well, but this version cannot read them
}

// Template returns the message in the best language there is for a locale (BCP 47): the exact one, else its language, else
// the one without a locale. It is nil when the message does not exist.
func (s *Set) Template(name, locale string) *Template {
	language, _, _ := strings.Cut(locale, "-")
	for _, want := range []string{locale, language, ""} {
		for _, t := range s.Templates[name] {
			if t.Locale == want {
				return t
			}
		}
	}
	return nil
}

// Check reads files on top of base, the documents in force (it may be nil): a document of the same kind, name and locale in
// files replaces that of base, and the workspace any other. It reports every problem at once, sorted by file, line and
// column. The set is nil when a problem is an error. Tests are no part of the documents: they are never published.
func Check(files []File, base []Document) (*Set, []crm.Problem) {
	l := newLoader(&vocabulary{messages: map[string][]*Template{}, pools: map[string]*Pool{}, surveys: map[string]*Survey{}})
	for _, f := range files {
		l.file(f)
	}
	l.builtIn(base)
	own := len(l.docs)
	l.own = own
	replaced := make(map[string]bool, own)
	for _, d := range l.docs {
		replaced[d.Key()] = true
	}
	for i := range base {
		if !replaced[base[i].Key()] {
			l.document(base[i])
		}
	}
	l.read()
	problems := l.problems
	for i, d := range l.docs {
		for _, p := range d.reader.problems {
			if i < own || p.Severity == crm.SeverityError {
				problems = append(problems, p)
			}
		}
	}
	slices.SortStableFunc(problems, func(a, b crm.Problem) int {
		return cmp.Or(cmp.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column), cmp.Compare(a.Code, b.Code))
	})
	problems = slices.Compact(problems)
	if slices.ContainsFunc(problems, func(p crm.Problem) bool { return p.Severity == crm.SeverityError }) {
		return nil, problems
	}
	return l.set(own), problems
}
