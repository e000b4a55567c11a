package dsl

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"unicode/utf8"

	"go.yaml.in/yaml/v4"

	"github.com/rapport-crm/rapport/crm"
)

// Load compiles documents that were checked when they were published. What they refer to (names, statuses, variables) is not
// checked again, so that what was published stays loadable. A document that cannot be compiled is left out of the set and
// part of the error; the set holds the others.
func Load(docs []Document) (*Set, error) {
	l := newLoader(nil)
	for i := range docs {
		l.document(docs[i])
	}
	l.read()
	return l.set(len(l.docs)), l.err()
}

// Compile compiles one stored sequence from its source, as Load does. It is how a run gets the version it is pinned to.
func Compile(d Document) (*Program, error) {
	l := newLoader(nil)
	l.document(d)
	l.read()
	if err := l.err(); err != nil {
		return nil, err
	}
	switch first := l.docs[0]; {
	case first.program != nil:
		return first.program, nil
	case first.interview != nil:
		return first.interview.Program, nil
	}
	return nil, fmt.Errorf("compile %s %s: it is neither a sequence nor an interview", d.Kind, d.Name)
}

// loader reads a set of documents: the workspace first, then messages, then sequences, as each may refer to those before.
type loader struct {
	envs     *environments
	engines  *engines
	voc      *vocabulary // nil: what documents refer to is not checked
	channels map[string]crm.Channel
	docs     []*doc
	own      int           // how many of docs are of the files; the others are those in force
	problems []crm.Problem // of files that hold no document
	failure  error
}

// doc is a document that is being read.
type doc struct {
	Document
	reader    *docReader
	workspace *Workspace
	template  *Template
	pool      *Pool
	survey    *Survey
	interview *Interview
	retention *Retention
	program   *Program
	test      *Test
}

// compiled is what runs the document, nil when nothing does.
func (d *doc) compiled() *Program {
	if d.interview != nil {
		return d.interview.Program
	}
	return d.program
}

func newLoader(voc *vocabulary) *loader {
	envs, err := newEnvironments()
	return &loader{envs: envs, engines: newEngines(), voc: voc, channels: map[string]crm.Channel{}, failure: err}
}

// file takes the documents of a file.
func (l *loader) file(f File) {
	whole := func(message, fix string) {
		l.problems = append(l.problems, crm.Problem{
			File: f.Path, Line: 1, Column: 1, Code: codeFile, Severity: crm.SeverityError, Message: message, Fix: fix,
		})
	}
	switch {
	case len(f.Text) > maxFileBytes:
		whole("This file is larger than one megabyte.", "Split it.")
		return
	case !utf8.Valid(f.Text):
		whole("This file is not text in UTF-8.", "Save it as UTF-8.")
		return
	}
	for _, src := range splitDocuments(f.Path, string(f.Text)) {
		l.add(src)
	}
}

// document takes a stored document. Its lines are those of the file it came from.
func (l *loader) document(d Document) {
	src := &source{file: d.File, first: 1, text: d.Source}
	if parts := splitDocuments(d.File, d.Source); len(parts) > 0 {
		src = parts[0]
	}
	l.add(src)
	stored := l.docs[len(l.docs)-1]
	if src.root != nil {
		lines := d.Line - src.root.Line
		src.first += lines
		_ = shift(src.root, lines, 0) // was shifted before, so it is not too deep
	}
	kind := stored.Kind
	if stored.Document = d; kind != d.Kind { // what it was is not what it says
		stored.Kind = kind
		stored.reader.addAt(d.Line, 1, crm.SeverityError, codeKind, fmt.Sprintf("This was published as a %s and is none.", d.Kind), "")
	}
}

// add parses a document and finds its kind and name.
func (l *loader) add(src *source) {
	d := &doc{reader: &docReader{src: src, envs: l.envs, engines: l.engines, voc: l.voc, channels: l.channels}}
	d.File, d.Source, d.Line = src.file, src.text, src.first
	l.docs = append(l.docs, d)
	if l.failure != nil {
		d.reader.addAt(1, 1, crm.SeverityError, codeExprType, "Expressions cannot be checked: "+l.failure.Error()+".", "")
		return
	}
	if err := src.parse(); err != nil {
		d.reader.syntaxProblem(err)
		return
	}
	if d.head(); d.Kind == "" {
		return
	}
	d.Line, d.Hash = src.root.Line, hash(src.root)
	if d.Kind == KindMessage && d.Locale == "" {
		if ch := valueOf(src.root, "channel"); ch != nil {
			l.channels[d.Name] = crm.Channel(ch.Value)
		}
	}
}

// head finds the kind and the name of a document. Kind stays empty when there is nothing more to read.
func (d *doc) head() {
	r, root := d.reader, d.reader.src.root
	kinds := documentKinds()
	switch {
	case root == nil:
		r.addAt(d.Line, 1, crm.SeverityError, codeKind, "This document is empty.", "")
		return
	case root.Kind != yaml.MappingNode || len(root.Content) < 2:
		r.add(root, codeKind, "A document begins with its kind and its name.", "Write for example `sequence: welcome-back`.")
		return
	}
	key, value := root.Content[0], root.Content[1]
	if !r.plain(key) {
		return
	}
	if !slices.Contains(kinds, key.Value) {
		fix := suggest(key.Value, kinds)
		for _, k := range kinds {
			if hasKey(root, k) {
				fix = fmt.Sprintf("Move `%s` to the top.", k)
			}
		}
		r.add(key, codeKind, fmt.Sprintf("%q is not a kind of document.", clip(key.Value)), fix)
		return
	}
	d.Kind, d.Name = key.Value, value.Value
	if locale := valueOf(root, "locale"); locale != nil && d.Kind == KindMessage {
		d.Locale = locale.Value
	}
}

