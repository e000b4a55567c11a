package dsl

import (
	"github.com/rapport-crm/rapport/crm"
)

// File is a text with one or more YAML documents. Path is only used in problems.
type File struct {
	Path string
	Text []byte
}

// Document is one definition as it was written: its own YAML text and where it stood.
type Document struct {
	Kind   string // sequence, message or workspace
	Name   string
	Locale string // of a message in another language, else ""
	Hash   string // sha256 in hex of the content: comments, quoting and layout do not change it
	Source string // this document's own YAML text
	File   string
	Line   int // of its first key in File, from 1
}

// Set is a complete set of definitions, compiled.
type Set struct {
	Workspace *Workspace
	Programs  map[string]*Program    // by name
	Templates map[string][]*Template // by name, one for each locale
	Documents []Document             // those from the files
	All       []Document             // those in force: the files' and what is left of the base
}

// Template returns the message in the best language there is for a locale (BCP 47): the exact one, else its language, else
// the one without a locale. It is nil when the message does not exist.
func (s *Set) Template(name, locale string) *Template { return nil }

// Check reads files on top of base, the documents in force: one of the same kind, name and locale in files replaces that of
// base. It reports every problem at once, sorted by file, line and column. The set is usable unless a problem is an error;
// then it is nil.
func Check(files []File, base []Document) (*Set, []crm.Problem) { return nil, nil }

// Load compiles documents that were checked when they were published. Vocabulary (names, statuses, variables) is not
// checked again, so that a published definition stays loadable.
func Load(docs []Document) (*Set, error) { return nil, nil }

// Compile compiles one stored sequence from its source, as Load does. It is how a run gets the version it is pinned to.
func Compile(doc Document) (*Program, error) { return nil, nil }