// read reads all documents in the order in which they may refer to each other.
func (l *loader) read() {
	l.duplicates()
	l.each(KindWorkspace, func(d *doc) {
		d.workspace = d.reader.workspace()
		if l.voc != nil {
			l.voc.workspace = d.workspace
		}
	})
	l.names()
	l.each(KindPool, func(d *doc) {
		d.pool = d.reader.pool()
		if l.voc != nil && d.pool != nil {
			l.voc.pools[d.Name] = d.pool
		}
	})
	l.each(KindSurvey, func(d *doc) { d.survey = d.reader.survey() })
	l.each(KindMessage, func(d *doc) {
		d.template = d.reader.message()
		if l.voc != nil && d.template != nil {
			l.voc.messages[d.Name] = append(l.voc.messages[d.Name], d.template)
		}
	})
	l.each(KindSequence, func(d *doc) { d.program = d.reader.sequence() })
	l.each(KindInterview, func(d *doc) { d.interview = d.reader.interview() })
	l.each(KindRetention, func(d *doc) { d.retention = d.reader.retention() })
	l.tests()
	if l.voc != nil {
		l.check()
	}
}

// tests reads the tests, which may refer to everything else.
func (l *loader) tests() {
	programs := map[string]*Program{}
	for _, d := range l.docs {
		if p := d.compiled(); p != nil && !d.reader.failed() {
			programs[d.Name] = p
		}
	}
	l.each(kindTest, func(d *doc) { d.test = d.reader.test(programs) })
}

// names gathers what definitions may name, before they are read: they may name each other.
func (l *loader) names() {
	if l.voc == nil {
		return
	}
	l.each(KindSequence, func(d *doc) { l.voc.sequences = append(l.voc.sequences, d.Name) })
	l.each(KindInterview, func(d *doc) { l.voc.interviews = append(l.voc.interviews, d.Name) })
	l.each(KindPool, func(d *doc) { l.voc.pools[d.Name] = nil })
	l.each(KindSurvey, func(d *doc) { l.voc.surveys[d.Name] = nil })
}

func (l *loader) each(kind string, read func(d *doc)) {
	for _, d := range l.docs {
		if d.Kind == kind && d.reader.src.root != nil {
			read(d)
		}
	}
}

// duplicates reports documents of the same name.
func (l *loader) duplicates() {
	seen := make(map[string]*doc, len(l.docs))
	for _, d := range l.docs {
		if d.Kind == "" {
			continue
		}
		key := d.Key()
		if d.Runs() {
			key = "runs\n" + d.Name
		}
		if d.Kind == kindTest { // each sequence has tests of its own
			if of := valueOf(d.reader.src.root, "of"); of != nil {
				key += "\n" + of.Value
			}
		}
		first := seen[key]
		if first == nil {
			seen[key] = d
			continue
		}
		message := fmt.Sprintf("The %s %q is there twice: also in %s on line %d.", d.Kind, clip(d.Name), first.File, first.Line)
		fix := "Keep one of them."
		if d.Kind != first.Kind {
			fix = "Rename one of them."
			message = fmt.Sprintf("The %s %q has the name of the %s in %s on line %d.", d.Kind, clip(d.Name), first.Kind, first.File, first.Line)
		}
		if d.Kind == KindWorkspace {
			message = fmt.Sprintf("There is one workspace; another is in %s on line %d.", first.File, first.Line)
		}
		d.reader.addAt(d.Line, 1, crm.SeverityError, codeSameName, message, fix)
	}
}

// set gathers what was read without an error. The first own documents are those of the files.
func (l *loader) set(own int) *Set {
	s := &Set{
		Programs: map[string]*Program{}, Templates: map[string][]*Template{}, Pools: map[string]*Pool{}, Surveys: map[string]*Survey{},
		Interviews: map[string]*Interview{}, Retentions: map[string]*Retention{},
	}
	for i, d := range l.docs {
		if d.Kind == "" {
			continue
		}
		if d.Kind == kindTest {
			if !d.reader.failed() {
				s.Tests = append(s.Tests, d.test)
			}
			continue
		}
		if d.reader.failed() {
			s.Broken = append(s.Broken, d.Document)
			continue
		}
		s.All = append(s.All, d.Document)
		if i < own {
			s.Documents = append(s.Documents, d.Document)
		}
		switch {
		case d.workspace != nil:
			s.Workspace = d.workspace
		case d.template != nil:
			s.Templates[d.Name] = append(s.Templates[d.Name], d.template)
		case d.pool != nil:
			s.Pools[d.Name] = d.pool
		case d.survey != nil:
			s.Surveys[d.Name] = d.survey
		case d.program != nil:
			s.Programs[d.Name] = d.program
		case d.interview != nil:
			s.Interviews[d.Name], s.Programs[d.Name] = d.interview, d.interview.Program
		case d.retention != nil:
			s.Retentions[d.Name] = d.retention
		}
	}
	for _, versions := range s.Templates {
		slices.SortFunc(versions, func(a, b *Template) int { return cmp.Compare(a.Locale, b.Locale) })
	}
	return s
}

// err returns the errors of all documents, for those who cannot be shown problems.
func (l *loader) err() error {
	errs := []error{l.failure}
	for _, d := range l.docs {
		for _, p := range d.reader.problems {
			if p.Severity == crm.SeverityError {
				errs = append(errs, fmt.Errorf("compile %s %s: %s %s", d.Kind, d.Name, p.Code, p.Message))
			}
		}
	}
	return errors.Join(errs...)
}
